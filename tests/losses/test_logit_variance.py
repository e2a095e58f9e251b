"""The weighted variance against the sum over pairs of classes, and against KL."""

import pytest
import torch

from tutelage.errors import ShapeError
from tutelage.losses import kd_loss, logit_variance_loss


def logits(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def test_it_is_the_sum_over_all_pairs_of_classes() -> None:
    """The definition: a quarter of the weighted squared differences of differences."""
    student, teacher = logits(4, 100), logits(4, 100, seed=1)
    weights = logits(4, 100, seed=2).softmax(1)
    got = logit_variance_loss(student, teacher, weights, reduction="none")
    for row in range(4):
        pairs = [
            (z[row].unsqueeze(1) - z[row].unsqueeze(0)) for z in (teacher, student)
        ]  # [C, C] each
        wanted = 0.25 * (torch.outer(weights[row], weights[row]) * (pairs[0] - pairs[1]) ** 2).sum()
        torch.testing.assert_close(got[row], wanted, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        logit_variance_loss(student, teacher, 7 * weights, reduction="none"), got
    )


def test_near_the_teacher_it_is_kl_times_the_square_of_the_temperature() -> None:
    """What makes its weight comparable to KD's."""
    teacher = logits(4, 100, seed=1)
    student = teacher + 1e-4 * logits(4, 100)
    weights = (teacher / 4).softmax(1)
    got = logit_variance_loss(student, teacher, weights, reduction="none")
    wanted = kd_loss(student, teacher, temperature=4.0, reduction="none")
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=0)


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 5\): it is \(5,\)"):
        logit_variance_loss(logits(4, 5), logits(4, 5), torch.ones(5))
