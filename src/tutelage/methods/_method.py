"""What a method is: its paper, its numbers and its terms. It runs no network and opens no file."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from typing import ClassVar

from torch import nn

from tutelage.errors import ConfigError, RangeError
from tutelage.registry import Registry
from tutelage.types import Batch, Output, Progress, Shapes, Terms


class Methods(Registry[type["Method"]]):
    """The methods of this package, and those that other packages offer as entry points."""

    def _discover(self) -> None:
        first = self._package is not None
        super()._discover()
        if first:
            for entry in entry_points(group="tutelage.methods"):
                entry.load()


methods = Methods("method", "tutelage.methods")


class Method(nn.Module, ABC):
    """The base of every method: a subclass with a name is found by being imported.

    A method is an ``nn.Module``, so that parameters it makes in ``__init__`` are trained, moved and
    saved with the student. `taps` names the stages whose features it wants to see.

    Raises:
        ConfigError: the method cannot work with these networks; the message says which can.
    """

    name: ClassVar[str]
    taps: ClassVar[tuple[str, ...]] = ()
    needs_teacher: ClassVar[bool] = True
    zero_at_match: ClassVar[bool] = True  # distillation terms are 0 where student equals teacher

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config:
        """The numbers of a method; each default says where it comes from."""

        ce_weight: float = 1.0  # of the cross-entropy with the labels

        def __post_init__(self) -> None:
            """Demand finite numbers of at least 0, and a temperature above 0."""
            for field in fields(self):
                value = getattr(self, field.name)
                if isinstance(value, float | int) and not 0 <= value < math.inf:
                    raise RangeError(f"{field.name} wants a finite number of at least 0: {value}")
                if field.name == "temperature" and value == 0:
                    raise RangeError(f"temperature wants a number above 0, got {value}")

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
        if name:
            cls.name = name
            methods.add(name, cls)

    def __init__(self, config: Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__()
        self.config = config
        if self.needs_teacher and student["logits"] != teacher["logits"]:
            raise ConfigError(
                f"{self.name} needs a student and a teacher that score the same classes: the "
                f"student has {student['logits'][-1]}, the teacher {teacher['logits'][-1]}."
            )

    @abstractmethod
    def terms(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        """Return the weighed loss terms of one batch by name, ``"ce"`` among them.

        Each is a scalar mean over the batch. Without a teacher, `teacher` is the student's own
        output, detached, and must not be used.
        """

    @property
    def temperature(self) -> float:
        """The temperature at which the teacher is read, 1 where the method has none."""
        return float(getattr(self.config, "temperature", 1.0))
