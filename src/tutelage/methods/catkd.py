"""CAT-KD: Class Attention Transfer Based Knowledge Distillation (Guo et al., CVPR 2023)."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from tutelage.losses import activation_map_distance, class_activation_maps
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms


class CATKD(Method, name="catkd"):
    """Match where in the picture the teacher sees each class.

    The paper normalises each class's map, so that places count and scores do not. The official
    CIFAR-100 configurations do so for pairs of different families, and not within a family: each
    weight belongs to one of the two.
    """

    paper = Paper(
        title="Class Attention Transfer Based Knowledge Distillation",
        authors=("Ziyao Guo", "Haonan Yan", "Hui Li", "Xiaodong Lin"),
        year=2023,
        venue="CVPR",
        arxiv="2304.12777",
    )
    taps = ("unpooled", "classifier")
    needs_maps = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The official values for vgg13 and mobilenetv2; the weight is tuned by pair."""

        catkd_weight: float = 15.0  # of the mean squared distance of the maps
        resolution: Annotated[int, Ge(1)] = 2  # height and width to which maps are pooled
        normalise: bool = True  # each class's map to norm 1, as in the paper's loss

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``catkd``."""
        own, its = (
            class_activation_maps(
                of.taps["unpooled"], of.taps["classifier"], self.config.resolution
            )
            for of in (student, teacher)
        )
        distance = activation_map_distance(own, its, normalise=self.config.normalise)
        return {"catkd": self.config.catkd_weight * distance}
