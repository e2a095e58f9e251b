"""The target in its three forms, checked, and the target classes it stands for."""

import torch
from torch import Tensor

from tutelage.errors import DtypeError, RangeError, ShapeError
from tutelage.losses._checks import check_device, may_look

Target = Tensor | tuple[Tensor, Tensor]
"""Class indices (int64), a pair of them (mixup), or label probabilities (floating)."""

BACKGROUND = 1e-3
"""A class is a target where its label exceeds the least of its row by more: above any rounding."""


def read_target(
    target: Target, logits: Tensor, class_dim: int, ignore_index: int
) -> tuple[list[Tensor], Tensor | None]:
    """Return the target classes and the ignored positions; refuse a target that is none.

    The classes are groups ``[..., 1]`` of one class each, -1 where there is none, as in ignored
    positions. The positions are ``[...]``, or None where it is known that none is left out.
    """
    if isinstance(target, Tensor) and target.is_floating_point():
        _check_probabilities(target, logits, class_dim)
        return _likeliest(target.detach().movedim(class_dim, -1).float()), None
    indices = [target] if isinstance(target, Tensor) else list(target)
    if len(indices) not in (1, 2):
        raise ShapeError(
            f"a target of several tensors must be a pair of class indices: it holds "
            f"{len(indices)}. Pass (first, second), or label probabilities."
        )
    counts = [_check_indices(index, logits, class_dim, ignore_index) for index in indices]
    if counts == [True]:  # the usual case, told by one look
        return [indices[0][..., None]], None
    masks = [index == ignore_index for index in indices]
    ignored = masks[0] if len(masks) == 1 else masks[0] | masks[1]
    # Where values go unchecked, a negative label must fail in torch, not pass for "none".
    groups = [index.masked_fill(index < 0, logits.shape[class_dim]) for index in indices]
    if len(groups) == 2:  # a picture mixed with one of its own class has one target
        groups[1] = groups[1].masked_fill(groups[1] == groups[0], -1)
    if may_look(ignored) and not ignored.any():
        return [group[..., None] for group in groups], None
    return [group.masked_fill(ignored, -1)[..., None] for group in groups], ignored


def _likeliest(labels: Tensor) -> list[Tensor]:
    """Return the one or two classes that stand out of each row of label probabilities."""
    if labels.shape[-1] == 2:  # however even the labels, {0}, {1} is the one true partition
        return [labels.argmax(-1, keepdim=True)]
    likeliest = labels.topk(min(2, labels.shape[-1]))
    background = likeliest.values - labels.amin(-1, keepdim=True) <= BACKGROUND
    return list(likeliest.indices.masked_fill(background, -1).split(1, -1))


def _check_indices(target: Tensor, logits: Tensor, class_dim: int, ignore_index: int) -> bool:
    """Refuse what are no class indices; tell whether each is known to count."""
    if target.dtype != torch.int64:
        raise DtypeError(
            f"target must hold class indices in torch.int64, or label probabilities in a floating "
            f"type: it is {target.dtype}. Call `target.long()` if it holds indices."
        )
    positions = (*logits.shape[:class_dim], *logits.shape[class_dim:][1:])
    if target.shape != positions:
        raise ShapeError(
            f"target must have the shape of the logits without their class dimension, "
            f"{tuple(positions)}: it is {tuple(target.shape)}, with logits {tuple(logits.shape)} "
            f"and class_dim {class_dim}. Reshape the target or name another `class_dim`."
        )
    check_device("target", target, logits)
    if not may_look(target):
        return False
    classes = logits.shape[class_dim]
    if target.numel() and not 0 <= ignore_index < classes:
        least, greatest = (bound.item() for bound in target.aminmax())
        if least >= 0 and greatest < classes:
            return True
    outside = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if outside.any():
        position = tuple(outside.nonzero()[0].tolist())
        raise RangeError(
            f"target must be a class from 0 to {classes - 1} or ignore_index, {ignore_index}: it "
            f"is {target[position].item()} at position {position}. Correct the label, or name it "
            f"as `ignore_index`."
        )
    return False


def _check_probabilities(target: Tensor, logits: Tensor, class_dim: int) -> None:
    if target.shape != logits.shape:
        raise ShapeError(
            f"a floating target holds label probabilities and must have the shape of the logits, "
            f"{tuple(logits.shape)}: it is {tuple(target.shape)}. Call `target.long()` if it "
            f"holds class indices."
        )
    check_device("target", target, logits)
    if not may_look(target):
        return
    mass = target.detach().double().sum(class_dim)
    wrong = ~((mass - 1).abs() <= 0.02) | (target < 0).any(class_dim)  # 0.02 lets bfloat16 pass
    if wrong.any():
        position = tuple(wrong.nonzero()[0].tolist())
        least = target.amin(class_dim)[position].item()
        raise RangeError(
            f"label probabilities must be 0 or more and sum to 1: at position {position} the sum "
            f"is {mass[position].item():g} and the least is {least:g}. Normalise the labels."
        )
