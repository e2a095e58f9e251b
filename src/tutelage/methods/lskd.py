"""LSKD: Logit Standardization in Knowledge Distillation (Sun et al., 2024, arXiv:2403.01427)."""

from dataclasses import dataclass

from tutelage.methods.kd import KD
from tutelage.paper import Paper


class LSKD(KD, name="lskd"):
    """KD of standardised logits: the student's scale is left free. See `standardised`."""

    paper = Paper(
        title="Logit Standardization in Knowledge Distillation",
        authors=("Shangquan Sun", "Wenqi Ren", "Jingzhi Li", "Rui Wang", "Xiaochun Cao"),
        year=2024,
        venue="CVPR",
        arxiv="2403.01427",
    )
    builds_on = ("kd",)  # of standardised logits

    sparse = False  # a mean of logits leaves none of -inf out

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(KD.Config):
        """The CIFAR-100 values of the official code; any logit method takes `standardise`."""

        standardise: bool = True  # compare logits of mean 0 and deviation 1
        ce_weight: float = 0.1  # of the cross-entropy with the labels
        kd_weight: float = 9.0  # of the divergence
        temperature: float = 2.0  # > 0; divides both standardised logits

    config: Config
