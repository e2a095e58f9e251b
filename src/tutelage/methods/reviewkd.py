"""ReviewKD: Distilling Knowledge via Knowledge Review (Chen et al., CVPR 2021)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.losses import hierarchical_distance
from tutelage.methods._connector import connector
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms, in_order

MOST_CHANNELS = 512  # in which levels are fused


class ReviewKD(Method, name="reviewkd"):
    """Let every level of the teacher be matched by that level of the student and all deeper ones.

    The levels are the stages and, deepest, what the classifier gets. The student's are taken after
    their activation and the teacher's before, as in the CIFAR-100 code of the authors and in
    mdistiller; in its ImageNet files the student's are taken before it too.
    """

    paper = Paper(
        title="Distilling Knowledge via Knowledge Review",
        authors=("Pengguang Chen", "Shu Liu", "Hengshuang Zhao", "Jiaya Jia"),
        year=2021,
        venue="CVPR",
        arxiv="2104.09044",
    )
    taps = ("stages", "preactivations", "pooled")
    needs_maps = True
    zero_at_match = False  # a fusion of random weights stands between

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The defaults of the official code and of mdistiller; its CIFAR-100 pair has weight 5."""

        reviewkd_weight: float = 1.0  # of the distance, summed over levels
        warmup_epochs: float = 20.0  # the term ramps from 0 over these
        student_preactivations: bool = False  # take the student's features before activation too

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        width = min(MOST_CHANNELS, student["pooled"][0])
        kind = "preactivation" if config.student_preactivations else "stage"
        inputs = [shape[0] for shape in (student["pooled"], *in_order(student, kind)[::-1])]
        outputs = [
            shape[0] for shape in (teacher["pooled"], *in_order(teacher, "preactivation")[::-1])
        ]
        self.fusions = nn.ModuleList(
            Fusion(own, width, its, fuses=level > 0)
            for level, (own, its) in enumerate(zip(inputs, outputs, strict=True))
        )

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``reviewkd``."""
        loss = student.logits.new_zeros(())
        own = student.preactivations if self.config.student_preactivations else student.stages
        own_levels = (student.taps["pooled"][..., None, None], *own[::-1])
        its_levels = (teacher.taps["pooled"][..., None, None], *teacher.preactivations[::-1])
        deeper = None
        for level, its, fusion in zip(own_levels, its_levels, self.fusions, strict=True):
            output, deeper = fusion(level, deeper, its.shape[2:])
            loss = loss + hierarchical_distance(output, its)
        return {"reviewkd": self.config.reviewkd_weight * loss}


class Fusion(nn.Module):
    """The paper's attention-based fusion of one level of the student with the deeper ones."""

    def __init__(self, inputs: int, width: int, outputs: int, *, fuses: bool) -> None:
        super().__init__()
        self.enter = connector(inputs, width)
        self.leave = connector(width, outputs, kernel=3)
        self.attention = nn.Conv2d(2 * width, 2, 1) if fuses else None

    def forward(
        self, features: Tensor, deeper: Tensor | None, size: torch.Size
    ) -> tuple[Tensor, Tensor]:
        """Return what is compared with the teacher, and what the next, shallower level is told.

        Shapes: `features` ``[B, inputs, H, W]``; `deeper` ``[B, width, ...]``, None at the deepest
        level; the results ``[B, outputs, *size]`` and ``[B, width, *size]``.
        """
        fused = self.enter(features)
        if self.attention is not None and deeper is not None:
            deeper = F.interpolate(deeper, fused.shape[2:])  # the nearest value
            share = self.attention(torch.cat([fused, deeper], 1)).sigmoid()
            fused = fused * share[:, :1] + deeper * share[:, 1:]
        fused = F.interpolate(fused, size)
        return self.leave(fused), fused
