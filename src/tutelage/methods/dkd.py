"""DKD: Decoupled Knowledge Distillation (Zhao et al., CVPR 2022, arXiv:2203.08679)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.errors import ConfigError
from tutelage.losses import decoupled_kd, labels_of, multilabel_decoupled_kd
from tutelage.methods._logit import LogitMethod, refuse_two_classes
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Shapes, Task, Terms


class DKD(LogitMethod, name="dkd"):
    """Weigh what the teacher knows of the true class apart from what it knows of the others."""

    paper = Paper(
        title="Decoupled Knowledge Distillation",
        authors=("Borui Zhao", "Quan Cui", "Renjie Song", "Yiyu Qiu", "Jiajun Liang"),
        year=2022,
        venue="CVPR",
        arxiv="2203.08679",
    )
    builds_on = ("kd",)  # whose two parts are weighed apart

    tasks = ("classes", "labels", "pixels")
    sparse = True

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

    def __init__(
        self, config: Config, student: Shapes, teacher: Shapes, *, task: Task = "classes"
    ) -> None:
        super().__init__(config, student, teacher, task=task)
        if task == "labels" and config.coupling:
            raise ConfigError(
                f"method.coupling must be 0 where pictures have many labels, got "
                f"{config.coupling}: independent classes share no mass that could couple its terms."
            )
        if task != "labels":
            refuse_two_classes(self.name, "NCKD", student)

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``tckd`` and ``nckd``, of many labels ``present`` and ``absent``."""
        config, targets = self.config, batch.targets
        if batch.target.is_floating_point():
            present, absent = multilabel_decoupled_kd(
                student_logits, teacher_logits, labels_of(batch), temperature=config.temperature
            )
            return {"present": config.alpha * present, "absent": config.beta * absent}
        tckd, nckd = decoupled_kd(  # what has no class does not count
            student_logits,
            teacher_logits,
            targets,
            alpha=config.alpha,
            beta=config.beta,
            temperature=config.temperature,
            coupling=config.coupling,
        )
        return {"tckd": tckd, "nckd": nckd}
