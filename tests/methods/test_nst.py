from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tutelage.methods.nst import NST
from tutelage.types import Terms


def maps(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(2, *shape, generator=generator, dtype=torch.float64)


def mean_kernel(first: Tensor, second: Tensor) -> float:
    """Return the mean of squared cosines over all channels of two maps ``[C, H, W]``, in loops."""
    squares = [
        float(torch.cosine_similarity(one.flatten(), other.flatten(), dim=0)) ** 2
        for one in first
        for other in second
    ]
    return sum(squares) / len(squares)


@pytest.mark.parametrize("size", [2, 7])  # fewer positions than channels, and more
def test_it_is_50_discrepancies_under_the_squared_inner_product(
    size: int, distill: Callable[..., Terms]
) -> None:
    student, teacher = maps(5, size, size), maps(8, size, size)
    expected = 0.0
    for ours, theirs in zip(student, teacher, strict=True):
        alone = mean_kernel(ours, ours) + mean_kernel(theirs, theirs)
        expected += 50 * (alone - 2 * mean_kernel(ours, theirs)) / 2
    twice = [{"stage1": each, "stage2": each} for each in (student, teacher)]
    assert float(distill(NST, *twice)["nst"]) == pytest.approx(2 * expected, rel=1e-10)


def test_the_order_the_scale_the_sign_and_the_copies_of_channels_are_not_seen(
    distill: Callable[..., Terms],
) -> None:
    teacher = maps(6, 3, 3)
    student = teacher.flip(1) * torch.tensor([1, -2, 3, 0.1, -5, 6])[:, None, None]
    twice = torch.cat([student, student], 1)
    loss = distill(NST, {"stage1": twice}, {"stage1": teacher})["nst"]
    assert float(loss) == pytest.approx(0, abs=1e-12)
