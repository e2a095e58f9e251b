"""What a run leaves behind, as frozen dataclasses.

Shares (accuracies, probabilities, calibration error) are fractions from 0 to 1, never percent. A
field that is None was not measured, and is left out of the file.
"""

from dataclasses import dataclass, field
from typing import Literal

SCHEMA = 1
"""The version of these files; it rises when a field changes its meaning or goes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A stretch of training: means over the steps since the row before.

    `terms` are the loss terms as weighed, by name: they sum to `loss`. `gradient_share` tells for
    each term the part of its gradient's norm in the sum of all terms' norms, a fraction.
    """

    epoch: int  # from 1
    step: int  # optimiser steps done when the row was written
    lr: float  # learning rate of the last step
    seconds: float  # wall-clock since the start of training, pauses of a resumed run left out
    images_per_second: float  # over this stretch
    loss: float  # nats
    terms: dict[str, float]  # nats
    gradient_share: dict[str, float] = field(default_factory=dict)
    teacher_target_probability: float | None = None  # p_t at the method's temperature, a fraction
    teacher_rest_probability: float | None = None  # 1 - p_t, a fraction
    gradient_norm: float | None = None  # 2-norm over all parameters, before clipping


class Measured:
    """Numbers of which one is the task's own measure, by which the best epoch is chosen."""

    __slots__ = ()
    top1: float
    mean_average_precision: float | None
    mean_iou: float | None
    count: int

    @property
    def measure(self) -> float:
        """The mean average precision of many labels, the mean IoU of pixels, else `top1`."""
        own = (self.mean_average_precision, self.mean_iou)
        return next((value for value in own if value is not None), self.top1)

    @property
    def measured(self) -> str:
        """What the measure is called."""
        if self.mean_average_precision is not None:
            return "mean average precision"
        return "top-1" if self.mean_iou is None else "mean IoU"

    @property
    def story(self) -> str:
        """The measure in words, such as ``is right on 71.20% of 500``."""
        if self.measured == "top-1":
            return f"is right on {self.top1:.2%} of {self.count}"
        return f"has a {self.measured} of {self.measure:.2%} on {self.count}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation(Measured):
    """How one network did on one split; accuracies and calibration error are fractions.

    ``docs/record.md`` says what they mean where pictures have many labels, or pixels have classes.
    """

    epoch: int  # epochs done; 0 = before training
    step: int  # optimiser steps done
    split: Literal["train", "validation", "test"]
    network: Literal["student", "teacher"]
    top1: float  # fraction of pictures (labels, pixels) that were right
    top5: float  # fraction whose class was among the first five
    loss: float  # mean cross-entropy, nats
    calibration_error: float  # expected calibration error (L1), a fraction
    count: int  # pictures
    seconds: float  # wall-clock
    mean_average_precision: float | None = None  # where pictures have many labels
    mean_iou: float | None = None  # where pixels have classes
    chance: float | None = None  # of `measure`, for a network that has seen no picture


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassMeans:
    """What each class was taken for: the mean probability given to others, at temperature 1.

    Means are over the pictures of a split whose true class it is; a class is its place in `names`.
    The other classes are those to which student or teacher gave most, so that of the likeliest 20
    of either both probabilities are here.
    """

    split: Literal["train", "validation", "test"]
    names: list[str]
    counts: list[int]  # pictures of each class
    others: list[list[int]]  # of each class, in the order of `names`; none without a picture
    student: list[list[float]]  # mean probability of each of `others`
    student_target: list[float]  # mean probability of the class itself
    teacher: list[list[float]] | None = None  # where one was asked about the split
    teacher_target: list[float] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where it ran."""

    platform: str
    processor: str
    accelerator: str  # such as "cpu" or the name of the GPU
    cores: int  # logical ones that the process may use
    threads: int  # of torch
    memory_bytes: int | None = None  # of the machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a complete run came to.

    `best` is the student at the epoch that the validation split chose, `last` at the last epoch;
    without a validation split there is no best. The test split is read once, at the end.
    """

    run: str  # id
    schema: int = SCHEMA
    status: Literal["complete"] = "complete"
    seed: int
    epochs: int
    steps: int
    best_validation: Evaluation | None = None
    last_validation: Evaluation | None = None
    best_test: Evaluation | None = None
    last_test: Evaluation | None = None
    teacher: Evaluation | None = None  # on the validation split, at the start
    seconds: float  # wall-clock of training and evaluation, pauses of a resumed run left out
    images_per_second: float  # mean over the training steps
    peak_memory_bytes: int | None = None  # of the process, see `provenance.peak_memory_bytes`
    peak_device_memory_bytes: int | None = None  # of the GPU
    student_parameters: int
    teacher_parameters: int | None = None
    extra_parameters: int = 0  # trained by the method beside the student
    config_fingerprint: str  # of `tutelage.config.fingerprint`
    data_fingerprint: str  # SHA-256, hexadecimal, like the next
    student_sha256: str  # of student.safetensors
    student_best_sha256: str | None = None  # of student-best.safetensors
    teacher_sha256: str | None = None
    teacher_run: str | None = None  # path of the teacher's own run folder: its lineage
    teacher_seconds_saved: float | None = None  # of asking, since the answers lay in a cache
    commit: str  # of the toolkit: a git commit, "-dirty" where it was edited, or its version
    working_commit: str | None = None  # of the folder the command was given in, if it is git's
    versions: dict[str, str]  # of Python and packages, by name
    machine: Machine
    started: str  # UTC, ISO 8601
    finished: str  # UTC, ISO 8601
