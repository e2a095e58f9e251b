"""The alpha-beta divergence against its definition in numpy, also where that is 0 / 0."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from tutelage.losses import alpha_beta_loss


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def loss(alpha: float, beta: float, temperature: float = 2.0) -> torch.Tensor:
    return alpha_beta_loss(
        logits(6, 10),
        logits(6, 10, seed=1),
        alpha=alpha,
        beta=beta,
        temperature=temperature,
        reduction="none",
    )


def probabilities(temperature: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    q, p = (softmax(logits(6, 10, seed=seed).numpy() / temperature, axis=1) for seed in (0, 1))
    return p, q


@pytest.mark.parametrize(
    ("alpha", "beta"), [(0.8, 0.3), (0.3, 0.8), (0.5, 0.5), (2.0, 1.0), (1.2, -0.2), (-0.5, 1.5)]
)
def test_the_value_is_the_definition(alpha: float, beta: float) -> None:
    p, q = probabilities()
    both = alpha + beta
    terms = p**alpha * q**beta - alpha / both * p**both - beta / both * q**both
    np.testing.assert_allclose(loss(alpha, beta), -terms.sum(1) / (alpha * beta), rtol=1e-11)


CORNERS: dict[tuple[float, float], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    (1.0, 0.0): lambda p, q: rel_entr(p, q),
    (0.0, 1.0): lambda p, q: rel_entr(q, p),
    (0.0, 0.0): lambda p, q: np.log(p / q) ** 2 / 2,
    (1.0, -1.0): lambda p, q: p / q - 1 - np.log(p / q),  # of Itakura and Saito
    (1.0, 1.0): lambda p, q: (p - q) ** 2 / 2,
}


@pytest.mark.parametrize(("alpha", "beta"), CORNERS)
def test_its_corners_are_divergences_of_other_names(alpha: float, beta: float) -> None:
    wanted = CORNERS[alpha, beta](*probabilities()).sum(1)
    np.testing.assert_allclose(loss(alpha, beta), wanted, rtol=1e-11)


@pytest.mark.parametrize(("alpha", "beta"), [(0.7, 0.0), (0.0, 0.4), (0.6, -0.6), (-0.6, 0.6)])
def test_where_the_definition_is_nought_over_nought_it_goes_on_smoothly(
    alpha: float, beta: float
) -> None:
    beside = [loss(alpha + side, beta + side) for side in (-1e-5, 1e-5)]
    torch.testing.assert_close(loss(alpha, beta), torch.stack(beside).mean(0), rtol=1e-7, atol=0)


@pytest.mark.parametrize(("alpha", "beta"), [(0.8, 0.3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
def test_loud_logits_keep_loss_and_gradient_finite(alpha: float, beta: float) -> None:
    student = (40 * logits(6, 10)).float().requires_grad_()
    value = alpha_beta_loss(student, (40 * logits(6, 10, seed=1)).float(), alpha=alpha, beta=beta)
    value.backward()
    assert value.isfinite()
    assert student.grad is not None
    assert student.grad.isfinite().all()
