"""Runs as their records tell them: one whole, several side by side, and what one learned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tutelage.config import to_mapping
from tutelage.errors import ConfigError, GraphError, RecordError
from tutelage.explorer.answers import UnknownError, UnreadableError, plain
from tutelage.explorer.context import Explorer
from tutelage.explorer.questions import Question
from tutelage.graph.classes import Classes, confusions
from tutelage.graph.model import Facts, Node
from tutelage.record import Run, read_run

ROWS = 2_000
"""Rows of a run that are told; of more, every n-th and the last."""

RUNS = 8
"""Runs that can stand side by side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OneRun(Question):
    """A run, by its key."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldRun:
    """The record of a run, as `docs/record.md` describes it.

    `rows` are thinned to at most 2,000. What was measured and was no number is null.
    """

    run: Facts
    config: Facts
    rows: list[Facts]
    evaluations: list[Facts]
    result: Facts | None
    command: str


def run(explorer: Explorer, question: OneRun) -> ToldRun:
    """Tell what a run recorded: its configuration, its course, its result, and how to repeat it."""
    return _told(*_read(explorer, question.key))


@dataclass(frozen=True, kw_only=True, slots=True)
class SeveralRuns(Question):
    """Runs, by their keys."""

    run: tuple[str, ...]

    def __post_init__(self) -> None:
        """Demand no more than can be taken in; one run is a comparison that begins."""
        if not 1 <= len(set(self.run)) <= RUNS:
            raise GraphError(f"run wants 1 to {RUNS} keys, got {len(set(self.run))}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A key of the configuration that differs, or a measure, with its value in each run.

    A value is null in a run that has none.
    """

    name: str
    values: list[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Runs side by side: the keys of their configurations that differ, then what was measured."""

    runs: list[ToldRun]
    differences: list[Difference]
    measures: list[Difference]


def compare(explorer: Explorer, question: SeveralRuns) -> Comparison:
    """Put runs side by side: what was set differently, and what came of it."""
    found = [_read(explorer, key) for key in dict.fromkeys(question.run)]
    configs = [_flat(to_mapping(record.config)) for _, record in found]
    facts = [node.facts for node, _ in found]
    differences = [row for row in _rows(configs) if _differ(row.values)]
    return Comparison(
        runs=[_told(*each) for each in found],
        differences=[row for row in differences if not row.name.startswith("run.")],
        measures=_rows([{name: each[name] for name in MEASURES if name in each} for each in facts]),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassesOf(Question):
    """The classes of a run, and how many of the likeliest confusions of each network."""

    run: str
    limit: int = 200
    bounds: ClassVar = {"limit": (1, 5_000)}


def classes(explorer: Explorer, question: ClassesOf) -> Classes:
    """Tell what a run's teacher takes each class for, and what of that its student learned."""
    _, record = _read(explorer, question.run)
    try:
        return confusions(record, limit=question.limit)
    except GraphError as error:
        raise UnknownError(str(error).replace(str(record.path), record.id)) from None
    except RecordError:
        raise _broken(record.id) from None


MEASURES = ("accuracy", "accuracy_best", "accuracy_teacher", "epochs_done", "seconds")
"""The facts of a run that say what came of it."""


def _read(explorer: Explorer, key: str) -> tuple[Node, Run]:
    """Return a run's node and its record, found by its name among the folders that are there."""
    node = explorer.node(key)
    name = node.facts.get("id")
    folder = explorer.runs
    there = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if node.kind != "run" or name not in there:
        raise UnknownError(f"There is no record of {key!r} among the runs.")
    try:
        record = read_run(there[str(name)])
        record.rows, record.evaluations  # noqa: B018 -- read now, so that a broken line is told
    except (RecordError, ConfigError, OSError):
        raise _broken(str(name)) from None
    return node, record


def _broken(name: str) -> UnreadableError:
    return UnreadableError(f"The record of {name} is broken; `tutelage show {name}` tells where.")


def _told(node: Node, record: Run) -> ToldRun:
    return ToldRun(
        run=node.facts,
        config=to_mapping(record.config),
        rows=[plain(row) for row in _thinned(record.rows)],
        evaluations=[plain(evaluation) for evaluation in record.evaluations],
        result=plain(record.result),
        command=str(node.facts.get("command", "")),
    )


def _thinned(rows: tuple[Any, ...]) -> Iterable[Any]:
    step = -(-len(rows) // ROWS)
    return rows if step <= 1 else (*rows[:-1:step], rows[-1])


def _flat(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _rows(columns: list[dict[str, Any]]) -> list[Difference]:
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        Difference(name=name, values=[column.get(name) for column in columns]) for name in names
    ]


def _differ(values: list[Any]) -> bool:
    return any(value != values[0] for value in values)
