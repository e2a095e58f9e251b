"""KD-SVD: Knowledge Distillation Using SVD (Lee et al., ECCV 2018, arXiv:1807.06819)."""

from dataclasses import dataclass

from tutelage.errors import ConfigError, RangeError
from tutelage.losses import singular_vector_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms, in_order


class KDSVD(Method, name="kdsvd"):
    """Match how the main directions of the features turn from one stage to the next.

    The paper takes singular vectors over the channels, which must then be as many in both networks.
    mdistiller takes them over the columns of the map, and so does this, to serve every pair.
    """

    paper = Paper(
        title="Self-supervised Knowledge Distillation Using Singular Value Decomposition",
        authors=("Seung Hyun Lee", "Dae Ha Kim", "Byung Cheol Song"),
        year=2018,
        venue="ECCV",
        arxiv="1807.06819",
    )
    taps = ("stages",)
    needs_maps = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The values of mdistiller."""

        kdsvd_weight: float = 1.0  # of the sum over the stages
        vectors: int = 1  # singular vectors of the teacher's map to keep, the greatest first

        def __post_init__(self) -> None:
            """Demand a vector."""
            Method.Config.__post_init__(self)
            if self.vectors < 1:
                raise RangeError(f"vectors wants at least 1, got {self.vectors}")

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        if len(in_order(student, "stage")) < 2:
            raise ConfigError(
                "kdsvd relates each stage to the next and needs two, but one was found in a "
                "network. Name more: student.taps=[...] and teacher.taps=[...], shallow to deep."
            )

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``kdsvd``."""
        loss = singular_vector_loss(student.stages, teacher.stages, vectors=self.config.vectors)
        return {"kdsvd": self.config.kdsvd_weight * loss}
