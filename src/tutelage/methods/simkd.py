"""SimKD: Knowledge Distillation with the Reused Teacher Classifier (Chen et al., CVPR 2022)."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.errors import ConfigError
from tutelage.losses import to_common_size
from tutelage.methods._connector import connector
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Terms

NARROWING = 2  # how many times fewer channels the projector has inside: the official default


class SimKD(Method, name="simkd"):
    """Give the student the teacher's classifier, and teach it to put out what that expects.

    The student is remade: its last map goes through a projector to the teacher's channels, then
    through its own pooling into a frozen copy of the teacher's classifier. So it stays: what is
    evaluated, saved and exported is this network. The labels take no part unless `ce_weight` says
    so. Where the student's map is larger than the teacher's, the official code pools it before the
    projector, here it is pooled after, for the comparison alone: so the student that remains needs
    not know the size of the teacher's maps.
    """

    paper = Paper(
        title="Knowledge Distillation with the Reused Teacher Classifier",
        authors=(
            "Defang Chen",
            "Jian-Ping Mei",
            "Hailin Zhang",
            "Can Wang",
            "Yan Feng",
            "Chun Chen",
        ),
        year=2022,
        venue="CVPR",
        arxiv="2203.14001",
    )
    taps = ("unpooled",)
    needs_maps = True
    remakes = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The paper's loss, which is the distance alone."""

        ce_weight: float = 0.0
        simkd_weight: float = 1.0  # of the mean squared distance of the last maps

    config: Config

    @classmethod
    def remake(
        cls, student: nn.Module, paths: Mapping[str, str], classifier: Mapping[str, Tensor]
    ) -> None:
        """Put a projector after the student's last map, and the teacher's classifier at the end."""
        old = student.get_submodule(paths["classifier"])
        if not isinstance(old, nn.Linear):
            raise ConfigError(
                f"simkd replaces the student's classifier, which must be a linear layer: it is "
                f"{type(old).__name__}."
            )
        weight = classifier["weight"].flatten(1)  # that of a 1x1 convolution serves as well
        head = nn.Linear(weight.shape[1], weight.shape[0], bias="bias" in classifier)
        head.load_state_dict({**classifier, "weight": weight})
        last = OrderedDict(
            body=student.get_submodule(paths["unpooled"]),
            projector=projector(old.in_features, head.in_features).to(old.weight),
        )
        student.set_submodule(paths["unpooled"], nn.Sequential(last))
        student.set_submodule(paths["classifier"], head.to(old.weight).requires_grad_(False))

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``simkd``."""
        own, its = to_common_size(student.taps["unpooled"], teacher.taps["unpooled"])
        return {"simkd": self.config.simkd_weight * F.mse_loss(own, its)}


def projector(inputs: int, outputs: int) -> nn.Sequential:
    """Return 1x1, 3x3 and 1x1 convolutions, with fewer channels between, each with BN and ReLU."""
    inside = max(outputs // NARROWING, 1)
    return nn.Sequential(
        *connector(inputs, inside),
        nn.ReLU(),
        *connector(inside, inside, kernel=3),
        nn.ReLU(),
        *connector(inside, outputs),
        nn.ReLU(),
    )
