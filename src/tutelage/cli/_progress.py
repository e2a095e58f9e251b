"""Work as it goes on: a bar with the time that is left, and how the student does."""

from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tutelage.cli._common import console
from tutelage.engine import Reporter
from tutelage.engine.evaluate import Reading
from tutelage.record import Row


class _Speed(ProgressColumn):
    """Pictures a second."""

    def render(self, task: Task) -> Text:
        return Text(f"pictures, {task.speed or 0:,.0f} a second,")


class _BarReporter(Reporter):
    """Draws one bar; where there is no terminal, it tells its sentences alone."""

    def __init__(self) -> None:
        self._console = console()
        self._bar: Progress | None = None

    def note(self, text: str) -> None:
        self._console.print(text, markup=False)

    def asking(self, pictures: int, done: int) -> None:
        told = TextColumn("the teacher")
        self._open(pictures, done, told, BarColumn(), MofNCompleteColumn(), _Speed())

    def asked(self, pictures: int) -> None:
        if self._bar:
            self._bar.advance(self._task, pictures)

    def step(self) -> None:
        if self._bar:
            self._bar.advance(self._task)

    def stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _open(self, total: int, done: int, *columns: ProgressColumn, **fields: Any) -> None:
        self._bar = Progress(
            *columns,
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total, completed=done, **fields)
        self._bar.start()


class ProgressReporter(_BarReporter):
    """Draws the steps of a run; where there is no terminal, a line per evaluation."""

    def start(self, epochs: int, steps_per_epoch: int, done_steps: int) -> None:
        self._epochs = epochs
        self._open(
            epochs * steps_per_epoch,
            done_steps,
            TextColumn("epoch {task.fields[epoch]}/" + str(epochs)),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, loss {task.fields[loss]}, validation {task.fields[measure]}"),
            epoch=min(done_steps // steps_per_epoch + 1, epochs),
            loss="-",
            measure="-",
        )

    def recorded(self, row: Row) -> None:
        if self._bar:
            self._bar.update(self._task, epoch=row.epoch, loss=f"{row.loss:.3f}")

    def evaluated(self, epoch: int, reading: Reading) -> None:
        if self._bar and self._console.is_terminal:
            self._bar.update(self._task, measure=f"{reading.measure:.1%}")
        else:
            self.note(
                f"epoch {epoch}/{self._epochs}: validation {reading.measured} "
                f"{reading.measure:.2%}, "
                f"loss {reading.loss:.3f}"
            )


class RunsReporter(_BarReporter):
    """Draws the epochs of all the runs of a comparison."""

    def start(self, epochs: int, steps_per_epoch: int, done_steps: int) -> None:
        """Hear that `epochs` runs of `steps_per_epoch` epochs begin, `done_steps` epochs done."""
        told = TextColumn("{task.completed:.0f}/{task.total:.0f} epochs of all runs")
        self._open(epochs * steps_per_epoch, done_steps, told, BarColumn())
