from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.spatial.distance import cosine, pdist, squareform
from torch import Tensor

from tutelage.methods.rkd import RKD
from tutelage.types import Terms


def pooled(count: int, dimensions: int) -> dict[str, Tensor]:
    """Return features far from the origin, where differences of inner products lose digits."""
    generator = torch.Generator().manual_seed(dimensions)
    rows = torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    return {"pooled": 20 + rows}


def huber(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> float:
    apart = np.abs(ours - theirs)
    return float(np.where(apart <= 1, apart**2 / 2, apart - 0.5).sum())


def test_distances_are_those_of_scipy_in_units_of_their_mean(
    distill: Callable[..., Terms],
) -> None:
    student, teacher = pooled(7, 5), pooled(7, 9)
    lengths = [pdist(each["pooled"]) for each in (student, teacher)]
    ours, theirs = (squareform(each / each.mean()) for each in lengths)
    loss = distill(RKD, student, teacher)["distance"]
    assert float(loss) == pytest.approx(25 * huber(ours, theirs) / 7**2)


def test_angles_are_those_of_the_difference_vectors_of_every_three_pictures(
    distill: Callable[..., Terms],
) -> None:
    student, teacher = pooled(6, 3), pooled(6, 11)

    def angles(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        triples = [(i, j, k) for i, j, k in product(range(6), repeat=3) if j not in (i, k)]
        return np.array([1 - cosine(x[i] - x[j], x[k] - x[j]) for i, j, k in triples])

    ours, theirs = (angles(each["pooled"].numpy()) for each in (student, teacher))
    loss = distill(RKD, student, teacher)["angle"]
    assert float(loss) == pytest.approx(50 * huber(ours, theirs) / 6**3)


def test_single_precision_keeps_the_digits(distill: Callable[..., Terms]) -> None:
    student, teacher = pooled(6, 30), pooled(6, 40)
    wide = distill(RKD, student, teacher)
    narrow = distill(RKD, *({"pooled": each["pooled"].float()} for each in (student, teacher)))
    for name, value in wide.items():
        assert float(narrow[name]) == pytest.approx(float(value), rel=1e-4)


def test_turned_moved_and_scaled_features_lie_to_each_other_as_before(
    distill: Callable[..., Terms],
) -> None:
    teacher = pooled(8, 4)["pooled"]
    turn, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
    for value in distill(RKD, {"pooled": 5 * teacher @ turn - 3}, {"pooled": teacher}).values():
        assert float(value) == pytest.approx(0, abs=1e-20)


def test_one_picture_has_no_relations_and_no_gradient(distill: Callable[..., Terms]) -> None:
    student = pooled(1, 4)["pooled"].requires_grad_()
    terms = distill(RKD, {"pooled": student}, pooled(1, 5))
    torch.stack(list(terms.values())).sum().backward()
    assert student.grad is not None
    assert [float(value.detach()) for value in terms.values()] == [0, 0]
    assert not student.grad.any()
