"""GKL: Generalized Kullback-Leibler Divergence Loss (Cui et al., TPAMI 2026, arXiv:2503.08038)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.methods._global_kl import GlobalKL
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class GKL(GlobalKL, name="gkl"):
    """IKL with the weights of classes raised to a small power, so that unlikely classes count too.

    It departs from the official code as IKL does, and in one more thing: that divides the summed
    error of a batch by the summed weights, so that pictures of flat weights count more; here every
    picture counts the same.
    """

    paper = Paper(
        title="Generalized Kullback-Leibler Divergence Loss",
        authors=(
            "Jiequan Cui",
            "Beier Zhu",
            "Qingshan Xu",
            "Zhuotao Tian",
            "Xiaojuan Qi",
            "Bei Yu",
            "Hanwang Zhang",
            "Richang Hong",
        ),
        year=2026,
        venue="IEEE TPAMI",
        journal=True,
        arxiv="2503.08038",
    )
    builds_on = ("ikl",)  # with weights to a power

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(GlobalKL.Config):
        """The official code's values for resnet56 to resnet20 on CIFAR-100."""

        gkl_weight: float = 4.0  # of the square error
        gamma: float = 0.2  # power of the class means: 1 is IKL, 0 weighs all classes the same

        @property
        def matched_kd_weight(self) -> float:
            """That of IKL."""
            return self.gkl_weight + self.kd_weight / self.temperature**2

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``gkl`` and ``kd``."""
        error, soft = self.parts(student_logits, teacher_logits, batch, power=self.config.gamma)
        return {"gkl": self.config.gkl_weight * error, "kd": soft}
