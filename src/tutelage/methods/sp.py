"""SP: Similarity-Preserving Knowledge Distillation (Tung and Mori, ICCV 2019, arXiv:1907.09682)."""

from dataclasses import dataclass

from tutelage.losses import similarity_preserving_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class SP(Method, name="sp"):
    """Find those pictures of the batch alike that the teacher finds alike, in the last stage."""

    paper = Paper(
        title="Similarity-Preserving Knowledge Distillation",
        authors=("Frederick Tung", "Greg Mori"),
        year=2019,
        venue="ICCV",
        arxiv="1907.09682",
    )
    kind = "relation"
    taps = ("last",)

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The value of mdistiller."""

        sp_weight: float = 3000.0  # of the mean square over the pairs of a batch

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``sp``."""
        loss = similarity_preserving_loss(student.taps["last"], teacher.taps["last"])
        return {"sp": self.config.sp_weight * loss}
