"""NKD: normalised knowledge distillation (Yang et al., ICCV 2023, arXiv:2303.13005)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import normalised_kd
from tutelage.methods._logit import LogitMethod, refuse_two_classes
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Shapes, Terms


class NKD(LogitMethod, name="nkd"):
    """Soften the label by the teacher's faith in it, and match the other classes among themselves.

    Both terms are cross-entropies, as in the paper and its code; as KL they would have the same
    gradient.
    """

    paper = Paper(
        title="From Knowledge Distillation to Self-Knowledge Distillation: A Unified Approach with "
        "Normalized Loss and Customized Soft Labels",
        authors=(
            "Zhendong Yang",
            "Ailing Zeng",
            "Zhe Li",
            "Tianke Zhang",
            "Chun Yuan",
            "Yu Li",
        ),
        year=2023,
        venue="ICCV",
        arxiv="2303.13005",
    )
    builds_on = ("kd",)  # whose loss is taken apart and normalised
    zero_at_match = False  # cross-entropies, not divergences

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The ImageNet values of the official code; for CIFAR-100 it has gamma 3.5 at 3."""

        gamma: float = 1.5  # weight of the term of the other classes
        temperature: float = 1.0  # > 0; divides both logits, in the term of the other classes only

        @property
        def matched_kd_weight(self) -> float:
            """The mean of 1, the weight of the target term, and gamma."""
            return (1 + self.gamma) / 2

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        refuse_two_classes(self.name, "the term of the others", student)

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``target`` and ``others``; of a mixed picture the greater label is the target."""
        target, others = normalised_kd(
            student_logits, teacher_logits, batch.target, temperature=self.config.temperature
        )
        return {"target": target, "others": self.config.gamma * others}
