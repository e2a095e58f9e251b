"""WTTM: weighted Transformed Teacher Matching (Zheng and Yang, ICLR 2024, arXiv:2402.11148)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import transformed_teacher_loss
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class WTTM(LogitMethod, name="wttm"):
    """TTM that hears more of the pictures the teacher is unsure of."""

    paper = Paper(
        title="Knowledge Distillation Based on Transformed Teacher Matching",
        authors=("Kaixiang Zheng", "En-Hui Yang"),
        year=2024,
        venue="ICLR",
        arxiv="2402.11148",
    )
    builds_on = ("ttm",)  # its pictures weighed
    zero_at_match = False  # the student at temperature 1 is to equal the softened teacher

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The official code's one example, beside CRD: exponent 0.2, weight 4, vgg13 to vgg8."""

        wttm_weight: float = 4.0  # of the weighed divergence
        temperature: float = 5.0  # > 0; divides the teacher's logits: 1 / the paper's exponent

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``wttm``."""
        loss = transformed_teacher_loss(
            student_logits, teacher_logits, temperature=self.config.temperature, weighted=True
        )
        return {"wttm": self.config.wttm_weight * loss}
