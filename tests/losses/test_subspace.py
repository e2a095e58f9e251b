from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tutelage.losses import singular_vector_loss
from tutelage.losses.subspace import _right_singular

Array = npt.NDArray[np.float64]


def maps(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("vectors", [1, 3])
def test_it_is_the_definition_by_the_singular_vectors_of_numpy(vectors: int) -> None:
    def first(feature_map: Array, count: int) -> tuple[Array, Array]:
        _, values, right = np.linalg.svd(feature_map.reshape(-1, feature_map.shape[-1]))
        return values[:count], right[:count]  # the vectors are rows

    student, teacher = [maps(2, 3, 6, 6), maps(2, 4, 5, 5)], [maps(2, 7, 6, 6), maps(2, 8, 5, 5)]
    expected = 0.0
    for picture, vector in product(range(2), range(vectors)):
        ours, theirs = [], []
        for own, its in zip(student, teacher, strict=True):
            values, wanted = first(its[picture].numpy(), vectors)
            target = wanted[vector] * np.sign(wanted[vector].sum())
            _, candidates = first(own[picture].numpy(), vectors + 3)
            cosines = candidates @ target
            nearest = np.abs(cosines).argmax()
            weight = values[vector] / np.linalg.norm(values)
            ours.append(weight * candidates[nearest] * np.sign(cosines[nearest]))
            theirs.append(weight * target)
        relations = [np.exp(-(np.subtract.outer(*each) ** 2) / 8) for each in (ours, theirs)]
        expected += ((relations[0] - relations[1]) ** 2).sum() / 2  # a mean over two pictures
    loss = singular_vector_loss(student, teacher, vectors=vectors)
    assert float(loss) == pytest.approx(expected, rel=1e-10)


def test_its_gradient_is_that_of_the_singular_value_decomposition() -> None:
    target = maps(5)
    ours, theirs = (maps(1, 4, 3, 5).requires_grad_() for _ in range(2))
    vectors, _ = _right_singular(ours, 2)
    (vectors[0, :, 1] @ target).backward()
    _, _, right = torch.linalg.svd(theirs[0].flatten(0, 1), full_matrices=False)
    (right[1] @ target * right[1].detach().sum().sign()).backward()
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_equal_singular_values_keep_the_gradient_finite_where_that_of_svd_is_not() -> None:
    def grow(decompose_with_svd: bool) -> Tensor:
        square = torch.eye(4)[None, None].requires_grad_()
        if decompose_with_svd:
            vectors = torch.linalg.svd(square[0, 0])[2]
        else:
            vectors = _right_singular(square, 4)[0]
        vectors.cumsum(-1).square().sum().backward()
        assert square.grad is not None
        return square.grad

    assert not grow(decompose_with_svd=True).isfinite().all()
    assert grow(decompose_with_svd=False).isfinite().all()


def test_a_map_of_one_column_has_nothing_to_turn() -> None:
    student = [maps(2, 3, 4, 4), maps(2, 3, 1, 1)]
    loss = singular_vector_loss(student, student, vectors=4)
    torch.testing.assert_close(loss, torch.zeros_like(loss))
