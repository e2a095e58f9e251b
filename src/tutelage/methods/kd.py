"""KD: Distilling the Knowledge in a Neural Network (Hinton et al., 2015, arXiv:1503.02531)."""

from dataclasses import dataclass

from torch import Tensor

from tutelage.losses import kd_loss, labels_of, multilabel_kd_loss
from tutelage.methods._logit import LogitMethod
from tutelage.paper import Paper
from tutelage.types import Batch, Progress, Terms


class KD(LogitMethod, name="kd"):
    """Match the teacher's softened probabilities of all classes together."""

    paper = Paper(
        title="Distilling the Knowledge in a Neural Network",
        authors=("Geoffrey Hinton", "Oriol Vinyals", "Jeff Dean"),
        year=2015,
        venue="NIPS Deep Learning Workshop",
        arxiv="1503.02531",
    )

    tasks = ("classes", "labels", "pixels")
    sparse = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
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

    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return ``kd``."""
        logits, temperature = (student_logits, teacher_logits), self.config.temperature
        if batch.target.is_floating_point():
            loss = multilabel_kd_loss(*logits, temperature=temperature, target=labels_of(batch))
        else:  # a target tells which pixels have no class
            target = batch.target if batch.target.ndim > 1 else None
            loss = kd_loss(*logits, temperature=temperature, target=target)
        return {"kd": self.config.kd_weight * loss}
