import numpy as np
import pytest
import torch
from scipy import stats

from tutelage.errors import ConfigError
from tutelage.losses import by_class, draw_others, noise_contrast, similarities

TARGETS = torch.tensor([2, 0, 2, 1, 0, 2, 5, 2, 0, 1])  # classes 3 and 4 have no picture


@pytest.mark.parametrize("target", [0, 1, 2, 5])
def test_others_are_uniform_over_the_pictures_of_other_classes_and_never_of_the_own(
    target: int,
) -> None:
    torch.manual_seed(0)
    drawn = draw_others(by_class(TARGETS), torch.tensor([target]), 20_000)
    counts = drawn.flatten().bincount(minlength=len(TARGETS))
    assert counts[target == TARGETS].sum() == 0
    assert stats.chisquare(counts[target != TARGETS].numpy()).pvalue > 1e-3


def test_every_row_skips_its_own_class() -> None:
    target = torch.arange(100).repeat(3)
    targets = torch.arange(1000) % 100
    drawn = draw_others(by_class(targets), target, 500)
    assert drawn.shape == (300, 500)
    assert not (targets[drawn] == target[:, None]).any()
    assert drawn.unique().numel() == 1000


def test_a_split_of_one_class_is_refused() -> None:
    with pytest.raises(ConfigError, match="all 4 pictures of the train split are of class 3"):
        by_class(torch.full((4,), 3))


def test_the_loss_is_the_official_formula_in_float64() -> None:
    """-(log D1 + sum of log D0) with D = P / (P + m / N), on paper-sized numbers."""
    generator = np.random.default_rng(0)
    scores = generator.uniform(-1, 1, (4, 1 + 16384)) / 0.07
    pictures, constant = 50_000, 3e5
    probability, noise = np.exp(scores) / constant, 16384 / pictures
    genuine = np.log(probability[:, 0] / (probability[:, 0] + noise))
    other = np.log(noise / (probability[:, 1:] + noise)).sum(1)
    loss = noise_contrast(
        torch.from_numpy(scores), torch.tensor(constant, dtype=torch.float64).log(), pictures
    )
    assert float(loss) == pytest.approx(-(genuine + other).mean(), rel=1e-10)


def test_a_score_of_hundreds_keeps_loss_and_gradient_finite() -> None:
    scores = torch.tensor([[-900.0, 900.0, 0.0]], requires_grad=True)
    loss = noise_contrast(scores, torch.tensor(0.0), 100)
    loss.backward()
    assert loss.isfinite()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("pictures", [5, 500])  # below and above 32 * 8 rows
def test_similarities_are_the_inner_products_with_the_chosen_rows(pictures: int) -> None:
    torch.manual_seed(0)
    bank, embedded = torch.randn(pictures, 3), torch.randn(4, 3)
    positions = torch.randint(pictures, (4, 8))
    found = similarities(bank, embedded, positions)
    for row in range(4):
        for column in range(8):
            expected = float((bank[positions[row, column]] * embedded[row]).sum())
            assert float(found[row, column]) == pytest.approx(expected, abs=1e-5)
