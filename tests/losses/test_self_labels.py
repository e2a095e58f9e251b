"""Self-made labels against ranks counted by scipy and sums written out."""

import numpy as np
import torch
from scipy.special import softmax
from scipy.stats import rankdata

from tutelage.losses import self_label_loss


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_the_labels_are_the_squared_confidence_and_zipfs_law_over_the_ranks() -> None:
    own, weak, target = logits(6, 9), logits(6, 9, seed=1), torch.tensor([0, 8, 3, 3, 5, 1])
    known, others = self_label_loss(own, weak, target)
    p, w = softmax(own.numpy(), axis=1), softmax(weak.numpy(), axis=1)
    p_t = p[range(6), target]
    np.testing.assert_allclose(known, -(1 + p_t**2 - (p_t**2).mean()) * np.log(p_t), rtol=1e-11)
    for row in range(6):
        rest = np.arange(9) != int(target[row])
        q, v = (x[row, rest] / x[row, rest].sum() for x in (p, w))
        label = 1 / rankdata(-(q + v))
        np.testing.assert_allclose(
            others[row], -(label / label.sum() * np.log(q)).sum(), rtol=1e-11
        )


def test_labels_are_constants_and_the_weak_head_learns_nothing_from_them() -> None:
    own, weak = logits(6, 9).requires_grad_(), logits(6, 9, seed=1).requires_grad_()
    target = torch.tensor([0, 8, 3, 3, 5, 1])
    known, others = self_label_loss(own, weak, target)
    others.sum().backward(retain_graph=True)
    assert weak.grad is None
    (gradient,) = torch.autograd.grad(known.sum(), own)
    p = own.detach().softmax(1)
    p_t = p.gather(1, target[:, None])
    label = 1 + p_t**2 - (p_t**2).mean()
    one_hot = torch.nn.functional.one_hot(target, 9)
    torch.testing.assert_close(gradient, label * (p - one_hot))
