"""VID: Variational Information Distillation for Knowledge Transfer (Ahn et al., CVPR 2019)."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from tutelage.errors import RangeError
from tutelage.losses import gaussian_nll, to_common_size
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms, in_order

LEAST_VARIANCE = 1e-5  # added to what is learned, as in the official code


class VID(Method, name="vid"):
    """Make the teacher's features likely, given the student's, under a Gaussian of learned width.

    In mdistiller the widths lie in a plain list, which no optimiser and no checkpoint sees: they
    stay at `initial_variance`. ``fidelity = "mdistiller"`` does the same.
    """

    paper = Paper(
        title="Variational Information Distillation for Knowledge Transfer",
        authors=(
            "Sungsoo Ahn",
            "Shell Xu Hu",
            "Andreas Damianou",
            "Neil D. Lawrence",
            "Zhenwen Dai",
        ),
        year=2019,
        venue="CVPR",
        arxiv="1904.05835",
    )
    taps = ("stages",)
    needs_maps = True
    zero_at_match = False  # a log likelihood, which can be negative, of what a regressor predicts

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The CIFAR-100 values of mdistiller."""

        vid_weight: float = 1.0  # of the negative log likelihood, summed over stages
        initial_variance: float = 5.0  # of every channel, above 0.00001

        def __post_init__(self) -> None:
            """Demand a variance that something learned can bring about."""
            Method.Config.__post_init__(self)
            if self.initial_variance <= LEAST_VARIANCE:
                raise RangeError(
                    f"initial_variance wants a number above {LEAST_VARIANCE:g}, got "
                    f"{self.initial_variance:g}"
                )

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        excess = config.initial_variance - LEAST_VARIANCE
        raw = excess + math.log(-math.expm1(-excess))  # softplus makes `excess` of it
        is_learned = config.fidelity == "paper"
        inputs, outputs = (
            [shape[0] for shape in in_order(of, "stage")] for of in (student, teacher)
        )
        self.regressors = nn.ModuleList(map(_regressor, inputs, outputs))
        self.raw_variances = nn.ParameterList(
            nn.Parameter(torch.full((channels,), raw), requires_grad=is_learned)
            for channels in outputs
        )

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``vid``."""
        loss = student.logits.new_zeros(())
        for own, its, regressor, raw in zip(
            student.stages, teacher.stages, self.regressors, self.raw_variances, strict=True
        ):
            own, its = to_common_size(own, its)
            loss = loss + gaussian_nll(regressor(own), its, F.softplus(raw) + LEAST_VARIANCE)
        return {"vid": self.config.vid_weight * loss}


def _regressor(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 1, bias=False),
    )
