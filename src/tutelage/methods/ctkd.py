"""CTKD: Curriculum Temperature for Knowledge Distillation (Li et al., 2023, arXiv:2211.16231)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutelage.errors import RangeError
from tutelage.losses import adversarial_kd
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Shapes, Terms


class CTKD(LogitMethod, name="ctkd"):
    """KD at one temperature for all pictures, which is learned to make the task harder.

    ``T = temperature_start + temperature_range * sigmoid(theta)``: the paper's global temperature.
    """

    paper = Paper(
        title="Curriculum Temperature for Knowledge Distillation",
        authors=(
            "Zheng Li",
            "Xiang Li",
            "Lingfeng Yang",
            "Borui Zhao",
            "Renjie Song",
            "Lei Luo",
            "Jun Li",
            "Jian Yang",
        ),
        year=2023,
        venue="AAAI",
        arxiv="2211.16231",
    )
    builds_on = ("kd",)  # at a temperature that is learned

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The CIFAR-100 values of the official code."""

        ce_weight: float = 0.1  # of the cross-entropy with the labels
        kd_weight: float = 0.9  # of the divergence
        temperature_start: float = 1.0  # > 0; the lowest temperature
        temperature_range: float = 20.0  # from the lowest temperature to the highest
        curriculum_epochs: float = 10.0  # the reversed gradient grows from 0 over these

        @property
        def matched_kd_weight(self) -> float:
            """Its own weight of KD."""
            return self.kd_weight

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        if config.temperature_start == 0:
            raise RangeError("temperature_start wants a number above 0, got 0; 1 is usual.")
        self.theta = nn.Parameter(torch.tensor(1.0))  # as the official code starts it

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``kd``, which descends for the student and ascends for the temperature."""
        done = progress.ramp(self.config.curriculum_epochs)
        loss = adversarial_kd(
            student_logits,
            teacher_logits,
            self._temperature(),
            strength=(1 - math.cos(math.pi * done)) / 2,
        )
        return {"kd": self.config.kd_weight * loss}

    @property
    def temperature(self) -> float:
        """The temperature that has been learned so far."""
        return float(self._temperature().detach())

    def _temperature(self) -> Tensor:
        config = self.config
        return config.temperature_start + config.temperature_range * self.theta.sigmoid()
