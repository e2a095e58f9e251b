import math

import pytest
import torch

from tutelage.config import check
from tutelage.errors import ConfigError
from tutelage.methods.wkd_l import WKDL
from tutelage.types import Batch, Output, Progress, Terms

SHAPES = {"logits": (4,), "classifier": (4, 3), "classifier_bias": (4,)}
PLAIN = Progress(epoch=1, epochs=100, step=0, steps_per_epoch=10)
# Classes 1 and 2 lie close together in the classifier, class 3 lies opposite.
CLASSIFIER = torch.tensor([[0.0, 1.0, 0.0], [5.0, 0.1, 0.0], [2.0, 0.0, 0.1], [-1.0, 0.0, 0.0]])


def terms(right: int, wrong: int, progress: Progress = PLAIN) -> Terms:
    """What is said where the teacher would rather have `right` than 0, the student `wrong`."""
    student, teacher = torch.zeros(2, 4), torch.zeros(2, 4)
    student[:, wrong], teacher[:, right] = 40.0, 40.0
    batch = Batch(torch.zeros(2, 1, 1, 1), torch.zeros(2, dtype=torch.long), torch.arange(2))
    taps = {"classifier": CLASSIFIER, "classifier_bias": torch.zeros(4)}
    method = WKDL(WKDL.Config(), SHAPES, SHAPES)
    return method.terms(Output(student), Output(teacher, taps), batch, progress)


def test_a_mistake_between_classes_alike_costs_less_than_one_between_unlike_ones() -> None:
    none, small, large = (float(terms(1, wrong)["wkd_l"]) for wrong in (1, 2, 3))
    assert none < small < 0.1 * large
    assert large < 600 * (1 - math.exp(-2))  # the cost between opposites at kappa 1


@pytest.mark.parametrize(
    ("epoch", "wanted"), [(1, 1.0), (150, 1.0), (195, 0.5), (210, 0.25), (240, 0.0)]
)
def test_the_official_weight_falls_by_a_cosine_after_epoch_150_of_240(
    epoch: int, wanted: float
) -> None:
    whole = terms(1, 3)
    now = terms(1, 3, Progress(epoch, 240, epoch * 10 - 10, 10, by_epoch=True))
    assert float(now["wkd_l"] / whole["wkd_l"]) == pytest.approx(wanted, abs=1e-6)
    assert float(now["target"]) == float(whole["target"])
    last_step = terms(1, 3, Progress(epoch, 240, epoch * 10 - 1, 10))
    torch.testing.assert_close(last_step["wkd_l"], now["wkd_l"], atol=1e-4, rtol=1e-5)


def test_two_classes_and_a_plan_that_underflows_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least three classes, got 2"):
        WKDL(WKDL.Config(), {**SHAPES, "logits": (2,)}, {**SHAPES, "logits": (2,)})
    with pytest.raises(ConfigError, match=r"at least 0.0125, got 0.01"):
        check(WKDL.Config, {"regularisation": 0.01})
