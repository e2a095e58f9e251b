from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform
from scipy.stats import entropy
from torch import Tensor

from tutelage.methods.pkt import PKT
from tutelage.types import Terms

COUNT = 9


def pooled(dimensions: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(dimensions)
    return {"pooled": torch.randn(COUNT, dimensions, generator=generator, dtype=torch.float64)}


@pytest.mark.parametrize("fidelity", ["paper", "mdistiller"])
def test_it_is_the_divergence_of_cosines_made_probabilities(
    fidelity: str, distill: Callable[..., Terms]
) -> None:
    student, teacher = pooled(5), pooled(12)
    ours, theirs = (
        1 - squareform(pdist(each["pooled"], "cosine")) / 2 for each in (student, teacher)
    )
    if fidelity == "paper":  # no picture stands beside itself
        others = ~np.eye(COUNT, dtype=bool)
        ours, theirs = (each[others].reshape(COUNT, -1) for each in (ours, theirs))
    expected = 30000 * entropy(theirs, ours, axis=1).sum() / COUNT**2  # it normalises the rows
    loss = distill(PKT, student, teacher, fidelity=fidelity)["pkt"]
    assert float(loss) == pytest.approx(expected, rel=1e-5)  # but for the official 1e-7


def test_opposite_features_keep_loss_and_gradient_finite(distill: Callable[..., Terms]) -> None:
    student = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat_interleave(5, 0)[:COUNT]
    loss = distill(PKT, {"pooled": student.requires_grad_()}, pooled(4))["pkt"]
    loss.backward()
    assert student.grad is not None
    assert loss.isfinite()
    assert student.grad.isfinite().all()
