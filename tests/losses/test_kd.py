"""Classical distillation against scipy and torch, and where it takes its targets into account."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax
from torch.nn import functional as F

from tutelage.losses import kd_loss


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_the_value_is_the_relative_entropy_of_softened_classes(temperature: float) -> None:
    student, teacher = logits(6, 10), logits(6, 10, seed=1)
    p_s, p_t = (softmax(z.numpy() / temperature, axis=1) for z in (student, teacher))
    wanted = temperature**2 * rel_entr(p_t, p_s).sum(1)
    got = kd_loss(student, teacher, temperature=temperature, reduction="none")
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_gradient_is_the_difference_of_probabilities(temperature: float) -> None:
    student, teacher = logits(6, 10).requires_grad_(), logits(6, 10, seed=1)
    loss = kd_loss(student, teacher, temperature=temperature, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, student)
    p_s, p_t = (softmax(z.detach().numpy() / temperature, axis=1) for z in (student, teacher))
    np.testing.assert_allclose(gradient, temperature * (p_s - p_t), atol=1e-13)


def test_the_mean_is_torchs_batchmean_and_not_its_mean() -> None:
    student, teacher = logits(6, 10), logits(6, 10, seed=1)
    wanted = 16 * F.kl_div(
        F.log_softmax(student / 4, 1),
        F.log_softmax(teacher / 4, 1),
        log_target=True,
        reduction="batchmean",
    )
    torch.testing.assert_close(kd_loss(student, teacher), wanted, rtol=1e-12, atol=1e-12)


def test_a_target_only_tells_which_positions_to_leave_out() -> None:
    student, teacher = logits(6, 10), logits(6, 10, seed=1)
    target = torch.tensor([3, -100, 0, -100, 9, 1])
    kept = target >= 0
    got = kd_loss(student, teacher, target=target)
    torch.testing.assert_close(got, kd_loss(student[kept], teacher[kept]))


def test_one_class_leaves_nothing_to_learn() -> None:
    student = logits(4, 1).requires_grad_()
    loss = kd_loss(student, logits(4, 1, seed=1))
    loss.backward()
    assert loss == 0
    assert student.grad is not None
    assert not student.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("temperature", [0.5, 20.0])
def test_opposite_certainty_stays_finite(dtype: torch.dtype, temperature: float) -> None:
    teacher = torch.full((1, 100), -1e4, dtype=dtype).index_fill(1, torch.tensor([0]), 1e4)
    student = (-teacher).requires_grad_()
    loss = kd_loss(student, teacher, temperature=temperature)
    loss.backward()
    wanted = temperature**2 * ((teacher[0, 0] - teacher[0, 1]).double() / temperature + np.log(99))
    np.testing.assert_allclose(loss.detach(), wanted, rtol=1e-6)
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_classes_ruled_out_by_both_networks_add_nothing() -> None:
    student, teacher = logits(4, 10), logits(4, 10, seed=1)
    masked = student.clone().index_fill(1, torch.tensor([2, 5]), float("-inf")).requires_grad_()
    others = [i for i in range(10) if i not in (2, 5)]
    loss = kd_loss(masked, teacher.index_fill(1, torch.tensor([2, 5]), float("-inf")))
    torch.testing.assert_close(loss, kd_loss(student[:, others], teacher[:, others]))
    assert torch.autograd.grad(loss, masked)[0].isfinite().all()
