"""CC: Correlation Congruence for Knowledge Distillation (Peng et al., ICCV 2019, 1904.01802)."""

from dataclasses import dataclass

from tutelage.losses import correlation_congruence_loss
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class CC(Method, name="cc"):
    """Correlate the pictures of a batch as the teacher does, in a Gaussian kernel.

    This is the paper's loss. What RepDistiller holds under its name, from the authors, multiplies
    the distances between both networks' embeddings of pictures that stand side by side.
    """

    paper = Paper(
        title="Correlation Congruence for Knowledge Distillation",
        authors=(
            "Baoyun Peng",
            "Xiao Jin",
            "Jiaheng Liu",
            "Dongsheng Li",
            "Yichao Wu",
            "Yu Liu",
            "Shunfeng Zhou",
            "Zhaoning Zhang",
        ),
        year=2019,
        venue="ICCV",
        arxiv="1904.01802",
    )
    kind = "relation"
    taps = ("pooled",)

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The kernel is the paper's; the weight is that of AberHu's Knowledge-Distillation-Zoo."""

        cc_weight: float = 100.0  # of the mean square over the pairs of a batch
        gamma: float = 0.4  # of the kernel exp(-gamma |x - y|^2)
        order: int = 2  # the last power in the kernel's expansion

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``cc``."""
        config = self.config
        loss = correlation_congruence_loss(
            student.taps["pooled"],
            teacher.taps["pooled"],
            gamma=config.gamma,
            order=config.order,
        )
        return {"cc": config.cc_weight * loss}
