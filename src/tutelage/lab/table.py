"""A comparison as tables, notes and files; figures in percent where the name says so."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tutelage.config import to_mapping
from tutelage.errors import RecordError
from tutelage.lab.comparison import ArmSummary, Cell, Comparison, result_of
from tutelage.lab.figure import draw
from tutelage.lab.matrix import Arm
from tutelage.lab.statistics import Interval
from tutelage.record import Result, replacing

NONE = "-"
CONTROL = " (control)"
_UNSAID = {"label_smoothing": 0.0, "fidelity": "paper", "standardise": False}  # what is usual


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first `texts` columns read from the left, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1

    def markdown(self) -> str:
        """Return it as Markdown."""
        numbers = len(self.columns) - self.texts
        lines = [self.columns, (*["---"] * self.texts, *["---:"] * numbers), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"**{self.title}**\n\n{table}"


def tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return three tables: the arms, their paired differences, and every seed."""
    return _arms(comparison), _differences(comparison), _seeds(comparison)


def _arms(comparison: Comparison) -> Table:
    other = "best" if comparison.reading == "last" else "last"
    return Table(
        f"{comparison.measured[0].upper()}{comparison.measured[1:]} on the {comparison.split} "
        f"split, {comparison.reading} epoch, percent",
        (
            "arm",
            "n",
            "mean",
            "sd",
            "95 % interval",
            other,
            "NLL",
            "ECE %",
            "s/run",
            "ms/step",
            "extra",
        ),
        tuple(
            (
                one.arm.label,
                _count(one),
                _percent(one.top1.mean if one.top1 else None),
                _percent(one.top1.sd if one.top1 else None),
                _interval(one.top1.interval if one.top1 else None),
                _percent(one.best_top1 if other == "best" else one.last_top1),
                _number(one.loss, 3),
                _percent(one.calibration_error),
                _number(one.seconds, 1),
                _number(one.step_seconds and 1000 * one.step_seconds, 1),
                NONE if one.extra_parameters is None else f"{one.extra_parameters:,}",
            )
            for one in comparison.summaries
        ),
    )


def _differences(comparison: Comparison) -> Table:
    contrasts = [
        (one.arm.label, other, difference)
        for one in comparison.summaries
        for other, difference in (
            (f"{comparison.labels_alone} (labels alone)", one.to_labels),
            (f"{one.arm.control.removesuffix(CONTROL)}{CONTROL}", one.to_control),
        )
        if difference
    ]
    return Table(
        f"Paired differences of {comparison.measured}, percentage points",
        ("arm", "minus", "mean", "95 % interval", "higher in"),
        tuple(
            (
                label,
                other,
                f"{100 * difference.mean:+.2f}",
                _interval(difference.interval, "+"),
                f"{difference.higher} of {difference.n}",
            )
            for label, other, difference in contrasts
        ),
        texts=2,
    )


def _seeds(comparison: Comparison) -> Table:
    values = {arm.label: comparison.top1(arm.label) for arm in comparison.arms}
    return Table(
        f"Every seed, {comparison.measured} percent",
        ("arm", *(f"seed {seed}" for seed in comparison.seeds)),
        tuple(
            (
                label,
                *(
                    "failed" if (label, seed) in comparison.failures else _percent(of[seed])
                    for seed in comparison.seeds
                ),
            )
            for label, of in values.items()
        ),
    )


def notes(comparison: Comparison) -> list[str]:
    """Return what has to be known to believe the tables, a sentence or two each."""
    return [
        *_method_notes(comparison),
        *_reading_notes(comparison),
        *_place_notes(comparison),
        *(
            f"Failed: {label}, seed {seed}: {message.splitlines()[-1]}"
            for (label, seed), message in comparison.failures.items()
        ),
    ]


def _method_notes(comparison: Comparison) -> list[str]:
    own = comparison.config.method.name
    lines = [f"{arm.label}: {arm.method.name}, {_numbers(arm)}." for arm in comparison.arms]
    others = [arm.label for arm in comparison.arms if arm.method.name != own and not arm.added]
    if others:
        lines.append(
            f"The recipe's numbers are those of {own}: what the other arms ({', '.join(others)}) "
            f"do not name is their method's own default; temperature and warm-up are not inherited."
        )
    return lines + [_control_note(arm) for arm in comparison.arms if arm.matched_kd_weight]


def _control_note(arm: Arm) -> str:
    weight = f"{arm.matched_kd_weight:g}"
    if not arm.control:
        return (
            f"THE CONTROL OF {arm.label} IS MISSING: it puts a total weight of {weight} on the "
            f"teacher, and no arm is plain KD with kd_weight {weight} and otherwise its numbers. "
            f"What the method does and what its weight does cannot be told apart."
        )
    return (
        f"The control of {arm.label} is {arm.control}: plain KD at the same total weight, "
        f"{weight}, otherwise with its numbers. KD(w) is w TCKD + w (1 - p_t) NCKD, two terms of "
        f"at most w each, so weights alpha and beta of these terms are matched by their mean."
    )


def _reading_notes(comparison: Comparison) -> list[str]:
    seeds = ", ".join(map(str, comparison.seeds))
    paired = (
        "A seed fixes first weights, order and augmentation for every arm, so differences are "
        "paired. Intervals are Student's t, of the mean; one that holds 0 shows no difference, and "
        "none is corrected for how many there are."
    )
    alone = "One seed shows no spread: for an sd and an interval take 2 seeds or more."
    return [
        f"{comparison.config.train.epochs} epochs; seeds {seeds}.",
        paired if len(comparison.seeds) > 1 else alone,
        "The best epoch is the one that the validation split chose; of it and of NLL (nats), ECE "
        "(expected calibration error, 15 bins, L1) and seconds the mean is shown. A step is one of "
        "the optimiser's, its batch read and its teacher asked; extra are the numbers that a "
        "method trains beside the student.",
    ]


def _place_notes(comparison: Comparison) -> list[str]:
    data = comparison.config.data
    results = [result_of(run) for run in comparison.runs.values()]
    readings = [comparison.evaluation(cell) for cell in comparison.runs]
    counts = _distinct(f"{reading.count:,}" for reading in readings if reading)
    limit = f", limited to {data.limit:,} pictures of each split" if data.limit else ""
    sizes = _distinct(f"{result.student_parameters:,}" for result in results)
    return [
        f"Data: {data.name}{limit}; {' or '.join(counts) or 'no'} {comparison.split} pictures "
        f"read.",
        f"Student: {comparison.config.student.name}, {' or '.join(sizes) or 'no'} parameters.",
        *_teacher_notes(comparison, results),
        *_distinct(
            f"Machine: {one.processor}, {one.accelerator}, {one.cores} cores; "
            f"threads of a run: {one.threads}, runs at a time: {comparison.jobs}."
            for one in (result.machine for result in results)
        ),
        *_distinct(
            f"Versions: {', '.join(f'{name} {number}' for name, number in result.versions.items())}"
            f"; commit {result.commit}."
            for result in results
        ),
    ]


def _teacher_notes(comparison: Comparison, results: Sequence[Result]) -> list[str]:
    teacher, reading = comparison.teacher, comparison.teacher_reading
    if teacher is None:
        return []
    sizes = _distinct(f"{one.teacher_parameters:,}" for one in results if one.teacher_parameters)
    size = f", {sizes[0]} parameters" if sizes else ""
    told = reading and f", {reading.measured} {reading.measure:.2%} on the {comparison.split} split"
    return [f"Teacher: {teacher.name} from {teacher.weights}{size}{told or ''}."]


def write(comparison: Comparison, folder: Path) -> list[Path]:
    """Write a comparison into a folder: compare.md, .csv, .json, .png, .svg; efficiency.png, .svg.

    Raises:
        RecordError: the folder cannot be made or written.
    """
    texts = {
        "compare.md": markdown(comparison),
        "compare.csv": comma_separated(comparison),
        "compare.json": json.dumps(mapping(comparison), indent=2, allow_nan=False) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with replacing(folder / name) as draft:
                draft.write_text(text, encoding="utf-8", newline="\n")
        for name, picture in draw(comparison).items():
            with replacing(folder / name) as draft:
                draft.write_bytes(picture)
            texts[name] = ""
    except OSError as error:
        raise RecordError(
            f"the comparison could not be written to {folder}: {error.strerror or error}. Give "
            f"another folder; the runs are kept, and the same command finds them."
        ) from error
    return [folder / name for name in texts]


def markdown(comparison: Comparison) -> str:
    """Return tables and notes as one page."""
    config = comparison.config
    parts = [
        f"# {config.student.name} on {config.data.name}: {len(comparison.arms)} arms compared",
        *(table.markdown() for table in tables(comparison) if table.rows),
        "![every seed, means and intervals](compare.svg)",
        "![accuracy against the time of a step](efficiency.svg)",
        "\n".join(f"- {note}" for note in notes(comparison)),
    ]
    return "\n\n".join(parts) + "\n"


def comma_separated(comparison: Comparison) -> str:
    """Return one line for each arm; an empty field was not measured."""
    lines = [_flat(mapping) for mapping in map(_arm_mapping, comparison.summaries)]
    text = io.StringIO()
    columns = list(dict.fromkeys(column for line in lines for column in line))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def mapping(comparison: Comparison) -> dict[str, object]:
    """Return all of a comparison for JSON; shares are fractions, null was not measured."""
    reading = comparison.teacher_reading
    return {
        "schema": 1,
        "fingerprint": comparison.fingerprint,
        "split": comparison.split,
        "reading": comparison.reading,
        "seeds": list(comparison.seeds),
        "teacher": comparison.teacher and asdict(comparison.teacher),
        "measured": comparison.measured,
        "teacher_top1": reading and reading.measure,
        "arms": [_arm_mapping(one) for one in comparison.summaries],
        "runs": [
            {"arm": label, "seed": seed, **_run_mapping(comparison, (label, seed))}
            for label in (arm.label for arm in comparison.arms)
            for seed in comparison.seeds
        ],
        "config": to_mapping(comparison.config),
        "notes": notes(comparison),
    }


def _arm_mapping(one: ArmSummary) -> dict[str, object]:
    fields = asdict(one)
    arm = fields.pop("arm")
    method = arm.pop("method")
    return {**arm, "method": method["name"], "options": method["options"], **fields}


def _run_mapping(comparison: Comparison, cell: Cell) -> dict[str, object]:
    if cell in comparison.failures:
        return {"failure": comparison.failures[cell]}
    run = comparison.runs[cell]
    readings = {name: comparison.evaluation(cell, name) for name in ("last", "best")}
    return {
        "run": run.id,
        "seconds": result_of(run).seconds,
        **{name: reading and asdict(reading) for name, reading in readings.items()},
    }


def _flat(mapping: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested mappings as one, keys joined by dots; a list becomes words."""
    flat: dict[str, object] = {}
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{key}"] = " ".join(map(str, value))
        elif value is not None:
            flat[f"{prefix}{key}"] = value
    return flat


def _numbers(arm: Arm) -> str:
    return ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in arm.method.options.items()
        if _UNSAID.get(key, NONE) != value
    )


def _count(one: ArmSummary) -> str:
    count = one.top1.n if one.top1 else 0
    return f"{count} of {count + len(one.failed_seeds)}" if one.failed_seeds else str(count)


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.2f}"


def _interval(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return NONE
    return f"[{100 * interval.low:{sign}.2f}, {100 * interval.high:{sign}.2f}]"


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
