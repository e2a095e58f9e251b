"""A run as it goes on: a bar with the time that is left, and how the student does."""

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tutelage.cli._common import console
from tutelage.engine import Reporter
from tutelage.engine.evaluate import Reading
from tutelage.record import Row


class ProgressReporter(Reporter):
    """Draws what a run tells on the terminal; where there is none, a line per evaluation."""

    def __init__(self) -> None:
        self._console = console()
        self._bar: Progress | None = None

    def note(self, text: str) -> None:
        self._console.print(text)

    def start(self, epochs: int, steps_per_epoch: int, done_steps: int) -> None:
        self._epochs, self._steps = epochs, steps_per_epoch
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/" + str(epochs)),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, loss {task.fields[loss]}, validation {task.fields[top1]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(
            "", total=epochs * steps_per_epoch, completed=done_steps, epoch=1, loss="-", top1="-"
        )
        self._bar.start()

    def step(self) -> None:
        if self._bar:
            self._bar.advance(self._task)

    def recorded(self, row: Row) -> None:
        if self._bar:
            self._bar.update(self._task, epoch=row.epoch, loss=f"{row.loss:.3f}")

    def evaluated(self, epoch: int, reading: Reading) -> None:
        if self._bar and self._console.is_terminal:
            self._bar.update(self._task, top1=f"{reading.top1:.1%}")
        else:
            self._console.print(
                f"epoch {epoch}/{self._epochs}: validation top-1 {reading.top1:.2%}, "
                f"loss {reading.loss:.3f}"
            )

    def stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
