"""DIST: Knowledge Distillation from A Stronger Teacher (Huang et al., 2022, arXiv:2205.10536)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import correlation_loss
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class DIST(LogitMethod, name="dist"):
    """Match how the teacher ranks the classes of a picture, and the pictures of a class."""

    paper = Paper(
        title="Knowledge Distillation from A Stronger Teacher",
        authors=("Tao Huang", "Shan You", "Fei Wang", "Chen Qian", "Chang Xu"),
        year=2022,
        venue="NeurIPS",
        arxiv="2205.10536",
    )
    builds_on = ("kd",)  # with correlation in place of KL
    by_row = False  # a class is compared over the pictures of the batch

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The CIFAR-100 values of the official code; for ImageNet its temperature is 1."""

        beta: float = 2.0  # weight of the term over the classes of a picture
        gamma: float = 2.0  # weight of the term over the pictures of a class
        temperature: float = 4.0  # > 0; divides both logits

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``inter`` (between the classes) and ``intra`` (within each class)."""
        config = self.config
        inter, intra = correlation_loss(
            student_logits, teacher_logits, temperature=config.temperature
        )
        return {"inter": config.beta * inter, "intra": config.gamma * intra}
