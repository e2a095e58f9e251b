"""What the doctor writes down, and the words for it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypeVar

import torch
from torch import Tensor

from tutelage.errors import TutelageError

P = ParamSpec("P")
T = TypeVar("T")
Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found: `mend` says what to do, where `found` does not say it already."""

    level: Level
    check: str
    found: str
    mend: str = ""


class Chart:
    """The findings so far; `heard` is told each one at once."""

    def __init__(self, heard: Callable[[Finding], None] | None = None) -> None:
        self.findings: list[Finding] = []
        self._heard = heard

    def ok(self, check: str, found: str) -> None:
        """Note what is as it should be."""
        self._note(Finding("ok", check, found))

    def warn(self, check: str, found: str, mend: str) -> None:
        """Note what may be meant so, but seldom is."""
        self._note(Finding("warning", check, found, mend))

    def error(self, check: str, found: str, mend: str = "") -> None:
        """Note what would stop the run, or spoil it."""
        self._note(Finding("error", check, found, mend))

    def attempt(
        self, check: str, act: Callable[P, T], *arguments: P.args, **keywords: P.kwargs
    ) -> T | None:
        """Return what `act` returns; what it raises is noted, and the answer None."""
        try:
            return act(*arguments, **keywords)
        except TutelageError as error:
            self.error(check, str(error))
        except Exception as error:  # a stranger's network or data set may raise anything
            self.error(
                check,
                f"{type(error).__name__}: {error}",
                "This is none of the toolkit's own errors: the run would end with its traceback, "
                "which says where it came from.",
            )
        return None

    def _note(self, finding: Finding) -> None:
        self.findings.append(finding)
        if self._heard:
            self._heard(finding)


def some(names: Sequence[str], limit: int = 5) -> str:
    """Name the first few.

    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def row(numbers: Iterable[float | Tensor]) -> str:
    """Write numbers with three digits.

    >>> row([0.48512, 2.0])
    '(0.485, 2)'
    """
    return f"({', '.join(f'{float(number):.3g}' for number in numbers)})"


def duration(seconds: float) -> str:
    """Write a time as roughly as an estimate is.

    >>> [duration(seconds) for seconds in (0.2, 75, 600, 9000, 400000)]
    ['1 s', '75 s', '10 min', '2.5 h', '4.6 days']
    """
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def spread(count: int, limit: int) -> Tensor:
    """Return up to `limit` positions, spread evenly over `count`.

    >>> spread(10, 4)
    tensor([0, 3, 6, 9])
    """
    return torch.linspace(0, count - 1, min(limit, count)).round().long()
