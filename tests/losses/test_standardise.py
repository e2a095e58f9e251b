"""Standardised logits against scipy's z-score and their closed form."""

import math

import pytest
import torch
from scipy.stats import zscore

from tutelage.losses import standardised


def test_they_are_scipys_z_score_with_the_unbiased_deviation() -> None:
    logits = 5 * torch.randn(64, 100, dtype=torch.float64) + 3
    wanted = torch.from_numpy(zscore(logits.numpy(), axis=1, ddof=1))
    torch.testing.assert_close(standardised(logits), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("logit", [1e-3, 7.0, 1e4])
def test_one_logit_above_equal_others_comes_to_the_same_whatever_its_height(logit: float) -> None:
    """With n classes: (n - 1) / sqrt(n) for the one and -1 / sqrt(n) for each other."""
    logits = torch.zeros(1, 100, dtype=torch.float64)
    logits[0, 4] = logit
    wanted = torch.full_like(logits, -1 / math.sqrt(100))
    wanted[0, 4] = 99 / math.sqrt(100)
    torch.testing.assert_close(standardised(logits), wanted, rtol=1e-6, atol=0)


def test_equal_logits_become_zeros_with_a_finite_gradient() -> None:
    logits = torch.full((2, 10), 5.0, requires_grad=True)
    values = standardised(logits)
    values.square().sum().backward()
    assert not values.any()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
