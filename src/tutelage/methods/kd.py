"""KD: Distilling the Knowledge in a Neural Network (Hinton et al., 2015, arXiv:1503.02531)."""

from dataclasses import dataclass

from torch.nn import functional as F

from tutelage.losses import kd_loss
from tutelage.methods._method import Method
from tutelage.types import Batch, Output, Progress, Terms


class KD(Method, name="kd"):
    """Match the teacher's softened probabilities of all classes together."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The CIFAR-100 values of mdistiller; ImageNet recipes use 0.5, 0.5 and 1."""

        ce_weight: float = 0.1
        kd_weight: float = 0.9
        temperature: float = 4.0  # > 0; divides both logits
        warmup_epochs: float = 0.0  # the kd term ramps from 0 over these

        @property
        def matched_kd_weight(self) -> float:
            """Its own weight."""
            return self.kd_weight

    config: Config

    def terms(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``ce`` and ``kd``."""
        config = self.config
        soft = kd_loss(student.logits, teacher.logits, temperature=config.temperature)
        return {
            "ce": config.ce_weight * F.cross_entropy(student.logits, batch.target),
            "kd": progress.ramp(config.warmup_epochs) * config.kd_weight * soft,
        }
