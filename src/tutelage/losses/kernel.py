"""Features compared through kernels, computed from inner products."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.losses._features import product, row_pair, unit, wide_pair
from tutelage.losses.maps import to_common_size


def neuron_selectivity_loss(student_map: Tensor, teacher_map: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy between the channels of two feature maps.

    Like What You Like (Huang and Wang, 2017, arXiv:1707.01219), with the kernel ``(x . y)**2``: a
    channel is a sample, its activations over the positions, divided by their length, the point.
    The discrepancy of each picture is ``mean k(s, s') + mean k(t, t') - 2 mean k(s, t)`` over all
    pairs of channels; the result is its mean over the batch.

    Args:
        student_map: ``[B, C, H, W]``.
        teacher_map: ``[B, C', H', W']``; where sizes differ, the larger is pooled.

    Raises:
        ShapeError: the maps are not of as many pictures.
    """
    student, teacher = (
        unit(feature_map.flatten(2))
        for feature_map in to_common_size(*wide_pair(student_map, teacher_map))
    )  # [B, C, H * W]
    own = _mean_kernel(student, student) + _mean_kernel(teacher, teacher)
    return (own - 2 * _mean_kernel(student, teacher)).mean()


def _mean_kernel(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean of ``(x . y)**2`` over rows x and y: ``[B, m, N]``, ``[B, n, N]`` to [B].

    The sum is a trace, of ``X Y^T Y X^T``: products of rows or of columns, whichever are fewer.
    """
    pairs = first.shape[1] * second.shape[1]
    if first.shape[2] ** 2 < pairs:
        squares = product(first.mT, first) * product(second.mT, second)  # [B, N, N]
    else:
        squares = product(first, second.mT).square()  # [B, m, n]
    return squares.sum((1, 2)) / pairs


def correlation_congruence_loss(
    student: Tensor, teacher: Tensor, *, gamma: float = 0.4, order: int = 2
) -> Tensor:
    """Return the mean square between the correlations of the pictures in two networks.

    Correlation Congruence for Knowledge Distillation (Peng et al., ICCV 2019, arXiv:1904.01802):
    the correlation of two features of length 1 is the Gaussian kernel ``exp(-gamma |x - y|**2)``,
    expanded in the powers 0 to `order` of their inner product,
    ``exp(-2 gamma) * sum of (2 gamma)**p / p! * (x . y)**p``.

    Args:
        student: ``[B, ...]``.
        teacher: ``[B, ...]``.
        gamma: of the kernel; the paper's is 0.4.
        order: the last power; the paper's is 2.

    Raises:
        ShapeError: the features are not of as many pictures.
    """
    student, teacher = (
        _correlations(unit(rows), gamma, order) for rows in row_pair(student, teacher)
    )
    return F.mse_loss(student, teacher)


def _correlations(directions: Tensor, gamma: float, order: int) -> Tensor:
    cosines = product(directions, directions.mT)  # [B, B]
    powers = [(2 * gamma) ** p / math.factorial(p) * cosines**p for p in range(order + 1)]
    return math.exp(-2 * gamma) * torch.stack(powers).sum(0)
