"""Softened classes aligned at three levels: by picture, between pictures, between classes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tutelage.losses._checks import check_pair, check_temperature
from tutelage.losses._forms import soften_pair


class Levels(NamedTuple):
    """Three scalars, each a sum over temperatures."""

    instance: Tensor
    batch: Tensor
    classes: Tensor


def multi_level_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    temperatures: Sequence[float] = (2.0, 3.0, 4.0, 5.0, 6.0),
    rows: Tensor | None = None,
    columns: Tensor | None = None,
) -> Levels:
    """Return what Multi-Level Logit Distillation aligns (Jin et al., CVPR 2023), level by level.

    With P ``[B, C]`` the probabilities at a temperature T, teacher's and student's, summed over all
    temperatures::

        instance    T^2 * KL(teacher || student), a mean over the batch
        batch       |P P^T - P' P'^T|^2 / B       how alike pictures are
        classes     |P^T P - P'^T P'|^2 / C       how often classes are meant together

    The squared norms are sums of squares, so the second grows with the batch and the third with
    its square: the batch size is a hyper-parameter of this loss.

    Args:
        student_logits: ``[B, C]``.
        teacher_logits: ``[B, C]``, constants.
        temperatures: each divides the logits once.
        rows: bool ``[B]``, the pictures that count: in the mean, and as rows of the B x B matrix.
        columns: bool ``[C]``, the classes that count, as rows of the C x C matrix.

    Raises:
        ShapeError: the logits do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: a temperature <= 0.
    """
    check_pair(student_logits, teacher_logits, 1)
    levels = []
    for temperature in temperatures:
        check_temperature(temperature)
        student, teacher = (
            logits.log_softmax(-1)
            for logits in soften_pair(student_logits, teacher_logits, temperature, 1)
        )
        q, p = student.exp(), teacher.exp()
        divergence = temperature**2 * (p * (teacher - student)).sum(-1)  # [B]
        between = (p @ p.T - q @ q.T).square().sum(-1)  # [B]
        across = (p.T @ p - q.T @ q).square().sum(-1)  # [C]
        chosen = _of(divergence, rows), _of(between, rows), _of(across, columns)
        levels.append(torch.stack([values.mean() for values in chosen]))
    return Levels(*torch.stack(levels).sum(0))


def _of(values: Tensor, chosen: Tensor | None) -> Tensor:
    return values if chosen is None else values * chosen
