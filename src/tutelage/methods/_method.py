"""What a method is: its paper, its numbers and its terms. It runs no network and opens no file."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from tutelage.errors import ConfigError, RangeError
from tutelage.losses import label_loss
from tutelage.paper import Paper
from tutelage.registry import Registry
from tutelage.types import Batch, Output, Progress, Shapes, Task, Terms

Kind = Literal["labels", "logit", "feature", "relation", "contrast", "teacher-free"]
Tap = Literal[
    "stages", "preactivations", "stem", "middle", "last", "unpooled", "pooled", "classifier"
]


class Methods(Registry[type["Method"]]):
    """The methods of this package, those that other packages offer as entry points, and sums.

    ``methods["dkd+reviewkd"]`` is a method whose distillation terms are those of both.
    """

    summed: Callable[..., type["Method"]]  # set where sums are, since a sum is itself a method

    def __getitem__(self, name: str) -> type["Method"]:
        if "+" not in name:
            return super().__getitem__(name)
        self._discover()
        return self.summed(*(part.strip() for part in name.split("+")))

    def _discover(self) -> None:
        first = self._package is not None
        super()._discover()
        if first:
            for entry in entry_points(group="tutelage.methods"):
                entry.load()


methods = Methods("method", "tutelage.methods")


class Method(nn.Module, ABC):
    """The base of every method: a subclass with a name is found by being imported.

    A method is an ``nn.Module``, so that parameters and buffers it makes in ``__init__`` are
    trained, moved and saved with the student. `taps` says what it wants to see of both networks
    besides logits; it comes in `Output.taps`, paired between student and teacher:

    ``stages``          ``stage1``, ``stage2`` ...: the output of every stage, shallow to deep
    ``preactivations``  ``preactivation1`` ...: the same before the last activation
    ``stem``            ``stem``: the feature before the first stage
    ``middle``          ``middle``: the output of the stage in the middle
    ``last``            ``last``: the output of the last stage
    ``unpooled``        ``unpooled``: the map of which the classifier gets the mean
    ``pooled``          ``pooled``: what the classifier gets, ``[B, D]``
    ``classifier``      ``classifier`` ``[C, D]`` and ``classifier_bias`` ``[C]``: its weights

    Raises:
        ConfigError: the method cannot work with these networks; the message says which can.
    """

    name: ClassVar[str]
    paper: ClassVar[Paper | None] = None
    builds_on: ClassVar[tuple[str, ...]] = ()  # methods that it changes or extends, by name
    kind: ClassVar[Kind] = "feature"
    taps: ClassVar[tuple[Tap, ...]] = ()
    views: ClassVar[int] = 1  # of each picture: the data set's own, then stronger ones
    needs_teacher: ClassVar[bool] = True
    needs_maps: ClassVar[bool] = False  # the features it taps must be maps, not tokens
    mixes: ClassVar[bool] = True  # knows what two labels of one picture mean
    remakes: ClassVar[bool] = False  # changes the student network itself: see `remake`
    by_row: ClassVar[bool] = False  # each row of logits has a loss of its own: fit for boxes
    sparse: ClassVar[bool] = False  # its gradient is linear in the teacher's shares, also where 0
    zero_at_match: ClassVar[bool] = True  # distillation terms are 0 where student equals teacher
    # Not inherited, since what a subclass changes may not fit. With others than this one,
    # ``__init__`` is told which it is.
    tasks: ClassVar[tuple[Task, ...]] = ("classes",)

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """The numbers of a method; each default says where it comes from."""

        ce_weight: float = 1.0  # of the cross-entropy with the labels
        label_smoothing: float = 0.0  # part of each label that is spread over all classes
        # paper = as the papers have it; mdistiller = also where that code departs from them
        fidelity: Literal["paper", "mdistiller"] = "paper"

        def __post_init__(self) -> None:
            """Demand finite numbers of at least 0, and a temperature above 0."""
            for field in fields(self):
                value = getattr(self, field.name)
                if isinstance(value, float | int) and not 0 <= value < math.inf:
                    raise RangeError(f"{field.name} wants a finite number of at least 0: {value}")
                if field.name == "temperature" and value == 0:
                    raise RangeError(f"temperature wants a number above 0, got {value}")
            if self.label_smoothing >= 1:
                raise RangeError(f"label_smoothing wants less than 1, got {self.label_smoothing}")

        @property
        def matched_kd_weight(self) -> float | None:
            """The weight of plain KD that puts as much on the teacher, or None where none does.

            KD(w) is ``w * TCKD + w * (1 - p_t) * NCKD``: two terms of at most w each. A method with
            weights alpha and beta on the same two terms is matched by their mean.
            """
            return None

    config: Config

    def __init_subclass__(cls, name: str = "", **keywords: object) -> None:
        super().__init_subclass__(**keywords)
        cls.tasks = vars(cls).get("tasks", Method.tasks)
        if name:
            cls.name = name
            methods.add(name, cls)

    def __init__(
        self, config: Config, student: Shapes, teacher: Shapes, *, task: Task = "classes"
    ) -> None:
        super().__init__()
        self.config = config
        self._noticed: dict[str, list[Tensor]] = {}
        if self.needs_teacher and student["logits"][0] != teacher["logits"][0]:
            raise ConfigError(
                f"{self.name} needs a student and a teacher that score the same classes: the "
                f"student has {student['logits'][0]}, the teacher {teacher['logits'][0]}."
            )
        if self.needs_maps:
            self._demand_maps(student=student, teacher=teacher)

    @classmethod
    def remake(
        cls, student: nn.Module, paths: Mapping[str, str], classifier: Mapping[str, Tensor]
    ) -> None:
        """Change the student network, in place, into the one that is to be taught.

        For methods whose student is not the network that was asked for, which say so by `remakes`.
        Also called when the student of a finished run is built again, before its weights are
        loaded. `paths` tells where in the student ``unpooled`` and ``classifier`` lie, `classifier`
        the ``weight`` ``[C, D]`` of the teacher's classifier and its ``bias`` ``[C]`` if any.
        """

    @abstractmethod
    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return the weighed distillation terms of one batch by name.

        Each is a scalar mean over the batch. Without a teacher, `teacher` is the student's own
        output, detached, and must not be used. The labels' own term, and the warm-up that an option
        ``warmup_epochs`` asks for, are added by `terms`.
        """

    def terms(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return all weighed loss terms of one batch by name, ``"ce"`` the labels' own."""
        smoothing = self.config.label_smoothing
        labels = label_loss(student.logits, batch, smoothing=smoothing)
        ramp = progress.ramp(getattr(self.config, "warmup_epochs", 0.0))
        lessons = self.distill(student, teacher, batch, progress)
        return {"ce": self.config.ce_weight * labels} | {
            name: ramp * term for name, term in lessons.items()
        }

    @property
    def temperature(self) -> float:
        """The temperature at which the teacher is read, 1 where the method has none."""
        return float(getattr(self.config, "temperature", 1.0))

    def enrol(self, targets: Tensor) -> None:
        """Hear the labels ``[N]`` of the whole train split, by position, once and before all else.

        For methods that keep something of every picture; `Batch.index` is its place.
        """

    def notice(self, **seen: Tensor) -> None:
        """Put tensors ``[n, ...]`` of this batch aside for `learn`."""
        for name, tensor in seen.items():
            self._noticed.setdefault(name, []).append(tensor.detach())

    def noticed(self) -> dict[str, Tensor]:
        """Return what was put aside since the last call, and forget it."""
        seen = {name: torch.cat(parts) for name, parts in self._noticed.items()}
        self._noticed.clear()
        return seen

    def learn(self, seen: dict[str, Tensor]) -> None:
        """Update buffers, after a step, by what all processes noticed in it.

        The tensors are `notice`'s, those of all processes one after the other: so the buffers stay
        the same everywhere.
        """

    def _demand_maps(self, **networks: Shapes) -> None:
        for who, shapes in networks.items():
            for tap, shape in shapes.items():
                is_feature = tap not in ("logits", "pooled", "classifier", "classifier_bias")
                if is_feature and len(shape) != 3:
                    raise ConfigError(
                        f"{self.name} compares feature maps [channels, height, width], and the "
                        f"{who}'s {tap} is {list(shape)}, tokens or a vector. Methods that need no "
                        f"maps: {', '.join(name for name in methods if _fits_tokens(name))}."
                    )


def make_method(
    kind: type[Method], config: Method.Config, student: Shapes, teacher: Shapes, task: Task
) -> Method:
    """Return a method; one that knows but single classes need not hear of tasks."""
    if task == "classes":
        return kind(config, student, teacher)
    return kind(config, student, teacher, task=task)


def _fits_tokens(name: str) -> bool:
    return methods[name].needs_teacher and not methods[name].needs_maps
