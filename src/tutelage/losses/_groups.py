"""The groups of a partition, checked, in the one form the losses compute on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tutelage.errors import DtypeError, RangeError, ShapeError
from tutelage.losses._checks import check_device, may_look


def read_groups(groups: Sequence[Tensor], logits: Tensor, class_dim: int) -> list[Tensor]:
    """Return the groups as ``[..., k]``, positions first; refuse what is no partition."""
    positions = logits.movedim(class_dim, -1).shape[:-1]
    read = []
    for number, group in enumerate(groups):
        if group.dtype != torch.int64:
            raise DtypeError(
                f"groups[{number}] must hold classes in torch.int64: it is {group.dtype}. "
                f"Call `.long()` on it."
            )
        check_device(f"groups[{number}]", group, logits)
        if group.dim() > 1 and group.dim() == logits.dim():
            group = group.movedim(class_dim, -1)
        alike = group.dim() == 1
        if not (alike or group.shape[:-1] == positions) or group.shape[-1:] in ((), (0,)):
            raise ShapeError(
                f"groups[{number}] must be [k] or have the shape of the logits, "
                f"{tuple(logits.shape)}, with k in place of {logits.shape[class_dim]}, k at least "
                f"1: it is {tuple(groups[number].shape)}. Reshape it, or pad it with -1."
            )
        read.append(group.expand(*positions, group.shape[-1]))
    if read and may_look(read[0]):
        _check_members(torch.cat(read, -1), logits.shape[class_dim])
    return read


def _check_members(members: Tensor, classes: int) -> None:
    """Refuse members ``[..., k]`` that are no class, or named twice at one position."""
    outside = (members < -1) | (members >= classes)
    if outside.any():
        place = tuple(outside.nonzero()[0].tolist())
        raise RangeError(
            f"groups must hold classes from 0 to {classes - 1}, or -1 for none: position "
            f"{place[:-1]} holds {members[place].item()}. Correct the group."
        )
    ordered = members.sort(-1).values
    repeated = (ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] >= 0)
    if repeated.any():
        place = tuple(repeated.nonzero()[0].tolist())
        raise RangeError(
            f"groups must name a class at most once: position {place[:-1]} names "
            f"{ordered[..., 1:][place].item()} twice. Take it out of one group."
        )
