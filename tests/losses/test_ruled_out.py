"""A teacher may rule a class out: a logit of -inf, a probability of 0, which adds 0 to a KL."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, rel_entr, softmax

from tutelage.losses import decoupled_kd, dkd_loss, kd_loss

pytestmark = pytest.mark.usefixtures("computed")

TEMPERATURE = 4.0


def cases(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Student and teacher logits ``[6, 9]`` and targets; the teacher rules out more and more."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = 5 * torch.randn(2, 6, 9, generator=generator, dtype=torch.float64)
    target = torch.arange(6)
    for row in range(6):  # of the last row one class is left beside the target
        others = [place for place in range(9) if place != row]
        teacher[row, others[: row + 2]] = -torch.inf
    return student.to(dtype).requires_grad_(), teacher.to(dtype), target


def gradient(logits: torch.Tensor) -> NDArray[np.float64]:
    assert logits.grad is not None
    found: NDArray[np.float64] = logits.grad.double().numpy()
    return found


def parts(
    student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """TCKD and NCKD of each row, and the gradient of their sum."""
    student.requires_grad_()
    terms = decoupled_kd(student, teacher, target, temperature=TEMPERATURE, reduction="none")
    torch.cat(terms).sum().backward()
    tckd, nckd = (term.detach().double().numpy() for term in terms)
    return tckd, nckd, gradient(student)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kd_is_the_sum_over_the_classes_that_are_left(dtype: torch.dtype) -> None:
    student, teacher, _ = cases(dtype)
    loss = kd_loss(student, teacher, temperature=TEMPERATURE, reduction="none")
    loss.sum().backward()
    own, its = (each.detach().double().numpy() / TEMPERATURE for each in (student, teacher))
    p, log_q = softmax(its, axis=1), log_softmax(own, axis=1)
    expected = TEMPERATURE**2 * rel_entr(p, np.exp(log_q)).sum(1)
    slope = TEMPERATURE * (np.exp(log_q) - p)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    np.testing.assert_allclose(loss.detach().numpy(), expected, rtol=tolerance)
    np.testing.assert_allclose(gradient(student), slope, atol=TEMPERATURE * tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nckd_is_the_sum_over_the_classes_that_are_left_beside_the_target(
    dtype: torch.dtype,
) -> None:
    student, teacher, target = cases(dtype)
    tckd, nckd = decoupled_kd(student, teacher, target, temperature=TEMPERATURE, reduction="none")
    nckd.sum().backward()
    own, its = (each.detach().double().numpy() / TEMPERATURE for each in (student, teacher))
    p, q = softmax(its, axis=1), softmax(own, axis=1)
    rows = np.arange(6)
    p_t, q_t = p[rows, target], q[rows, target]
    binary = rel_entr(p_t, q_t) + rel_entr(1 - p_t, 1 - q_t)
    own[rows, target] = its[rows, target] = -np.inf
    rest, its_rest = softmax(own, axis=1), softmax(its, axis=1)
    tolerance = 2e-5 if dtype == torch.float32 else 1e-11
    within = TEMPERATURE**2 * rel_entr(its_rest, rest).sum(1)
    np.testing.assert_allclose(nckd.detach().numpy(), within, rtol=tolerance)
    expected = TEMPERATURE**2 * binary
    np.testing.assert_allclose(tckd.detach().numpy(), expected, rtol=tolerance, atol=tolerance)
    slope = TEMPERATURE * (rest - its_rest)
    np.testing.assert_allclose(gradient(student), slope, atol=TEMPERATURE * tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("student_too", [False, True])
def test_a_target_that_is_ruled_out_leaves_all_to_the_rest(
    dtype: torch.dtype, student_too: bool
) -> None:
    """A teacher of some of the classes, asked about a picture of another."""
    student, teacher, target = cases(dtype)
    student, target = student.detach(), torch.tensor([1, 2, 3, 4, 0, 1])
    teacher[torch.arange(6), target] = -torch.inf
    if student_too:
        student[torch.arange(6), target] = -torch.inf
    tckd, nckd, found = parts(student, teacher, target)
    own, its = (each.detach().double().numpy() / TEMPERATURE for each in (student, teacher))
    p, q = softmax(its, axis=1), softmax(own, axis=1)
    q_t = q[np.arange(6), target]
    tolerance = 2e-5 if dtype == torch.float32 else 1e-11
    np.testing.assert_allclose(tckd, -(TEMPERATURE**2) * np.log1p(-q_t), rtol=tolerance)
    whole = TEMPERATURE**2 * rel_entr(p, q).sum(1)  # p_t is 0: KD = TCKD + NCKD
    np.testing.assert_allclose(tckd + nckd, whole, rtol=tolerance)
    slope = TEMPERATURE * (q - p)
    np.testing.assert_allclose(found, slope, atol=TEMPERATURE * tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("student_too", [False, True])
def test_a_teacher_sure_of_the_target_leaves_no_rest_to_teach(
    dtype: torch.dtype, student_too: bool
) -> None:
    """Labels as logits, 0 and -inf: TCKD is their cross-entropy, NCKD 0."""
    student, teacher, target = cases(dtype)
    teacher[:4] = torch.zeros(4, 9).log()
    teacher[torch.arange(4), target[:4]] = 0.0
    student = student.detach()
    if student_too:
        student[:4] = teacher[:4]
    tckd, nckd, found = parts(student, teacher, target)
    own = student.detach().double().numpy()[:4] / TEMPERATURE
    log_q, p = log_softmax(own, axis=1), np.eye(9)[:4]
    tolerance = 2e-5 if dtype == torch.float32 else 1e-11
    entropy = -(TEMPERATURE**2) * log_q[np.arange(4), np.arange(4)]
    np.testing.assert_allclose(tckd[:4], entropy, rtol=tolerance)
    assert not nckd[:4].any()
    assert nckd[4:].all()
    slope = TEMPERATURE * (np.exp(log_q) - p)
    np.testing.assert_allclose(found[:4], slope, atol=TEMPERATURE * tolerance)


@pytest.mark.parametrize("coupling", [0.0, 0.5, 1.0])
def test_dkd_and_its_gradients_of_both_orders_are_finite(coupling: float) -> None:
    student, teacher, target = cases(torch.float64)
    loss = dkd_loss(student, teacher, target, coupling=coupling)
    (slope,) = torch.autograd.grad(loss, student, create_graph=True)
    assert student.grad is None
    (curvature,) = torch.autograd.grad(slope.square().sum(), student)
    plain = teacher.clamp(min=-1e4)  # as good as ruled out, but for the arithmetic
    (expected,) = torch.autograd.grad(dkd_loss(student, plain, target, coupling=coupling), student)
    torch.testing.assert_close(slope, expected)
    assert curvature.isfinite().all()
