from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tutelage.methods.sp import SP
from tutelage.types import Terms

COUNT = 6


def last(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(COUNT, *shape, generator=generator, dtype=torch.float64)


def similarities(features: Tensor) -> npt.NDArray[np.float64]:
    flat = features.numpy().reshape(COUNT, -1)
    rows = np.array([[np.vdot(first, second) for second in flat] for first in flat])
    return np.array([row / np.linalg.norm(row) for row in rows])


def test_tokens_learn_from_maps_by_3000_squares_of_normalised_inner_products(
    distill: Callable[..., Terms],
) -> None:
    student, teacher = last(7, 12), last(5, 4, 4)
    distance = np.linalg.norm(similarities(teacher) - similarities(student))
    loss = distill(SP, {"last": student}, {"last": teacher})["sp"]
    assert float(loss) == pytest.approx(3000 * distance**2 / COUNT**2)


def test_a_rotation_of_the_features_is_not_seen(distill: Callable[..., Terms]) -> None:
    teacher = last(8)
    rotation, _ = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64))
    loss = distill(SP, {"last": teacher @ rotation}, {"last": teacher})["sp"]
    assert float(loss) == pytest.approx(0, abs=1e-20)
