"""MLKD: Multi-Level Logit Distillation (Jin et al., CVPR 2023)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt, MinLen
from torch import Tensor

from tutelage.losses import Levels, multi_level_loss
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms

Temperatures = Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)]


class MLKD(LogitMethod, name="mlkd"):
    """Match softened classes of two views, picture by picture, between pictures, between classes.

    Of the ordinary view, half of the pictures count, those of which the teacher is less sure, and
    half of the classes, those it names less in the batch; of the strong view all. The masks are the
    official code's, as is the choice of the less sure half.

    It departs from the official code in three things. That multiplies the mean loss by a mask, so
    that a mask of half the batch selects nothing and halves everything; it computes the strong
    view's terms between pictures and classes and drops them; and at temperatures 2 and 6 its
    strong term is of the ordinary view again.
    """

    views = 2
    mixes = False
    by_row = False

    paper = Paper(
        title="Multi-Level Logit Distillation",
        authors=("Ying Jin", "Jiaqi Wang", "Dahua Lin"),
        year=2023,
        venue="CVPR",
        doi="10.1109/CVPR52729.2023.02325",
    )
    builds_on = ("kd",)  # between pictures and between classes as well

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The official code's CIFAR-100 values."""

        ce_weight: float = 0.2  # of the mean over views; the official code's 0.1 is of each
        mlkd_weight: float = 0.9  # of each level, in each view, at each temperature
        temperatures: Temperatures = (2.0, 3.0, 4.0, 5.0, 6.0)  # each divides both logits once

        @property
        def matched_kd_weight(self) -> float:
            """That of the picture by picture level: a whole view and half of one."""
            return 1.5 * self.mlkd_weight * len(self.temperatures)

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``instance``, ``batch`` and ``classes``."""
        (student, strong_student), (teacher, strong_teacher) = (
            logits.chunk(2) for logits in (student_logits, teacher_logits)
        )
        probabilities = teacher.softmax(1)
        ordinary = multi_level_loss(
            student,
            teacher,
            temperatures=self.config.temperatures,
            rows=_lower_half(probabilities.amax(1)),
            columns=_lower_half(probabilities.sum(0)),
        )
        strong = multi_level_loss(
            strong_student, strong_teacher, temperatures=self.config.temperatures
        )
        return {
            level: self.config.mlkd_weight * (one + other)
            for level, one, other in zip(Levels._fields, ordinary, strong, strict=True)
        }


def _lower_half(values: Tensor) -> Tensor:
    """Return a mask of the values up to the median, the mean of the two in the middle."""
    return values <= torch.quantile(values, 0.5)
