from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax

from tutelage.errors import ConfigError
from tutelage.losses import decoupled_kd
from tutelage.methods.gdkd import GDKD
from tutelage.types import Batch, Output, Progress, Terms

LATE = Progress(epoch=21, epochs=240, step=209, steps_per_epoch=10)
SHAPES = {"logits": (100,)}


def terms(student: torch.Tensor, teacher: torch.Tensor, **options: Any) -> Terms:
    labels = torch.zeros(len(student), dtype=torch.int64)
    batch = Batch(torch.zeros(len(student), 1, 1, 1), labels, torch.arange(len(student)))
    method = GDKD(GDKD.Config(**options), SHAPES, SHAPES)
    return method.terms(Output(student), Output(teacher), batch, LATE)


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        4 * torch.randn(32, 100, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return student, teacher


def test_it_is_the_formula_of_the_official_code_class_by_class() -> None:
    student, teacher = pair()
    wanted = {"mass": 0.0, "top": 0.0, "rest": 0.0}
    for q, p in zip(softmax(student / 4, 1), softmax(teacher / 4, 1), strict=True):
        order = np.argsort(p)
        rest, top = order[:-5], order[-5:]
        masses = [
            np.array([probabilities[top].sum(), probabilities[rest].sum()])
            for probabilities in (p, q)
        ]
        wanted["mass"] += 16 * rel_entr(*masses).sum() / 32
        for name, weight, group in [("top", 2, top), ("rest", 8, rest)]:
            shares = (probabilities[group] / probabilities[group].sum() for probabilities in (p, q))
            wanted[name] += weight * 16 * rel_entr(*shares).sum() / 32
    found = terms(student, teacher)
    assert {name: float(found[name]) for name in wanted} == pytest.approx(wanted, rel=1e-10)


def test_with_one_top_class_it_is_dkd_of_the_teachers_answer() -> None:
    student, teacher = pair()
    found = terms(student, teacher, top_classes=1, rest_weight=6.0)
    tckd, nckd = decoupled_kd(student, teacher, teacher.argmax(1), temperature=4.0)
    torch.testing.assert_close(found["mass"], tckd)
    torch.testing.assert_close(found["rest"], 6 * nckd)
    assert float(found["top"]) == 0


@pytest.mark.parametrize("top_classes", [0, 100])
def test_a_split_that_leaves_a_side_empty_is_refused(top_classes: int) -> None:
    with pytest.raises(ConfigError, match=f"wants 1 to 99, got {top_classes}"):
        GDKD(GDKD.Config(top_classes=top_classes), SHAPES, SHAPES)
