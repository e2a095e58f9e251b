"""Softened logits going in, reduced values coming out."""

from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["none", "mean", "sum"]


def widen(logits: Tensor, class_dim: int, ignored: Tensor | None = None) -> Tensor:
    """Return the logits ``[..., C]`` in float32 or wider.

    Ignored positions become zeros, so that a NaN there reaches neither a value nor a gradient.
    Autocast has no say: it narrows matrix products and the like, and there is none from here on.
    """
    logits = logits.movedim(class_dim, -1).to(torch.promote_types(logits.dtype, torch.float32))
    return logits if ignored is None else logits.masked_fill(ignored[..., None], 0.0)


def widen_pair(
    student_logits: Tensor, teacher_logits: Tensor, class_dim: int, ignored: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return both networks' logits ``[..., C]`` in one dtype, the teacher's detached."""
    dtype = torch.promote_types(student_logits.dtype, teacher_logits.dtype)
    return (
        widen(student_logits.to(dtype), class_dim, ignored),
        widen(teacher_logits.detach().to(dtype), class_dim, ignored),
    )


def soften(
    logits: Tensor, temperature: float, class_dim: int, ignored: Tensor | None = None
) -> Tensor:
    """Return the logits ``[..., C]`` over the temperature, in float32 or wider, the largest at 0.

    The shift changes no probability and keeps the digits of logits that are all large.
    """
    logits = widen(logits, class_dim, ignored)
    return (logits - logits.detach().amax(-1, keepdim=True)) / temperature


def soften_pair(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float,
    class_dim: int,
    ignored: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return both networks' softened logits ``[..., C]`` in one dtype, the teacher's detached."""
    student, teacher = widen_pair(student_logits, teacher_logits, class_dim, ignored)
    return soften(student, temperature, -1), soften(teacher, temperature, -1)


def reduce(values: Tensor, ignored: Tensor | None, reduction: Reduction) -> Tensor:
    """Reduce per-position values; the mean over no position is 0, with a gradient of zeros.

    Ignored values are 0 as they come: both networks were softened to the same zeros there.
    """
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if ignored is None:
        return values.sum() / max(values.numel(), 1)
    return values.sum() / (~ignored).sum().clamp(min=1)
