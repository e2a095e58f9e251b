"""OFD: A Comprehensive Overhaul of Feature Distillation (Heo et al., ICCV 2019)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tutelage.losses import margin_distance, negative_responses, to_common_size
from tutelage.methods._connector import connector
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms, in_order


class OFD(Method, name="ofd"):
    """Match features before their ReLU, where that ReLU will let a difference through.

    The margin of a channel is the teacher's mean negative response. The official code computes it
    from the weights of a batch norm, taking what that puts out for Gaussian; here it is the mean
    of all responses so far, this batch's included, which the paper allows as well and which needs
    no batch norm to be found. The first steps see it less exactly. The teacher's batch norm stays
    in evaluation mode; in the official code it is in training mode.
    """

    paper = Paper(
        title="A Comprehensive Overhaul of Feature Distillation",
        authors=(
            "Byeongho Heo",
            "Jeesoo Kim",
            "Sangdoo Yun",
            "Hyojin Park",
            "Nojun Kwak",
            "Jin Young Choi",
        ),
        year=2019,
        venue="ICCV",
        arxiv="1904.01866",
    )
    taps = ("preactivations",)
    needs_maps = True
    zero_at_match = False  # a connector of random weights stands between

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The CIFAR-100 value of the official code and of mdistiller."""

        ofd_weight: float = 1e-3  # of the last stage; each stage before weighs half as much

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        inputs, outputs = (
            [shape[0] for shape in in_order(of, "preactivation")] for of in (student, teacher)
        )
        self.connectors = nn.ModuleList(map(connector, inputs, outputs))
        for stage, channels in enumerate(outputs, 1):  # of the teacher's negative responses
            self.register_buffer(f"sum{stage}", torch.zeros(channels))
            self.register_buffer(f"count{stage}", torch.zeros(channels))

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``ofd``."""
        loss = student.logits.new_zeros(())
        pairs = zip(student.preactivations, teacher.preactivations, self.connectors, strict=True)
        for stage, (own, its, connect) in enumerate(pairs, 1):
            margin = self._margin(stage, its)
            own, its = to_common_size(own, its)
            loss = loss / 2 + margin_distance(connect(own), its, margin)
        return {"ofd": self.config.ofd_weight * loss}

    def learn(self, seen: dict[str, Tensor]) -> None:
        """Add the negative responses of a step to those before."""
        for name, values in seen.items():
            self.get_buffer(name).add_(values.sum(0))

    def _margin(self, stage: int, preactivations: Tensor) -> Tensor:
        """Return the mean negative response ``[C]`` so far, 0 where there was none."""
        total, count = negative_responses(preactivations)
        self.notice(**{f"sum{stage}": total[None], f"count{stage}": count[None]})
        total = total + self.get_buffer(f"sum{stage}")
        count = count + self.get_buffer(f"count{stage}")
        return total / count.clamp(min=1)
