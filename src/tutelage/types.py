"""The nouns that cross from room to room: `Batch`, `Output`, `Terms`, `Progress`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

Terms = dict[str, Tensor]
"""Loss terms by name, already weighed: their sum is the loss. ``"ce"`` is the labels' own."""

Shapes = Mapping[str, tuple[int, ...]]
"""What one network puts out for one picture: ``"logits"`` and each tap, without the batch axis."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures, their classes and who they are.

    Shapes: `images` ``[B, channels, height, width]``, normalised floats; `target` ``[B]`` class
    indices; `index` ``[B]``, the position of each picture in its split.
    """

    images: Tensor
    target: Tensor
    index: Tensor


@dataclass(frozen=True, slots=True)
class Output:
    """What a network said: `logits` ``[B, C]``, always float32 or wider, and the watched taps."""

    logits: Tensor
    taps: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `epoch` counts from 1; `step` counts optimiser steps from 0."""

    epoch: int
    epochs: int
    step: int
    steps_per_epoch: int
    smooth_ramp: bool = False

    def ramp(self, warmup_epochs: float) -> float:
        """Return the factor, 0 to 1, by which distillation terms have grown in.

        The official rule is stepwise, ``min(epoch / warmup, 1)`` with whole epochs from 1, so that
        the first of 20 epochs runs at 0.05. With `smooth_ramp` the factor grows every step and
        meets the official one at the end of each epoch. A warm-up of 0 is no ramp.

        >>> Progress(epoch=1, epochs=240, step=0, steps_per_epoch=100).ramp(20)
        0.05
        >>> Progress(1, 240, step=49, steps_per_epoch=100, smooth_ramp=True).ramp(20)
        0.025
        """
        if warmup_epochs <= 0:
            return 1.0
        done = (self.step + 1) / self.steps_per_epoch if self.smooth_ramp else self.epoch
        return min(done / warmup_epochs, 1.0)
