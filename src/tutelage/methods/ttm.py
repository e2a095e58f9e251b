"""TTM: Transformed Teacher Matching (Zheng and Yang, ICLR 2024, arXiv:2402.11148)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import transformed_teacher_loss
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class TTM(LogitMethod, name="ttm"):
    """Match the softened teacher with a student that is not softened."""

    paper = Paper(
        title="Knowledge Distillation Based on Transformed Teacher Matching",
        authors=("Kaixiang Zheng", "En-Hui Yang"),
        year=2024,
        venue="ICLR",
        arxiv="2402.11148",
    )
    builds_on = ("kd",)  # with the temperature on one side
    zero_at_match = False  # the student at temperature 1 is to equal the softened teacher

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The example of the official code, vgg13 to vgg8: exponent 0.1, weight 45."""

        ttm_weight: float = 45.0  # of the divergence
        temperature: float = 10.0  # > 0; divides the teacher's logits: 1 / the paper's exponent

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``ttm``."""
        loss = transformed_teacher_loss(
            student_logits, teacher_logits, temperature=self.config.temperature
        )
        return {"ttm": self.config.ttm_weight * loss}
