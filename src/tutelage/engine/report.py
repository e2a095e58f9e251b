"""What a run tells while it goes on; the command line draws it, a library call stays silent."""

from tutelage.engine.evaluate import Reading
from tutelage.record import Row


class Reporter:
    """Hears of everything and says nothing; subclass it to show progress."""

    def note(self, text: str) -> None:
        """Hear a sentence about what goes on."""

    def asking(self, pictures: int, done: int) -> None:
        """Hear that the teacher is asked about so many pictures, each view one, some done."""

    def asked(self, pictures: int) -> None:
        """Hear that it was asked about so many more."""

    def start(self, epochs: int, steps_per_epoch: int, done_steps: int) -> None:
        """Hear that training begins, or goes on after `done_steps` of all the steps."""

    def step(self) -> None:
        """Hear that a step is done."""

    def recorded(self, row: Row) -> None:
        """Hear what the last steps were like."""

    def evaluated(self, epoch: int, reading: Reading) -> None:
        """Hear how the student does on the validation split."""

    def stop(self) -> None:
        """Hear that training, or asking, has ended, well or not."""
