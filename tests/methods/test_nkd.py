import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from tutelage.errors import ConfigError
from tutelage.losses import decoupled_kd, normalised_kd
from tutelage.methods.nkd import NKD
from tutelage.types import Batch, Output, Progress

EARLY = Progress(epoch=1, epochs=240, step=0, steps_per_epoch=10)


def test_it_is_the_papers_formula_class_by_class() -> None:
    """-p_t log q_t - gamma * lambda^2 * sum of N(p)_i log N(q)_i over the other classes i."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        4 * torch.randn(32, 100, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    labels = torch.randint(100, (32,), generator=generator)
    target, others = [], []
    for q, p, t in zip(student.numpy(), teacher.numpy(), labels.tolist(), strict=True):
        target.append(-softmax(p)[t] * log_softmax(q)[t])
        rest_p, rest_q = softmax(np.delete(p, t) / 3), log_softmax(np.delete(q, t) / 3)
        others.append(-3.5 * 3**2 * (rest_p * rest_q).sum())
    method = NKD(NKD.Config(gamma=3.5, temperature=3), {"logits": (100,)}, {"logits": (100,)})
    batch = Batch(torch.zeros(32, 1, 1, 1), labels, torch.arange(32))
    terms = method.terms(Output(student), Output(teacher), batch, EARLY)
    assert float(terms["target"]) == pytest.approx(np.mean(target), rel=1e-12)
    assert float(terms["others"]) == pytest.approx(np.mean(others), rel=1e-12)


def test_the_gradient_of_its_other_classes_is_that_of_nckd() -> None:
    student = torch.randn(8, 10, dtype=torch.float64, requires_grad=True)
    teacher, labels = torch.randn(8, 10, dtype=torch.float64), torch.arange(8)
    parts = (
        loss(student, teacher, labels, temperature=2.0)[1] for loss in (normalised_kd, decoupled_kd)
    )
    ours, theirs = (torch.autograd.grad(part, student)[0] for part in parts)
    torch.testing.assert_close(ours, theirs)


def test_two_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="nkd needs at least three classes, got 2"):
        NKD(NKD.Config(), {"logits": (2,)}, {"logits": (2,)})
