"""Many runs as they go on: one bar over their epochs, with the time that is left."""

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tutelage.cli._common import console
from tutelage.engine import Reporter


class RunsReporter(Reporter):
    """Draws what a comparison tells; where there is no terminal, its sentences alone."""

    def __init__(self) -> None:
        self._console = console()
        self._bar: Progress | None = None

    def note(self, text: str) -> None:
        self._console.print(text, markup=False)

    def start(self, epochs: int, steps_per_epoch: int, done_steps: int) -> None:
        """Hear that `epochs` runs of `steps_per_epoch` epochs begin, `done_steps` epochs done."""
        self._bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f} epochs of all runs"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=epochs * steps_per_epoch, completed=done_steps)
        self._bar.start()

    def step(self) -> None:
        if self._bar:
            self._bar.advance(self._task)

    def stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
