"""Softened logits going in, reduced values coming out."""

from functools import reduce as fold
from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["none", "mean", "sum"]


def last(logits: Tensor, class_dim: int, ignored: Tensor | None = None) -> Tensor:
    """Return the logits with their classes last, ``[..., C]``, and zeros at ignored positions.

    So a NaN there reaches neither a value nor a gradient.
    """
    if class_dim not in (-1, logits.dim() - 1):
        logits = logits.movedim(class_dim, -1)
    return logits if ignored is None else logits.masked_fill(ignored[..., None], 0.0)


def widest(*tensors: Tensor) -> torch.dtype:
    """Return the dtype to compute in: the widest of the tensors', float32 at least.

    Autocast has no say: it narrows matrix products and the like, and there is none from here on.
    """
    return fold(torch.promote_types, (tensor.dtype for tensor in tensors), torch.float32)


def soften(
    logits: Tensor, temperature: float, class_dim: int, ignored: Tensor | None = None
) -> Tensor:
    """Return the logits ``[..., C]`` over the temperature, in float32 or wider, the largest at 0.

    The shift changes no probability and keeps the digits of logits that are all large.
    """
    logits = last(logits, class_dim, ignored).to(widest(logits))
    return (logits - logits.detach().amax(-1, keepdim=True)) / temperature


def soften_pair(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float,
    class_dim: int,
    ignored: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return both networks' softened logits ``[..., C]`` in one dtype, the teacher's detached."""
    dtype = widest(student_logits, teacher_logits)
    student, teacher = (
        soften(logits.to(dtype), temperature, class_dim, ignored)
        for logits in (student_logits, teacher_logits.detach())
    )
    return student, teacher


def reduce(values: Tensor, ignored: Tensor | None, reduction: Reduction) -> Tensor:
    """Reduce per-position values; the mean over no position is 0, with a gradient of zeros.

    Ignored values are 0 as they come: both networks were softened to the same zeros there.
    """
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if ignored is None:
        return values.mean() if values.numel() else values.sum()
    return values.sum() / (~ignored).sum().clamp(min=1)
