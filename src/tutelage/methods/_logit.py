"""What all methods share that compare logits with logits."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor

from tutelage.errors import ConfigError
from tutelage.losses import standardised
from tutelage.methods._method import Method
from tutelage.types import Batch, Output, Progress, Shapes, Task, Terms


class LogitMethod(Method):
    """A method of the logits alone, which it can be given standardised."""

    kind = "logit"
    by_row = True

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        """The option of every logit method."""

        # compare logits of mean 0 and deviation 1 (LSKD: Sun et al., 2024, arXiv:2403.01427)
        standardise: bool = False

    config: Config

    def __init__(
        self, config: Config, student: Shapes, teacher: Shapes, *, task: Task = "classes"
    ) -> None:
        super().__init__(config, student, teacher, task=task)
        if config.standardise and task == "labels":
            raise ConfigError(
                "method.standardise takes the mean of a picture's logits away, which says nothing "
                "of a softmax but much of sigmoids: leave it out where pictures have many labels."
            )

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return what `compare` says of the logits, standardised if so configured."""
        logits = student.logits, teacher.logits
        if self.config.standardise:
            logits = standardised(logits[0]), standardised(logits[1])
        return self.compare(*logits, batch, progress)

    @abstractmethod
    def compare(
        self, student_logits: Tensor, teacher_logits: Tensor, batch: Batch, progress: Progress
    ) -> Terms:
        """Return the weighed distillation terms by name; see `Method.distill`."""


def refuse_two_classes(method: str, term: str, network: Shapes) -> None:
    """Refuse two classes, of which one is left beside the target, for `term` to say nothing of.

    Raises:
        ConfigError: the network scores two classes.
    """
    if network["logits"][0] == 2:  # the classes come first, of pixels too
        raise ConfigError(
            f"{method} needs at least three classes, got 2: with one class beside the target "
            f'{term} is exactly 0. Use `method.name = "kd"`.'
        )
