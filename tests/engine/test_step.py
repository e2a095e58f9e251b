import pytest
import torch

from tutelage.engine.step import gradient_shares
from tutelage.types import Output


def test_shares_are_the_gradient_norms_at_the_logits() -> None:
    logits = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    first, second = logits.square().sum(), 3 * logits[0].sum()
    shares = gradient_shares({"a": first, "b": second}, Output(logits))
    norms = [float((2 * logits).detach().norm()), 3 * 4**0.5]
    assert float(shares["a"]) == pytest.approx(norms[0] / sum(norms))
    assert float(shares["a"] + shares["b"]) == pytest.approx(1)


def test_a_term_without_a_gradient_has_no_share() -> None:
    logits = torch.randn(5, 4, requires_grad=True)
    shares = gradient_shares({"a": logits.sum(), "b": torch.tensor(2.0)}, Output(logits))
    assert float(shares["b"]) == 0
