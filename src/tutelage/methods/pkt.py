"""PKT: Probabilistic Knowledge Transfer (Passalis and Tefas, ECCV 2018, arXiv:1803.10837)."""

from dataclasses import dataclass

from tutelage.losses import probability_transfer_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class PKT(Method, name="pkt"):
    """Match which pictures of the batch lie beside which, as probabilities.

    In the paper a picture is not beside itself; in its code, and so in mdistiller, it is.
    """

    paper = Paper(
        title="Learning Deep Representations with Probabilistic Knowledge Transfer",
        authors=("Nikolaos Passalis", "Anastasios Tefas"),
        year=2018,
        venue="ECCV",
        arxiv="1803.10837",
    )
    kind = "relation"
    taps = ("pooled",)

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The value of mdistiller, for a mean over the pairs of a batch."""

        pkt_weight: float = 30000.0  # of the divergence over the square of the batch size

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``pkt``."""
        loss = probability_transfer_loss(
            student.taps["pooled"],
            teacher.taps["pooled"],
            with_itself=self.config.fidelity == "mdistiller",
        )
        return {"pkt": self.config.pkt_weight * loss}
