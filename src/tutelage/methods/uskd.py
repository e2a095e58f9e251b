"""USKD: Universal Self-Knowledge Distillation (Yang et al., ICCV 2023, arXiv:2303.13005)."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Le
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.losses import self_label_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms


class USKD(Method, name="uskd"):
    """Soft labels without a teacher: surer targets weigh more, other classes by their rank.

    The rank is that of the student's own probabilities plus those of a weak head, one linear layer
    on the pooled feature in the middle, which learns from smoothed labels at a small weight.

    It departs from the official code in three things. That ranks by the weak head's probabilities
    plus the student's *log* probabilities, by a variable it has overwritten; it ranks the target
    along, which mostly takes the first place, so that the labels of the others begin at 1/2; and
    its weak head reads the last stage but one, which of four stages is not the middle.
    """

    kind = "teacher-free"
    needs_teacher = False
    taps = ("middle",)
    mixes = False  # ranks are those beside one target
    zero_at_match = False  # cross-entropies, and no teacher to match

    paper = Paper(
        title=(
            "From Knowledge Distillation to Self-Knowledge Distillation: A Unified Approach with "
            "Normalized Loss and Customized Soft Labels"
        ),
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
    builds_on = ("nkd",)  # of the same paper, without a teacher

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The official code's defaults; its CIFAR-100 configuration has 0.1 for all three."""

        alpha: float = 1.0  # weight of the target's soft label
        beta: float = 0.1  # weight of the other classes' soft labels
        mu: float = 0.005  # weight of the weak head's own cross-entropy
        # part of the weak head's label that is spread over all classes
        weak_smoothing: Annotated[float, Le(1)] = 0.1

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        middle = student["middle"]
        channels = middle[0] if len(middle) == 3 else middle[-1]
        self.head = nn.Linear(channels, student["logits"][-1])

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``target``, ``others`` and ``weak``."""
        config = self.config
        weak = self.head(_pooled(student.taps["middle"]))
        known, others = self_label_loss(student.logits, weak, batch.target)
        own = F.cross_entropy(weak, batch.target, label_smoothing=config.weak_smoothing)
        return {
            "target": config.alpha * known.mean(),
            "others": config.beta * others.mean(),
            "weak": config.mu * own,
        }


def _pooled(feature: Tensor) -> Tensor:
    """Return the mean ``[B, D]`` of maps ``[B, D, H, W]`` or tokens ``[B, N, D]``."""
    return feature.flatten(2).mean(2) if feature.ndim == 4 else feature.mean(1)
