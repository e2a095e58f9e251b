import math

import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from tutelage.errors import RangeError
from tutelage.lab.statistics import describe, mean, paired_difference, sd, t_interval

# Student (1908), "The probable error of a mean": additional hours of sleep by two drugs, ten
# patients. R's documentation gives the paired t-test on it: mean 1.58, 95 % 0.7001142 to 2.4598858.
SLEEP_BY_FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_BY_SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

shares = some.floats(0, 1).map(lambda share: round(share, 4))
pairs = some.lists(some.tuples(shares, shares), min_size=2, max_size=12)


def test_the_paired_interval_is_the_one_published_for_students_sleep_data() -> None:
    difference = paired_difference(SLEEP_BY_SECOND, SLEEP_BY_FIRST)
    assert difference.mean == pytest.approx(1.58)
    assert difference.interval is not None
    assert difference.interval.low == pytest.approx(0.7001142, abs=5e-8)
    assert difference.interval.high == pytest.approx(2.4598858, abs=5e-8)
    assert (difference.higher, difference.n) == (9, 10)  # the fifth patient's hours are equal


@given(pairs)
def test_the_paired_interval_is_that_of_scipys_paired_t_test(
    given_pairs: list[tuple[float, float]],
) -> None:
    first, second = (list(side) for side in zip(*given_pairs, strict=True))
    interval = paired_difference(first, second).interval
    assert interval is not None
    differences = [one - other for one, other in given_pairs]
    if len({round(difference, 9) for difference in differences}) == 1:  # scipy says nan there
        assert (interval.low, interval.high) == pytest.approx((differences[0],) * 2, abs=1e-9)
        return
    reference = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high), abs=1e-9)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_the_interval_of_a_mean_is_that_of_scipys_one_sample_t_test(confidence: float) -> None:
    interval = t_interval(SLEEP_BY_FIRST, confidence)
    reference = stats.ttest_1samp(SLEEP_BY_FIRST, 0).confidence_interval(confidence)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high))


def test_the_deviation_divides_by_n_minus_one() -> None:
    assert sd([1.0, 3.0]) == pytest.approx(math.sqrt(2))


def test_three_seeds_give_an_interval_of_2_48_deviations() -> None:
    spread = describe([0.0, 1.0, 2.0])  # t(.975, 2 degrees) = 4.302653, over the root of 3
    assert spread.interval is not None
    assert spread.interval.high - spread.mean == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)


def test_pairing_finds_a_constant_gain_that_seeds_would_hide() -> None:
    difference = paired_difference([0.42, 0.62, 0.82], [0.4, 0.6, 0.8])
    assert difference.interval is not None
    assert difference.interval.low > 0.0199
    unpaired = stats.ttest_ind([0.42, 0.62, 0.82], [0.4, 0.6, 0.8]).confidence_interval(0.95)
    assert unpaired.low < 0 < unpaired.high


def test_one_value_has_a_mean_and_neither_deviation_nor_interval() -> None:
    spread = describe([0.7])
    assert (spread.n, spread.mean, spread.sd, spread.interval) == (1, 0.7, None, None)
    assert paired_difference([0.7], [0.6]).interval is None


def test_a_tie_is_not_higher() -> None:
    assert paired_difference([0.5, 0.6], [0.5, 0.5]).higher == 1


def test_what_does_not_pair_up_is_refused() -> None:
    with pytest.raises(RangeError, match="got 2 and 1"):
        paired_difference([0.5, 0.6], [0.5])


def test_nothing_has_no_mean() -> None:
    with pytest.raises(RangeError, match="at least one value"):
        mean([])


def test_a_confidence_beyond_certainty_is_refused() -> None:
    with pytest.raises(RangeError, match=r"between 0 and 1, got 95"):
        t_interval([0.1, 0.2], 95)
