"""CRD: Contrastive Representation Distillation (Tian et al., ICLR 2020, arXiv:1910.10699)."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.errors import ConfigError
from tutelage.losses import Classes, by_class, draw_others, noise_contrast, similarities
from tutelage.methods._method import Method
from tutelage.paper import Paper
from tutelage.types import Batch, Output, Progress, Shapes, Terms


class CRD(Method, name="crd"):
    """Tell a picture's pair of features from pairs with pictures of other classes.

    Both networks' features are embedded, and each embedding is compared with a bank that keeps the
    other network's embedding of every picture. The constant Z is the official code's, estimated
    from the first batch; the paper has none. That code draws negatives without replacement where
    there are as many pictures, here they are always drawn with it.
    """

    paper = Paper(
        title="Contrastive Representation Distillation",
        authors=("Yonglong Tian", "Dilip Krishnan", "Phillip Isola"),
        year=2020,
        venue="ICLR",
        arxiv="1910.10699",
    )
    kind = "contrast"
    taps = ("pooled",)
    mixes = False  # a mixed picture is of two classes, and has no place of its own in the banks
    zero_at_match = False  # a log likelihood that no student makes certain

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The CIFAR-100 values of the official code and of mdistiller."""

        crd_weight: float = 0.8  # of both networks' contrast
        dimensions: Annotated[int, Ge(1)] = 128  # of the embeddings
        negatives: Annotated[int, Ge(1)] = 16384  # pictures of other classes for each picture
        momentum: Annotated[float, Le(1)] = 0.5  # part of a bank's row that stays in an update
        contrast_temperature: Annotated[float, Gt(0)] = 0.07  # divides the inner products

    config: Config

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        self.embed = nn.ModuleDict(
            {
                who: nn.Linear(shapes["pooled"][0], config.dimensions)
                for who, shapes in (("student", student), ("teacher", teacher))
            }
        )

    def enrol(self, targets: Tensor) -> None:
        """Sort the pictures by class, and give each a row of either bank, drawn at random."""
        bound = math.sqrt(3 / self.config.dimensions)  # of rows with a mean square norm of 1
        for who in self.embed:
            bank = torch.empty(len(targets), self.config.dimensions).uniform_(-bound, bound)
            self.register_buffer(f"{who}_bank", bank)
            self.register_buffer(f"{who}_log_constant", torch.tensor(math.nan))
        for name, tensor in by_class(targets)._asdict().items():
            self.register_buffer(name, tensor, persistent=False)

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return ``crd``."""
        if "order" not in self._buffers:
            raise ConfigError(
                "crd draws pictures of other classes, and was not told the labels of the train "
                "split: give them as `Distiller(..., targets=)`."
            )
        classes = Classes(*(self.get_buffer(name) for name in Classes._fields))
        others = draw_others(classes, batch.target, self.config.negatives)
        positions = torch.cat([batch.index[:, None], others], 1)
        own = F.normalize(self.embed["student"](student.taps["pooled"]))
        its = F.normalize(self.embed["teacher"](teacher.taps["pooled"]))
        self.notice(index=batch.index, student=own, teacher=its)
        loss = self._contrast("student", own, self.get_buffer("teacher_bank"), positions)
        loss = loss + self._contrast("teacher", its, self.get_buffer("student_bank"), positions)
        return {"crd": self.config.crd_weight * loss}

    def learn(self, seen: dict[str, Tensor]) -> None:
        """Move the rows of the banks towards what was embedded; keep the first step's constants."""
        momentum = self.config.momentum
        for who in self.embed:
            bank = self.get_buffer(f"{who}_bank")
            row = momentum * bank[seen["index"]] + (1 - momentum) * seen[who]
            # A new tensor, since a backward pass may still want the old one.
            setattr(self, f"{who}_bank", bank.index_copy(0, seen["index"], F.normalize(row)))
            estimates = seen[f"{who}_log_constant"]
            estimate = estimates.logsumexp(0) - math.log(len(estimates))
            constant = self.get_buffer(f"{who}_log_constant")
            constant.copy_(torch.where(constant.isnan(), estimate, constant))

    def _contrast(self, who: str, embedded: Tensor, bank: Tensor, positions: Tensor) -> Tensor:
        scores = similarities(bank, embedded, positions) / self.config.contrast_temperature
        # Z makes P a distribution over the N pictures: N times the mean of the exponentials.
        mean = scores.detach().flatten().logsumexp(0) - math.log(scores.numel())
        estimate = mean + math.log(len(bank))
        self.notice(**{f"{who}_log_constant": estimate[None]})
        constant = self.get_buffer(f"{who}_log_constant")
        constant = torch.where(constant.isnan(), estimate, constant)
        return noise_contrast(scores, constant, len(bank))
