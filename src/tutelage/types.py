"""The nouns that cross from room to room: `Batch`, `Output`, `Terms`, `Progress`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from torch import Tensor

T = TypeVar("T")

Task = Literal["classes", "labels", "pixels"]
"""What a picture is labelled with: one class, any number of classes, or a class for each pixel."""

Terms = dict[str, Tensor]
"""Loss terms by name, already weighed: their sum is the loss. ``"ce"`` is the labels' own."""

UNLABELLED = -100
"""Stands for the class of a picture, or of a pixel, that has no label."""

Shapes = Mapping[str, tuple[int, ...]]
"""What one network puts out for one picture: ``"logits"`` and each tap, without the batch axis."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures, their classes and who they are.

    Shapes: `images` ``[B, channels, height, width]``, normalised floats; `target` ``[B]`` class
    indices; `index` ``[B]``, the position of each picture in its split. Where pictures were mixed
    in pairs, `target` and `index` are those of the picture that has the greater part, `share`
    ``[B]`` is that part, 0.5 to 1, and `second` ``[B]`` is the class of the other. Where a method
    asks for several views, `images` holds all first views, then all second: ``[views * B, ...]``.
    `view` counts another kind, those that epochs show in turn: which of the `data.views` of each
    picture these are, from 1, or 0 where nothing comes again (as with mixed pictures).

    That is the task ``classes``. Of ``labels`` `target` is a float ``[B, C]``: 1 for a class that
    the picture has, 0 for one it has not, -1 where that is unknown. Of ``pixels`` it is ``[B,
    height, width]`` class indices, -100 where there is none.
    """

    images: Tensor
    target: Tensor
    index: Tensor
    second: Tensor | None = None
    share: Tensor | None = None
    view: int = field(default=0, kw_only=True)

    @property
    def targets(self) -> Tensor | tuple[Tensor, Tensor]:
        """The classes as `tutelage.losses` takes them: one a picture, or two where it is mixed."""
        return self.target if self.second is None else (self.target, self.second)


@dataclass(frozen=True, slots=True)
class Output:
    """What a network said: `logits` ``[B, C]``, always float32 or wider, and the watched taps.

    Of pixels the logits are ``[B, C, height, width]``.
    """

    logits: Tensor
    taps: dict[str, Tensor] = field(default_factory=dict)

    def detached(self) -> "Output":
        """Return the same without a gradient."""
        return Output(
            self.logits.detach(), {tap: value.detach() for tap, value in self.taps.items()}
        )

    @property
    def stages(self) -> list[Tensor]:
        """The features of the stages, shallow to deep: the n-th fits the other network's n-th."""
        return in_order(self.taps, "stage")

    @property
    def preactivations(self) -> list[Tensor]:
        """The features of the stages before their last activation."""
        return in_order(self.taps, "preactivation")


def in_order(taps: Mapping[str, T], kind: str) -> list[T]:
    """Return what `taps` names ``<kind>1``, ``<kind>2`` and so on, in that order.

    >>> in_order({"logits": (10,), "stage1": (16, 8, 8), "stage2": (32, 4, 4)}, "stage")
    [(16, 8, 8), (32, 4, 4)]
    """
    found: list[T] = []
    while (name := f"{kind}{len(found) + 1}") in taps:
        found.append(taps[name])
    return found


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `epoch` counts from 1; `step` counts optimiser steps from 0."""

    epoch: int
    epochs: int
    step: int
    steps_per_epoch: int
    by_epoch: bool = False  # let ramps grow by whole epochs, as the official code does

    @property
    def share(self) -> float:
        """How much of the run is done after this step, above 0 and up to 1."""
        return min((self.step + 1) / (self.epochs * self.steps_per_epoch), 1.0)

    def ramp(self, warmup_epochs: float) -> float:
        """Return the factor, 0 to 1, by which distillation terms have grown in.

        It grows with every step and is 1 at the end of the warm-up. The official code's rule is
        stepwise, ``min(epoch / warmup, 1)`` with whole epochs from 1, so that the first of 20
        epochs runs at 0.05; `by_epoch` is that. A warm-up of 0 is no ramp.

        >>> Progress(epoch=1, epochs=240, step=49, steps_per_epoch=100).ramp(20)
        0.025
        >>> Progress(epoch=1, epochs=240, step=0, steps_per_epoch=100, by_epoch=True).ramp(20)
        0.05
        """
        if warmup_epochs <= 0:
            return 1.0
        done = self.epoch if self.by_epoch else (self.step + 1) / self.steps_per_epoch
        return min(done / warmup_epochs, 1.0)
