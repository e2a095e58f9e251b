"""Reading what runs left behind; nothing here changes a file."""

import warnings
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from tutelage.config import RunConfig, load
from tutelage.errors import ConfigError, RecordError
from tutelage.record.lines import decode
from tutelage.record.schema import SCHEMA, ClassMeans, Evaluation, Result, Row

CONFIG = "run.toml"
ROWS = "rows.jsonl"
EVALUATIONS = "evaluations.jsonl"
CLASSES = "classes.json"
RESULT = "result.json"
LOCK = "lock"
STUDENT = "student.safetensors"
STUDENT_BEST = "student-best.safetensors"

State = Literal["new", "unfinished", "complete"]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run folder as it was read; rows and evaluations are read when they are first asked for."""

    path: Path
    config: RunConfig
    result: Result | None  # None while the run is unfinished
    started: str  # UTC, ISO 8601

    @property
    def id(self) -> str:
        """The name of the folder."""
        return self.path.name

    @property
    def state(self) -> State:
        """Whether the run came to its end."""
        return "unfinished" if self.result is None else "complete"

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows in the order of their steps.

        Raises:
            RecordError: a line that is not the last is broken.
        """
        return read_lines(Row, self.path / ROWS)

    @cached_property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The evaluations in the order in which they were made.

        Raises:
            RecordError: a line that is not the last is broken.
        """
        return read_lines(Evaluation, self.path / EVALUATIONS)

    @cached_property
    def classes(self) -> ClassMeans | None:
        """What each class was taken for; None where that was not recorded.

        Raises:
            RecordError: the file is broken.
        """
        path = self.path / CLASSES
        return _decoded(ClassMeans, str(path), path.read_bytes()) if path.is_file() else None


def state(path: Path) -> State:
    """Say how far the run at `path` is; where nothing or an empty folder is, it is new.

    Raises:
        RecordError: what is there is no run.
    """
    if (path / RESULT).is_file() and (path / CONFIG).is_file():
        return "complete"
    if (path / CONFIG).is_file():
        return "unfinished"
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise RecordError(
            f"{path} is there and is no run (it holds no {CONFIG}); give another run.name or "
            f"run.dir."
        )
    return "new"


def read_run(path: Path) -> Run:
    """Read a run folder, complete or not.

    Raises:
        RecordError: there is no run, or its files are broken or of a newer version.
        ConfigError: its ``run.toml`` is not one that this version understands.
    """
    if state(path) == "new":
        raise RecordError(f"there is no run at {path}; `tutelage list runs` shows those there are.")
    result = _read_result(path / RESULT) if (path / RESULT).is_file() else None
    return Run(
        path=path,
        config=load(path / CONFIG),
        result=result,
        started=result.started if result else started(path),
    )


def list_runs(folder: Path) -> list[Run]:
    """Read every run in a folder, the newest first; what is no run is passed over.

    A run that cannot be read is passed over with a warning that says why.
    """
    runs = []
    for config in folder.glob(f"*/{CONFIG}"):
        if config.parent.name.startswith("."):  # one that is just being made
            continue
        try:
            runs.append(read_run(config.parent))
        except (RecordError, ConfigError) as error:
            warnings.warn(f"passed over the run {config.parent}: {error}", stacklevel=2)
    return sorted(runs, key=lambda run: (run.started, run.id), reverse=True)


def started(path: Path) -> str:
    """Return when the run was created, UTC and ISO 8601: its ``run.toml`` never changes."""
    return utc((path / CONFIG).stat().st_mtime)


def utc(seconds: float | None = None) -> str:
    """Return a time, or now, as UTC in ISO 8601 with milliseconds.

    >>> utc(0.25)
    '1970-01-01T00:00:00.250+00:00'
    """
    moment = (
        datetime.now(timezone.utc)
        if seconds is None
        else datetime.fromtimestamp(seconds, timezone.utc)
    )
    return moment.isoformat(timespec="milliseconds")


def whole_lines(content: bytes) -> list[bytes]:
    r"""Split into lines with their ends; a last line that a crash cut short is left out.

    >>> whole_lines(b'{}\n{"epo')
    [b'{}\n']
    """
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


@dataclass(frozen=True)
class _Versioned:
    schema: int


def _read_result(path: Path) -> Result:
    content = path.read_bytes()
    schema = _decoded(_Versioned, str(path), content).schema
    if schema > SCHEMA:
        raise RecordError(
            f"{path} was written by a newer version (schema {schema}, this one reads up to "
            f"{SCHEMA}); upgrade tutelage to read it."
        )
    return _decoded(Result, str(path), content)


def read_lines(cls: type[T], path: Path) -> tuple[T, ...]:
    """Return the records of a file, one a line; none where there is no file.

    Raises:
        RecordError: a line that is not the last is broken.
    """
    content = path.read_bytes() if path.is_file() else b""
    lines = enumerate(whole_lines(content), start=1)
    return tuple(_decoded(cls, f"{path}, line {number},", line) for number, line in lines)


def _decoded(cls: type[T], where: str, content: bytes) -> T:
    try:
        return decode(cls, content)
    except ValueError as error:
        raise RecordError(
            f"{where} is broken: {error}; bring the file back from a copy, or train the run anew."
        ) from error
