"""RKD: Relational Knowledge Distillation (Park et al., CVPR 2019, arXiv:1904.05068)."""

from dataclasses import dataclass

from tutelage.losses import angle_relation_loss, distance_relation_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class RKD(Method, name="rkd"):
    """Let the pictures of a batch lie to each other as in the teacher: distances and angles."""

    paper = Paper(
        title="Relational Knowledge Distillation",
        authors=("Wonpyo Park", "Dongju Kim", "Yan Lu", "Minsu Cho"),
        year=2019,
        venue="CVPR",
        arxiv="1904.05068",
    )
    kind = "relation"
    taps = ("pooled",)

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The values of mdistiller, for means over all pairs and all triples of a batch."""

        distance_weight: float = 25.0  # of the loss of distances
        angle_weight: float = 50.0  # of the loss of angles

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``distance`` and ``angle``."""
        pooled = student.taps["pooled"], teacher.taps["pooled"]
        return {
            "distance": self.config.distance_weight * distance_relation_loss(*pooled),
            "angle": self.config.angle_weight * angle_relation_loss(*pooled),
        }
