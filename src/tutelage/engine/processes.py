"""Numbers over all processes, typed."""

from collections.abc import Iterable
from typing import Literal, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor


def over_processes(fabric: Fabric, tensor: Tensor, how: Literal["sum", "mean"]) -> Tensor:
    """Return the sum or mean of a tensor over all processes; the tensor itself where it is one."""
    if fabric.world_size == 1:
        return tensor
    return cast(Tensor, fabric.all_reduce(tensor, reduce_op=how))


def take_from_first(fabric: Fabric, tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors, in place, by those of the first process."""
    if fabric.world_size > 1:
        for tensor in tensors:
            torch.distributed.broadcast(tensor, 0)


def from_processes(fabric: Fabric, tensor: Tensor) -> Tensor:
    """Return ``[processes, ...]``: the tensors of all processes, on the CPU."""
    if fabric.world_size == 1:
        return tensor.cpu()[None]
    ours = fabric.to_device(tensor)
    everyone = [torch.empty_like(ours) for _ in range(fabric.world_size)]
    torch.distributed.all_gather(everyone, ours)
    return torch.stack(everyone).cpu()


def joined(fabric: Fabric, tensor: Tensor) -> Tensor:
    """Return the tensors ``[n, ...]`` of all processes one after the other; n may differ."""
    if fabric.world_size == 1:
        return tensor
    lengths = from_processes(fabric, torch.tensor(len(tensor))).tolist()
    padded = tensor.new_zeros(max(lengths), *tensor.shape[1:])
    padded[: len(tensor)] = tensor
    everyone = [torch.empty_like(padded) for _ in lengths]
    torch.distributed.all_gather(everyone, padded)
    return torch.cat([part[:length] for part, length in zip(everyone, lengths, strict=True)])
