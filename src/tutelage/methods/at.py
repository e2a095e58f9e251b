"""AT: Paying More Attention to Attention (Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928)."""

from dataclasses import dataclass

import torch

from tutelage.errors import RangeError
from tutelage.losses import attention_loss, to_common_size
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class AT(Method, name="at"):
    """Look where the teacher looks: match the energy of the features over the positions.

    Where sizes differ, the paper brings the attention maps to one size; mdistiller pools the
    features before it takes their energy, in which activations of both signs cancel.
    """

    paper = Paper(
        title=(
            "Paying More Attention to Attention: Improving the Performance of Convolutional "
            "Neural Networks via Attention Transfer"
        ),
        authors=("Sergey Zagoruyko", "Nikos Komodakis"),
        year=2017,
        venue="ICLR",
        arxiv="1612.03928",
    )
    taps = ("stages",)
    needs_maps = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The values of the paper, of its code and of mdistiller."""

        at_weight: float = 1000.0  # of the sum of the stages
        power: float = 2.0  # of the activations, at least 1: what is large counts the more

        def __post_init__(self) -> None:
            """Demand a power of at least 1: below, the gradient at 0 is infinite."""
            Method.Config.__post_init__(self)
            if self.power < 1:
                raise RangeError(f"power wants a number of at least 1, got {self.power}")

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``at``."""
        pairs = list(zip(student.stages, teacher.stages, strict=True))
        if self.config.fidelity == "mdistiller":
            pairs = [to_common_size(*pair) for pair in pairs]
        losses = [attention_loss(*pair, power=self.config.power) for pair in pairs]
        return {"at": self.config.at_weight * torch.stack(losses).sum()}
