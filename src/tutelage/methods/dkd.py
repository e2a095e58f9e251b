"""DKD: Decoupled Knowledge Distillation (Zhao et al., CVPR 2022, arXiv:2203.08679)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.errors import ConfigError
from tutelage.losses import decoupled_kd, target_probability
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Shapes, Terms


class DKD(LogitMethod, name="dkd"):
    """Weigh what the teacher knows of the true class apart from what it knows of the others."""

    paper = Paper(
        title="Decoupled Knowledge Distillation",
        authors=("Borui Zhao", "Quan Cui", "Renjie Song", "Yiyu Qiu", "Jiajun Liang"),
        year=2022,
        venue="CVPR",
        arxiv="2203.08679",
    )

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The CIFAR-100 values of the official code; beta is tuned per pair, 2 to 8."""

        ce_weight: float = 1.0
        alpha: float = 1.0  # weight of the true-class term, TCKD
        beta: float = 8.0  # weight of the other-classes term, NCKD
        temperature: float = 4.0  # > 0; divides both logits
        coupling: float = 0.0  # NCKD also weighs (1 - p_t)**coupling: 0 is DKD, 1 couples as KD
        warmup_epochs: float = 20.0  # both terms ramp from 0 over these

        @property
        def matched_kd_weight(self) -> float:
            """The mean of alpha and beta."""
            return (self.alpha + self.beta) / 2

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        if student["logits"][-1] == 2:
            raise ConfigError(
                "dkd needs at least three classes, got 2: with one class beside the target NCKD is "
                'exactly 0. Use `method.name = "kd"`.'
            )

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``tckd`` and ``nckd``."""
        config, targets = self.config, batch.targets
        tckd, nckd = decoupled_kd(
            student_logits,
            teacher_logits,
            targets,
            temperature=config.temperature,
            reduction="none",
        )  # [B] each
        if config.coupling:
            p_t = target_probability(teacher_logits, targets, temperature=config.temperature)
            nckd = (1 - p_t) ** config.coupling * nckd
        return {"tckd": config.alpha * tckd.mean(), "nckd": config.beta * nckd.mean()}
