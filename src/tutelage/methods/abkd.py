"""ABKD: distillation by the alpha-beta divergence (Wang et al., ICML 2025, arXiv:2505.04560)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import alpha_beta_loss
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class ABKD(LogitMethod, name="abkd"):
    """Match softened classes by a divergence with two dials between forward and reverse KL.

    At alpha 1, beta 0 it is KD of weight ``abkd_weight / temperature**2``. Where a dial is 0 it is
    the limit of the general case; there the official code is off by a factor, of the other dial,
    which only a 1 hides.
    """

    paper = Paper(
        title=(
            "ABKD: Pursuing a Proper Allocation of the Probability Mass in Knowledge Distillation "
            "via α-β-Divergence"  # noqa: RUF001 - as the paper spells it
        ),
        authors=(
            "Guanghui Wang",
            "Zhiyong Yang",
            "Zitai Wang",
            "Shi Wang",
            "Qianqian Xu",
            "Qingming Huang",
        ),
        year=2025,
        venue="ICML",
        arxiv="2505.04560",
    )
    builds_on = ("kd",)  # whose KL becomes one divergence of a family

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The official code's values for resnet56 to resnet20 on CIFAR-100."""

        abkd_weight: float = 32.0  # of the divergence, which is not times temperature^2
        alpha: float = 0.8  # power of the teacher's probabilities; KL(teacher || student) at 1, 0
        beta: float = 0.3  # power of the student's; KL(student || teacher) at 0, 1
        temperature: float = 4.0  # > 0; divides both logits

        @property
        def matched_kd_weight(self) -> float:
            """That of KD, which multiplies its KL by temperature^2."""
            return self.abkd_weight / self.temperature**2

    config: Config

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``abkd``."""
        config = self.config
        loss = alpha_beta_loss(
            student_logits,
            teacher_logits,
            alpha=config.alpha,
            beta=config.beta,
            temperature=config.temperature,
        )
        return {"abkd": config.abkd_weight * loss}
