import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform
from torch import Tensor

from tutelage.methods.cc import CC
from tutelage.types import Terms


def pooled(dimensions: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(dimensions)
    return {"pooled": torch.randn(6, dimensions, generator=generator, dtype=torch.float64)}


def test_expanded_far_enough_its_correlations_are_a_gaussian_of_the_distances(
    distill: Callable[..., Terms],
) -> None:
    student, teacher = pooled(4), pooled(9)
    ours, theirs = (
        np.exp(-0.4 * squareform(pdist(rows / np.linalg.norm(rows, axis=1)[:, None]) ** 2))
        for rows in (each["pooled"].numpy() for each in (student, teacher))
    )
    expected = 100 * ((ours - theirs) ** 2).mean()
    assert float(distill(CC, student, teacher, order=20)["cc"]) == pytest.approx(expected)
    assert float(distill(CC, student, teacher)["cc"]) == pytest.approx(expected, rel=0.2)
    assert float(distill(CC, student, teacher, order=0)["cc"]) == 0  # a constant


def test_two_powers_are_a_parabola_in_the_cosine(distill: Callable[..., Terms]) -> None:
    """``exp(-0.8) (1 + 0.8 c + 0.32 c**2)``: all cosines 1, against half of them 1 and half 0."""
    student, teacher = torch.ones(6, 2), torch.eye(2).repeat_interleave(3, 0)
    loss = distill(CC, {"pooled": student}, {"pooled": teacher})["cc"]
    assert float(loss) == pytest.approx(100 * (math.exp(-0.8) * (0.8 + 0.32)) ** 2 / 2)
