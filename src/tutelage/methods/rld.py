"""RLD: Knowledge Distillation with Refined Logits (Sun et al., ICCV 2025, arXiv:2408.07703)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import refined_kd
from tutelage.methods._logit import LogitMethod, refuse_two_classes
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Shapes, Terms


class RLD(LogitMethod, name="rld"):
    """DKD that passes over what a wrong teacher says of the label and of classes above it."""

    paper = Paper(
        title="Knowledge Distillation with Refined Logits",
        authors=(
            "Wujie Sun",
            "Defang Chen",
            "Siwei Lyu",
            "Genlang Chen",
            "Chun Chen",
            "Can Wang",
        ),
        year=2025,
        venue="ICCV",
        arxiv="2408.07703",
    )
    builds_on = ("dkd",)  # heard where the teacher is right
    zero_at_match = False  # where a student equals a wrong teacher, it is to trust the label
    mixes = False  # the second label of a mixed picture would count as the teacher's error

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The official code's example, vgg13 to vgg8."""

        alpha: float = 1.0  # weight of the confidence term, SCD
        beta: float = 8.0  # weight of the term of the classes below the label, MCD
        temperature: float = 4.0  # > 0; divides both logits
        warmup_epochs: float = 20.0  # both terms ramp from 0 over these

        @property
        def matched_kd_weight(self) -> float:
            """The mean of alpha and beta."""
            return (self.alpha + self.beta) / 2

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        refuse_two_classes(self.name, "MCD", student)

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``scd`` and ``mcd``."""
        config = self.config
        scd, mcd = refined_kd(
            student_logits, teacher_logits, batch.target, temperature=config.temperature
        )
        return {"scd": config.alpha * scd, "mcd": config.beta * mcd}
