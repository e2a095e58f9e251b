"""GDKD: generalised decoupled distillation (Zheng and Cheng, 2026, arXiv:2512.04625)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.errors import ConfigError
from tutelage.losses import partition_kl
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Shapes, Terms


class GDKD(LogitMethod, name="gdkd"):
    """Decouple the classes the teacher holds likeliest from the rest, whatever the label."""

    paper = Paper(
        title="Rethinking Decoupled Knowledge Distillation: A Predictive Distribution Perspective",
        authors=("Bowen Zheng", "Ran Cheng"),
        year=2026,
        venue="IEEE Transactions on Neural Networks and Learning Systems",
        journal=True,
        arxiv="2512.04625",
        doi="10.1109/TNNLS.2025.3639562",
    )
    builds_on = ("dkd",)  # with other groups of classes

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The official code's values for resnet32x4 to resnet8x4; it tunes weights per pair."""

        top_classes: int = 5  # how many classes, the teacher's likeliest, are the first group
        mass_weight: float = 1.0  # of how likely the two groups are; the paper's w0
        top_weight: float = 2.0  # of the likeliest classes among themselves; w1
        rest_weight: float = 8.0  # of the rest among themselves; w2
        temperature: float = 4.0  # > 0; divides both logits
        warmup_epochs: float = 20.0  # all three terms ramp from 0 over these

        @property
        def matched_kd_weight(self) -> float:
            """The mean of the three weights."""
            return (self.mass_weight + self.top_weight + self.rest_weight) / 3

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        classes = student["logits"][-1]
        if not 0 < config.top_classes < classes:
            raise ConfigError(
                f"gdkd splits {classes} classes into the teacher's likeliest and a rest: "
                f"top_classes wants 1 to {classes - 1}, got {config.top_classes}."
            )

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``mass``, ``top`` and ``rest``."""
        config = self.config
        top = teacher_logits.topk(config.top_classes).indices  # [B, top_classes]
        parts = partition_kl(student_logits, teacher_logits, [top], temperature=config.temperature)
        within = config.temperature**2 * parts.within.mean(0)  # [2]
        return {
            "mass": config.mass_weight * config.temperature**2 * parts.between.mean(),
            "top": config.top_weight * within[0],
            "rest": config.rest_weight * within[1],
        }
