"""The three levels against norms of matrices by numpy, whole and masked."""

import numpy as np
import torch
from scipy.special import rel_entr, softmax

from tutelage.losses import multi_level_loss


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_the_levels_are_kl_and_squared_frobenius_norms_summed_over_temperatures() -> None:
    student, teacher = logits(8, 5), logits(8, 5, seed=1)
    got = multi_level_loss(student, teacher)
    wanted = np.zeros(3)
    for temperature in (2, 3, 4, 5, 6):
        q, p = (softmax(z.numpy() / temperature, axis=1) for z in (student, teacher))
        wanted += (
            temperature**2 * rel_entr(p, q).sum() / 8,
            np.linalg.norm(p @ p.T - q @ q.T) ** 2 / 8,
            np.linalg.norm(p.T @ p - q.T @ q) ** 2 / 5,
        )
    np.testing.assert_allclose(torch.stack(list(got)), wanted, rtol=1e-11)


def test_masks_select_and_what_they_leave_out_adds_nothing() -> None:
    """The official code multiplies a mean by a mask, and so selects nothing."""
    student, teacher = logits(8, 5), logits(8, 5, seed=1)
    rows, columns = torch.arange(8) < 3, torch.arange(5) == 2
    got = multi_level_loss(student, teacher, temperatures=(4.0,), rows=rows, columns=columns)
    q, p = (softmax(z.numpy() / 4, axis=1) for z in (student, teacher))
    chosen = multi_level_loss(student[:3], teacher[:3], temperatures=(4.0,)).instance
    torch.testing.assert_close(got.instance, 3 / 8 * chosen)
    np.testing.assert_allclose(got.batch, np.sum((p[:3] @ p.T - q[:3] @ q.T) ** 2) / 8)
    np.testing.assert_allclose(got.classes, np.sum((p.T[2] @ p - q.T[2] @ q) ** 2) / 5)
