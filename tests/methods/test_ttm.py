"""TTM and WTTM against the power transform that the paper writes them with."""

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax
from torch import Tensor

from tutelage.losses import kd_loss, transformed_teacher_loss
from tutelage.methods.ttm import TTM
from tutelage.methods.wttm import WTTM
from tutelage.types import Batch, Output, Progress

EARLY = Progress(epoch=1, epochs=240, step=0, steps_per_epoch=10)


def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        4 * torch.randn(32, 100, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return student, teacher


def test_a_temperature_on_the_teacher_is_a_power_of_its_probabilities() -> None:
    student, teacher = pair()
    q, powers = softmax(student.numpy(), 1), softmax(teacher.numpy(), 1) ** 0.2
    sums = powers.sum(1)
    divergences = rel_entr(powers / sums[:, None], q).sum(1)
    batch = Batch(torch.zeros(32, 1, 1, 1), torch.arange(32), torch.arange(32))
    shapes = {"logits": (100,)}
    ttm = TTM(TTM.Config(ttm_weight=3, temperature=5), shapes, shapes)
    wttm = WTTM(WTTM.Config(wttm_weight=3, temperature=5), shapes, shapes)
    for method, wanted in [(ttm, divergences.mean()), (wttm, (sums * divergences).mean())]:
        terms = method.terms(Output(student), Output(teacher), batch, EARLY)
        assert float(terms[method.name]) == pytest.approx(3 * wanted, rel=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_at_temperature_1_both_are_kd(weighted: bool) -> None:
    student, teacher = pair()
    loss = transformed_teacher_loss(student, teacher, temperature=1.0, weighted=weighted)
    torch.testing.assert_close(loss, kd_loss(student, teacher, temperature=1.0))


def test_the_weight_runs_from_1_for_a_certain_teacher_to_a_power_of_the_classes() -> None:
    student = torch.randn(2, 100, dtype=torch.float64)
    teacher = torch.zeros(2, 100, dtype=torch.float64)
    teacher[0, 3] = 1e5
    weighed, plain = (
        transformed_teacher_loss(
            student, teacher, temperature=5.0, weighted=weighted, reduction="none"
        )
        for weighted in (True, False)
    )
    np.testing.assert_allclose(weighed / plain, [1, 100**0.8])
