"""Who sees which picture when: the order of an epoch as a pure function of (seed, epoch)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Plan:
    """The global batches of an epoch, and each process's share of them.

    `size` pictures make one optimiser step, whatever the number of processes and of parts
    (gradient accumulation) they are dealt to: so the same recipe means the same on one device and
    on many. The last batch of an epoch is smaller; it is left out only where some part of it would
    hold fewer than two pictures, which batch norm cannot take.
    """

    count: int  # pictures in the split
    size: int  # pictures in a global batch
    seed: int
    processes: int = 1
    rank: int = 0
    parts: int = 1

    @property
    def steps(self) -> int:
        """Optimiser steps in an epoch."""
        whole, rest = divmod(self.count, self.size)
        return whole + (rest >= 2 * self.processes * self.parts)

    def epoch(self, epoch: int, first_step: int = 0) -> list[list[Tensor]]:
        """Return, for each step from `first_step` on, the index tensors of this process's parts."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        order = torch.randperm(self.count, generator=generator)
        batches = order.split(self.size)[first_step : self.steps]
        return [
            [batch[part :: self.processes * self.parts] for part in self._places]
            for batch in batches
        ]

    @property
    def _places(self) -> range:
        return range(self.rank, self.processes * self.parts, self.processes)


def share(places: Tensor, size: int, processes: int, rank: int) -> list[Tensor]:
    """Return this process's share of `places` in order, in batches of `size` over all processes.

    Every process gets the same number of batches, as collective operations demand; a share may be
    empty.
    """
    return [batch[rank::processes] for batch in places.split(size)]
