"""WKD-L: Wasserstein distance between logits (Lv et al., NeurIPS 2024, arXiv:2412.08139)."""

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch.nn import functional as F

from tutelage.errors import ConfigError
from tutelage.losses import normalised_kd, transport_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms


class WKDL(Method, name="wkd_l"):
    """Move the student's probabilities to the teacher's, cheaply only between classes alike.

    How alike two classes are is the cosine of their rows in the teacher's classifier, as the
    official code offers (``fc``). The paper's own choice, CKA of the features of all train pictures
    of the two classes, needs a pass over the data before training and is not offered.
    """

    kind = "logit"
    taps = ("classifier",)
    zero_at_match = False  # a cross-entropy, and a transport plan that is blurred

    paper = Paper(
        title="Wasserstein Distance Rivals Kullback-Leibler Divergence for Knowledge Distillation",
        authors=("Jiaming Lv", "Haoyuan Yang", "Peihua Li"),
        year=2024,
        venue="NeurIPS",
        arxiv="2412.08139",
    )
    builds_on = ("kd", "nkd")  # another distance for KD's, on NKD's split of the target

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The CIFAR-100 values of the official code; ImageNet has weight 30 and temperature 2."""

        target_weight: float = 1.0  # of the cross-entropy at the target
        wkd_l_weight: float = 600.0  # of the transport between the other classes
        temperature: float = 8.0  # > 0; divides both logits in the transport
        sharpness: float = 1.0  # kappa: how fast cost grows as classes differ
        # of the transport plan, by its entropy; costs are at most 1, and exp(-80) fits float32
        regularisation: Annotated[float, Ge(1 / 80)] = 0.05
        iterations: Annotated[int, Ge(1)] = 10  # of Sinkhorn's algorithm
        decay_epoch: float = 150.0  # epochs before wkd_l_weight falls, by a cosine, to 0 at the end

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        if student["logits"][-1] == 2:
            raise ConfigError(
                "wkd_l needs at least three classes, got 2: with one class beside the target there "
                'is nowhere to move its probability. Use `method.name = "kd"`.'
            )

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``target`` and ``wkd_l``."""
        config = self.config
        prototypes = F.normalize(teacher.taps["classifier"], dim=1)  # [C, D]
        distance = (1 - prototypes @ prototypes.T).clamp(min=0)  # [C, C]; rounding goes below 0
        known, _ = normalised_kd(student.logits, teacher.logits, batch.targets)
        moved = transport_loss(
            student.logits,
            teacher.logits,
            batch.targets,
            1 - (-config.sharpness * distance).exp(),
            temperature=config.temperature,
            regularisation=config.regularisation,
            iterations=config.iterations,
        )
        weight = config.wkd_l_weight * _cosine(progress, config.decay_epoch)
        return {"target": config.target_weight * known, "wkd_l": weight * moved}


def _cosine(progress: Progress, start: float) -> float:
    """Return 1 until `start` epochs are done, then half a cosine down to 0 at the end."""
    if progress.epochs <= start:
        return 1.0
    done = progress.epoch if progress.by_epoch else progress.share * progress.epochs
    return (1 + math.cos(math.pi * max(done - start, 0) / (progress.epochs - start))) / 2
