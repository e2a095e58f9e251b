"""FitNet: Hints for Thin Deep Nets (Romero et al., ICLR 2015, arXiv:1412.6550)."""

from dataclasses import dataclass

from torch import nn
from torch.nn import functional as F

from tutelage.errors import ConfigError
from tutelage.losses import to_common_size
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms


class FitNet(Method, name="fitnet"):
    """Predict the teacher's middle feature from the student's, by a learned convolution.

    The paper trains the hint first and the rest of the student after; here, as in the code of all
    who compare with it, the hint is a term beside the others from the first step to the last.
    """

    paper = Paper(
        title="FitNets: Hints for Thin Deep Nets",
        authors=(
            "Adriana Romero",
            "Nicolas Ballas",
            "Samira Ebrahimi Kahou",
            "Antoine Chassang",
            "Carlo Gatta",
            "Yoshua Bengio",
        ),
        year=2015,
        venue="ICLR",
        arxiv="1412.6550",
    )
    builds_on = ("kd",)  # extended to features inside, as its abstract says
    taps = ("middle",)
    needs_maps = True
    zero_at_match = False  # the convolution starts at random

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The weight is mdistiller's, for the mean of squares."""

        fitnet_weight: float = 100.0  # of the mean square between prediction and teacher's feature

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        fit = _official_fit if config.fidelity == "mdistiller" else _fit
        self.fit = fit(student["middle"], teacher["middle"])

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``fitnet``."""
        student_map, teacher_map = student.taps["middle"], teacher.taps["middle"]
        if self.config.fidelity == "paper":
            student_map, teacher_map = to_common_size(student_map, teacher_map)
        loss = F.mse_loss(self.fit(student_map), teacher_map)
        return {"fitnet": self.config.fitnet_weight * loss}


def _fit(student: tuple[int, ...], teacher: tuple[int, ...]) -> nn.Module:
    """Return the paper's regressor of maps of one size, linear since no tap tells an activation."""
    return nn.Conv2d(student[0], teacher[0], 1)


def _official_fit(student: tuple[int, ...], teacher: tuple[int, ...]) -> nn.Module:
    """Return mdistiller's: a convolution that also changes the size, batch norm and ReLU."""
    (inputs, *size), (outputs, *wanted) = student, teacher
    fit: nn.Module
    if size[0] == 2 * wanted[0]:
        fit = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
    elif 2 * size[0] == wanted[0]:
        fit = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
    elif size[0] >= wanted[0]:
        kernel = (1 + size[0] - wanted[0], 1 + size[1] - wanted[1])
        fit = nn.Conv2d(inputs, outputs, kernel)
    else:
        raise ConfigError(
            f"fitnet with fidelity=mdistiller fits maps of the teacher's size, of half of it, or "
            f"greater ones: the student's is {size}, the teacher's {wanted}. Use fidelity=paper."
        )
    return nn.Sequential(fit, nn.BatchNorm2d(outputs), nn.ReLU())
