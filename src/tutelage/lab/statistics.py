"""What a handful of seeds says: mean, spread, interval, and the difference of pairs."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tutelage.errors import RangeError


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a mean may well lie, in the unit of the values."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Some values in short; one value alone has no `sd` and no `interval`."""

    n: int
    mean: float
    sd: float | None
    interval: Interval | None  # of the mean, 95 %


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """By how much the first of each pair exceeds the second; one pair alone has no `interval`."""

    n: int
    mean: float
    interval: Interval | None  # of the mean difference, 95 %
    higher: int  # pairs whose first is the higher one; a tie is not


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean.

    Raises:
        RangeError: there is no value.
    """
    if not values:
        raise RangeError("a mean wants at least one value, got none; leave the group out.")
    return statistics.fmean(values)


def sd(values: Sequence[float]) -> float | None:
    """Return the standard deviation of a sample, with n - 1 below, or None for a single value.

    Raises:
        RangeError: there is no value.

    >>> sd([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    2.138089935299395
    """
    return statistics.stdev(values, mean(values)) if len(values) != 1 else None


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return Student's t-interval of the mean, or None for a single value.

    Raises:
        RangeError: there is no value, or `confidence` is not between 0 and 1.
    """
    from scipy.stats import t  # half a second that nothing else here need pay

    if not 0 < confidence < 1:
        raise RangeError(f"a confidence lies between 0 and 1, got {confidence}; 0.95 is usual.")
    spread = sd(values)
    if spread is None:
        return None
    middle = mean(values)
    quantile = float(t.ppf((1 + confidence) / 2, len(values) - 1))
    half = quantile * spread / math.sqrt(len(values))
    return Interval(middle - half, middle + half)


def describe(values: Sequence[float]) -> Spread:
    """Return n, mean, standard deviation and 95 % interval together."""
    return Spread(len(values), mean(values), sd(values), t_interval(values))


def paired_difference(first: Sequence[float], second: Sequence[float]) -> PairedDifference:
    """Return by how much `first` exceeds `second`, place by place, with a 95 % t-interval.

    Two arms that share a seed share what is random about it, so their difference varies less than
    either; the interval is that of the paired t-test.

    >>> paired_difference([3.0, 5.0, 7.0], [2.0, 5.0, 5.0]).mean
    1.0

    Raises:
        RangeError: the two do not pair up, or are empty.
    """
    if len(first) != len(second):
        raise RangeError(
            f"pairs want as many values on either side, got {len(first)} and {len(second)}; keep "
            f"the seeds that both sides have."
        )
    differences = [one - other for one, other in zip(first, second, strict=True)]
    return PairedDifference(
        n=len(differences),
        mean=mean(differences),
        interval=t_interval(differences),
        higher=sum(difference > 0 for difference in differences),
    )
