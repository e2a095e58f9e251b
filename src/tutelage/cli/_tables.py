"""What a run came to, as tables for the terminal."""

from pathlib import Path

from rich.table import Table

from tutelage.record import Evaluation, Run, read_run


def result_table(done: Run, alone: Run | None = None) -> Table:
    """Return the readings of a complete run on the test split, the teacher's and labels' beside."""
    result = done.result
    assert result is not None
    table = Table(title=f"{done.config.data.name}, test split", title_justify="left")
    table.add_column("network")
    measured = result.last_test.measured if result.last_test else "top-1"
    own = [] if measured == "top-1" else [measured]
    for name in (*own, "top-1", "top-5", "loss", "calibration error", "parameters"):
        table.add_column(name, justify="right")
    if result.teacher_parameters:
        teacher = next(e for e in done.evaluations if (e.network, e.split) == ("teacher", "test"))
        table.add_row(f"teacher {_teacher_name(done)}", *_cells(teacher, result.teacher_parameters))
    name = f"{done.config.student.name} by {done.config.method.name}"
    _add(table, name, done)
    if alone:
        _add(table, f"{alone.config.student.name} by labels alone", alone)
    return table


def _add(table: Table, name: str, run: Run) -> None:
    result = run.result
    assert result is not None
    assert result.last_test is not None
    count = result.student_parameters
    table.add_row(f"{name}, last epoch", *_cells(result.last_test, count), style="bold")
    if result.best_test:
        table.add_row(
            f"{name}, best epoch {result.best_test.epoch}", *_cells(result.best_test, count)
        )


def _cells(reading: Evaluation, parameters: int) -> list[str]:
    return [
        *([] if reading.measured == "top-1" else [f"{reading.measure:.2%}"]),
        f"{reading.top1:.2%}",
        f"{reading.top5:.2%}",
        f"{reading.loss:.3f}",
        f"{reading.calibration_error:.2%}",
        f"{parameters:,}",
    ]


def _teacher_name(run: Run) -> str:
    others = f" and {len(run.config.teacher.others)} more" if run.config.teacher.others else ""
    return f"{_first_teacher_name(run)}{others}"


def _first_teacher_name(run: Run) -> str:
    lineage = Path(run.result.teacher_run) if run.result and run.result.teacher_run else None
    if not run.config.teacher.name and lineage and (lineage / "run.toml").is_file():
        return read_run(lineage).config.student.name
    return run.config.teacher.name or run.config.teacher.recipe
