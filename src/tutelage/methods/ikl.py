"""IKL: Decoupled Kullback-Leibler Divergence Loss (Cui et al., NeurIPS 2024, arXiv:2305.13948)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.methods._global_kl import GlobalKL
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class IKL(GlobalKL, name="ikl"):
    """Match the differences between logits, each class weighed by what its label means to others.

    It departs from the official code in its class means, which are of all pictures so far: that
    takes those of the epoch before, and even ones in the first. The cross-entropy with soft labels
    is written as KL, that is without the teacher's entropy, a constant.
    """

    paper = Paper(
        title="Decoupled Kullback-Leibler Divergence Loss",
        authors=(
            "Jiequan Cui",
            "Zhuotao Tian",
            "Zhisheng Zhong",
            "Xiaojuan Qi",
            "Bei Yu",
            "Hanwang Zhang",
        ),
        year=2024,
        venue="NeurIPS",
        arxiv="2305.13948",
    )
    builds_on = ("kd",)  # whose KL is taken apart

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(GlobalKL.Config):
        """The official code's values for resnet56 to resnet20 on CIFAR-100."""

        ikl_weight: float = 4.0  # of the square error

        @property
        def matched_kd_weight(self) -> float:
            """Both: the square error is temperature^2 * KL to second order."""
            return self.ikl_weight + self.kd_weight / self.temperature**2

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``ikl`` and ``kd``."""
        error, soft = self.parts(student_logits, teacher_logits, batch, power=1.0)
        return {"ikl": self.config.ikl_weight * error, "kd": soft}
