"""NST: Like What You Like (Huang and Wang, 2017, arXiv:1707.01219)."""

from dataclasses import dataclass

import torch

from tutelage.losses import neuron_selectivity_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class NST(Method, name="nst"):
    """Match the distribution of where the channels of a stage are active."""

    paper = Paper(
        title="Like What You Like: Knowledge Distill via Neuron Selectivity Transfer",
        authors=("Zehao Huang", "Naiyan Wang"),
        year=2017,
        arxiv="1707.01219",
    )
    taps = ("stages",)
    needs_maps = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The value of mdistiller, for the paper's polynomial kernel."""

        nst_weight: float = 50.0  # of the sum of the stages

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``nst``."""
        pairs = zip(student.stages, teacher.stages, strict=True)
        losses = [neuron_selectivity_loss(*pair) for pair in pairs]
        return {"nst": self.config.nst_weight * torch.stack(losses).sum()}
