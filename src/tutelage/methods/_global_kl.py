"""What IKL and GKL share: KL taken apart, its classes weighed by the teacher's mean of a label."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor
from torch.nn import functional as F

from tutelage.losses import kd_loss, logit_variance_loss
from tutelage.methods._logit import LogitMethod
from tutelage.types import Batch, Shapes


class GlobalKL(LogitMethod):
    """The base of methods that split KL into a weighted square error and a cross-entropy.

    In KL's square error a class weighs by the teacher's probability in that one picture; here by
    its mean over all pictures of the same label so far, one of even probabilities first. The buffer
    `class_sums` ``[C, C]`` holds the sums, a row for each label.
    """

    mixes = False  # the mean probabilities are those of one label
    by_row = False  # and are learnt as the run goes

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(LogitMethod.Config):
        """The official code's values for resnet56 to resnet20 on CIFAR-100."""

        kd_weight: float = 1.0  # of KL, which is not times temperature^2
        temperature: float = 4.0  # > 0; divides both logits in KL; the square error has none
        class_temperature: Annotated[float, Gt(0)] = 4.0  # of the class means; GKL's value
        warmup_epochs: float = 20.0  # both terms ramp from 0 over these

    config: Config
    class_sums: Tensor

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        classes = teacher["logits"][-1]
        self.register_buffer("class_sums", torch.full((classes, classes), 1 / classes))

    def parts(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, *, power: float
    ) -> tuple[Tensor, Tensor]:
        """Return the square error, classes weighed by their means to a power, and weighed KL."""
        config = self.config
        weights = self.class_sums[batch.target] ** power  # [B, C]
        error = logit_variance_loss(student_logits, teacher_logits, weights)
        soft = kd_loss(student_logits, teacher_logits, temperature=config.temperature)
        probabilities = F.softmax(teacher_logits / config.class_temperature, dim=1)
        self.notice(target=batch.target, probabilities=probabilities)
        return error, config.kd_weight / config.temperature**2 * soft

    def learn(self, seen: dict[str, Tensor]) -> None:
        """Add the teacher's probabilities to the sums of their labels."""
        probabilities = seen["probabilities"].to(self.class_sums.dtype)
        self.class_sums.index_add_(0, seen["target"], probabilities)
