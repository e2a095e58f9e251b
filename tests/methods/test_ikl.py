"""IKL and GKL: what they remember of the teacher, and what they make of it."""

import numpy as np
import torch
from scipy.special import rel_entr, softmax
from torch import Tensor

from tutelage.methods._global_kl import GlobalKL
from tutelage.methods.gkl import GKL
from tutelage.methods.ikl import IKL
from tutelage.types import Batch, Output, Progress

SHAPES = {"logits": (6,)}
LATE = Progress(epoch=240, epochs=240, step=2399, steps_per_epoch=10)
TARGET = torch.tensor([0, 1, 1, 5, 0, 1, 3, 3])


def logits(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(8, 6, generator=generator, dtype=torch.float64)


def batch() -> Batch:
    return Batch(torch.zeros(8, 1, 1, 1), TARGET, torch.arange(8))


def taught(method: GlobalKL) -> GlobalKL:
    """Return the method after one step on a batch."""
    method.double().terms(Output(logits(0)), Output(logits(1)), batch(), LATE)
    method.learn(method.noticed())
    return method


def test_it_remembers_the_teachers_mean_probabilities_by_label_beside_one_even_row() -> None:
    method = taught(IKL(IKL.Config(class_temperature=2), SHAPES, SHAPES))
    p = softmax(logits(1).numpy() / 2, axis=1)
    for label in range(6):
        rows = np.vstack([np.full(6, 1 / 6), p[TARGET.numpy() == label]])
        np.testing.assert_allclose(
            method.class_sums[label] / method.class_sums[label].sum(), rows.mean(0), rtol=1e-6
        )


def test_the_terms_are_the_official_formula_with_what_it_remembers_as_class_weights() -> None:
    """A quarter of the weighed squares over all pairs of classes; KL for the cross-entropy."""
    method = taught(IKL(IKL.Config(), SHAPES, SHAPES))
    student, teacher = logits(2), logits(3)
    terms = method.terms(Output(student), Output(teacher), batch(), LATE)
    prior = (method.class_sums / method.class_sums.sum(1, keepdim=True))[TARGET].numpy()
    between = [z[:, :, None] - z[:, None, :] for z in (teacher.numpy(), student.numpy())]
    squares = prior[:, :, None] * prior[:, None, :] * (between[0] - between[1]) ** 2
    np.testing.assert_allclose(terms["ikl"], 4.0 * 0.25 * squares.sum() / 8, rtol=1e-10)
    q, p = (softmax(z.numpy() / 4, axis=1) for z in (student, teacher))
    np.testing.assert_allclose(terms["kd"], rel_entr(p, q).sum() / 8, rtol=1e-10)


def test_gkl_with_a_power_of_one_is_ikl_and_with_none_weighs_all_classes_the_same() -> None:
    said = [
        taught(method).terms(Output(logits(2)), Output(logits(3)), batch(), LATE)[method.name]
        for method in (
            IKL(IKL.Config(), SHAPES, SHAPES),
            GKL(GKL.Config(gamma=1), SHAPES, SHAPES),
            GKL(GKL.Config(gamma=0), SHAPES, SHAPES),
        )
    ]
    torch.testing.assert_close(said[1], said[0])
    even = 4.0 * np.var(logits(3).numpy() - logits(2).numpy(), axis=1).mean() / 2
    np.testing.assert_allclose(said[2], even, rtol=1e-10)
