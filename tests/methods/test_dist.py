from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from torch import Tensor

from tutelage.methods.dist import DIST
from tutelage.types import Batch, Output, Progress, Terms

EARLY = Progress(epoch=1, epochs=240, step=0, steps_per_epoch=10)


def terms(student: Tensor, teacher: Tensor, **options: Any) -> Terms:
    shapes = {"logits": student.shape[1:]}
    batch = Batch(
        torch.zeros(len(student), 1, 1, 1),
        torch.zeros(len(student), dtype=torch.int64),
        torch.arange(len(student)),
    )
    method = DIST(DIST.Config(**options), shapes, shapes)
    return method.terms(Output(student), Output(teacher), batch, EARLY)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_its_terms_are_one_less_scipys_pearson_of_rows_and_of_columns(temperature: float) -> None:
    student, teacher = (3 * torch.randn(16, 10, dtype=torch.float64) for _ in range(2))
    found = terms(student, teacher, temperature=temperature, beta=1.5, gamma=0.5)
    q, p = (torch.softmax(z / temperature, 1).numpy() for z in (student, teacher))
    inter = np.mean([1 - pearsonr(*rows).statistic for rows in zip(q, p, strict=True)])
    intra = np.mean([1 - pearsonr(*columns).statistic for columns in zip(q.T, p.T, strict=True)])
    assert float(found["inter"]) == pytest.approx(1.5 * temperature**2 * inter, rel=1e-9)
    assert float(found["intra"]) == pytest.approx(0.5 * temperature**2 * intra, rel=1e-9)


def test_a_single_picture_has_nothing_to_say_of_a_class() -> None:
    student = torch.randn(1, 10, requires_grad=True)
    found = terms(student, torch.randn(1, 10))
    assert float(found["intra"].detach()) == 0
    (gradient,) = torch.autograd.grad(found["inter"] + found["intra"], student)
    assert gradient.isfinite().all()
    assert gradient.any()


def test_a_student_that_answers_all_alike_is_not_thrown_off() -> None:
    student = torch.zeros(16, 10, requires_grad=True)
    found = terms(student, torch.randn(16, 10))
    (gradient,) = torch.autograd.grad(found["inter"] + found["intra"], student)
    assert float(found["inter"].detach()) == 2 * 4**2 / 2
    assert not gradient.any()
