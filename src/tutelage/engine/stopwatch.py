"""What the stages of a step cost: a step names them, and who wants to know gives a stopwatch."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

StageTimer = Callable[[str], AbstractContextManager[None]]
"""Called with the name of a stage, it returns the context in which the stage runs."""

_NOTHING = nullcontext()


def untimed(stage: str) -> AbstractContextManager[None]:
    """Return a context that does nothing: what a run takes its steps in."""
    return _NOTHING


class Stopwatch:
    """Called with a stage's name it returns a context, whose time goes to that stage.

    What a GPU was given before is waited for at both ends, so that each stage has its own work.

    >>> stopwatch = Stopwatch(torch.device("cpu"))
    >>> for _ in range(2):
    ...     with stopwatch("sleep"):
    ...         time.sleep(0.01)
    >>> stopwatch.seconds["sleep"] >= 0.02
    True
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what happens in the context."""
        started = self.now()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + self.now() - started

    def now(self) -> float:
        """Return the time in seconds at which all that the device was given is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def taken(self) -> dict[str, float]:
        """Return the seconds of each stage since this was last asked."""
        taken, self.seconds = self.seconds, {}
        return taken
