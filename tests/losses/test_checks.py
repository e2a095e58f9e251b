"""Every mistake is told with what was wanted and what came."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tutelage.errors import ConfigError, DtypeError, RangeError, ShapeError, TutelageError
from tutelage.losses import decoupled_kd, dkd_loss, kd_loss, target_probability

STUDENT, TEACHER, TARGET = torch.randn(4, 5), torch.randn(4, 5), torch.arange(4)


@pytest.mark.parametrize(
    ("student", "teacher", "error", "words"),
    [
        (STUDENT, torch.randn(4, 6), ShapeError, r"is \(4, 5\), teacher_logits is \(4, 6\)"),
        (STUDENT.long(), TEACHER, DtypeError, "student_logits must be floating .* torch.int64"),
        (STUDENT, TEACHER > 0, DtypeError, "teacher_logits must be floating .* torch.bool"),
        (STUDENT, TEACHER.to("meta"), DtypeError, "device of the logits, cpu: it is on meta"),
        (STUDENT[0], TEACHER[0], ShapeError, r"along dimension 1: its shape is \(5,\)"),
        (STUDENT[:, :0], TEACHER[:, :0], ShapeError, r"its shape is \(4, 0\)"),
    ],
)
def test_logits_that_do_not_fit_are_refused(
    student: Tensor, teacher: Tensor, error: type[TutelageError], words: str
) -> None:
    with pytest.raises(error, match=words):
        kd_loss(student, teacher)
    with pytest.raises(error, match=words):
        dkd_loss(student, teacher, TARGET)


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        (torch.tensor([0, 1, 5, 2]), RangeError, r"0 to 4 .* -100: it is 5 at position \(2,\)"),
        (torch.tensor([0, -1, 1, 2]), RangeError, r"it is -1 at position \(1,\)"),
        ((TARGET, TARGET + 2), RangeError, r"it is 5 at position \(3,\)"),
        (TARGET.int(), DtypeError, r"torch.int64.*: it is torch.int32. Call `target.long\(\)`"),
        (TARGET > 0, DtypeError, "it is torch.bool"),
        (TARGET[:, None], ShapeError, r"\(4,\): it is \(4, 1\), with logits \(4, 5\)"),
        (TARGET[:3], ShapeError, r"\(4,\): it is \(3,\)"),
        ((TARGET, TARGET[:3]), ShapeError, r"\(4,\): it is \(3,\)"),
        ((TARGET, TARGET, TARGET), ShapeError, "must be a pair of class indices: it holds 3"),
        (TARGET.float(), ShapeError, r"label probabilities .* \(4, 5\): it is \(4,\)"),
        (TARGET.to("meta"), DtypeError, "target must lie .* cpu: it is on meta"),
        (
            torch.full((4, 5), 0.3),
            RangeError,
            r"position \(0,\) the sum is 1.5 and the least is 0.3",
        ),
        (torch.tensor([1.2, -0.2, 0, 0, 0]).expand(4, 5), RangeError, "the least is -0.2"),
        (torch.full((4, 5), float("nan")), RangeError, "the sum is nan"),
    ],
)
def test_targets_that_are_none_are_refused(
    target: Any, error: type[TutelageError], words: str
) -> None:
    for call in (
        lambda: decoupled_kd(STUDENT, TEACHER, target),
        lambda: target_probability(TEACHER, target),
        lambda: kd_loss(STUDENT, TEACHER, target=target),
    ):
        with pytest.raises(error, match=words):
            call()


def test_the_position_of_a_wrong_label_in_a_map_is_told_in_full() -> None:
    target = torch.zeros(2, 3, 4).long()
    target[1, 2, 3] = 9
    with pytest.raises(RangeError, match=r"it is 9 at position \(1, 2, 3\)"):
        dkd_loss(torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4), target)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"temperature": 0}, RangeError, "temperature must be above 0: it is 0"),
        ({"temperature": -4.0}, RangeError, "above 0: it is -4.0"),
        ({"temperature": float("nan")}, RangeError, "temperature must be finite: it is nan"),
        ({"temperature": float("inf")}, RangeError, "temperature must be finite: it is inf"),
        ({"temperature": "4"}, DtypeError, "temperature must be a number: it is '4'"),
        ({"alpha": float("inf")}, RangeError, "alpha must be finite"),
        ({"beta": float("nan")}, RangeError, "beta must be finite"),
        ({"beta": torch.tensor(8.0)}, DtypeError, "beta must be a number"),
        ({"coupling": -0.5}, RangeError, "coupling must be 0 or more: it is -0.5"),
        ({"reduction": "maen"}, ConfigError, "it is 'maen'. Pick one. Did you mean 'mean'?"),
        ({"class_dim": 2}, ShapeError, "along dimension 2"),
    ],
)
def test_numbers_and_words_out_of_range_are_refused(
    options: dict[str, Any], error: type[TutelageError], words: str
) -> None:
    with pytest.raises(error, match=words):
        dkd_loss(STUDENT, TEACHER, TARGET, **options)


def test_a_single_class_cannot_be_decoupled() -> None:
    with pytest.raises(ShapeError, match=r"at least two classes .* is \(4, 1\)"):
        dkd_loss(STUDENT[:, :1], TEACHER[:, :1], torch.zeros(4).long())
