from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tutelage.errors import RangeError
from tutelage.methods.at import AT
from tutelage.types import Terms


def maps(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(2, *shape, generator=generator, dtype=torch.float64)


def test_it_is_1000_mean_squares_of_normalised_energies_summed_over_the_stages(
    distill: Callable[..., Terms],
) -> None:
    student = {"stage1": maps(3, 4, 4), "stage2": maps(5, 2, 2)}
    teacher = {"stage1": maps(7, 4, 4), "stage2": maps(9, 2, 2)}
    expected = 0.0
    for stage in student:
        energies = [
            np.abs(each[stage].numpy() ** 3).sum(1).reshape(2, -1) for each in (student, teacher)
        ]
        ours, theirs = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in energies)
        expected += 1000 * ((ours - theirs) ** 2).mean()
    assert float(distill(AT, student, teacher, power=3.0)["at"]) == pytest.approx(expected)


def test_only_mdistiller_lets_activations_of_both_signs_cancel_where_it_pools(
    distill: Callable[..., Terms],
) -> None:
    """A chequered map has the same energy everywhere, but its pooled features are 0."""
    chequered = {"stage1": torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(2, 1, 2, 2)}
    even = {"stage1": torch.ones(2, 1, 2, 2)}
    assert float(distill(AT, chequered, even)["at"]) == pytest.approx(0)
    official = distill(AT, chequered, even, fidelity="mdistiller")["at"]
    assert float(official) == pytest.approx(250)  # 1000 times the square of 0 - 1/2


def test_a_power_below_1_is_refused() -> None:
    with pytest.raises(RangeError, match="at least 1"):
        AT.Config(power=0.5)
