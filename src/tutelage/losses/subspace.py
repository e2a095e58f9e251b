"""The directions in which a feature map varies most, and how they turn from stage to stage."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from tutelage.losses._features import product, unit, wide_pair
from tutelage.losses.maps import to_common_size


def singular_vector_loss(
    student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor], *, vectors: int = 1
) -> Tensor:
    """Return how the relations of singular vectors of consecutive stages differ.

    Self-supervised Knowledge Distillation Using Singular Value Decomposition (Lee et al., ECCV
    2018, arXiv:1807.06819), as mdistiller has it: a picture's map is unfolded to ``[C * H, W]``,
    so that its right singular vectors ``[W]`` fit between networks of any channels. The first of
    the teacher are kept; for each, the student's nearest of three more, turned to its side. Both
    weigh by the teacher's singular values. The relation of two consecutive stages is
    ``exp(-(v_i - w_j)**2 / 8)`` for all entries i of one and j of the next; the result sums the
    squares between the relations of both networks, over the stages, a mean over the batch.

    Args:
        student_maps: two or more, ``[B, C, H, W]``, shallow to deep.
        teacher_maps: as many; where sizes differ, the larger is pooled.
        vectors: how many singular vectors of the teacher to keep; fewer where a map has fewer.

    Raises:
        ShapeError: the maps of a stage are not of as many pictures.
    """
    stages = [
        _aligned(*to_common_size(*wide_pair(student_map, teacher_map)), vectors)
        for student_map, teacher_map in zip(student_maps, teacher_maps, strict=True)
    ]
    squares = [
        (_relation(student, student_next) - _relation(teacher, teacher_next)).square()
        for (student, teacher), (student_next, teacher_next) in pairwise(stages)
    ]  # [B, W, W', vectors] each
    return torch.stack([each.sum((1, 2, 3)).mean() for each in squares]).sum()


def _relation(vectors: Tensor, following: Tensor) -> Tensor:
    count = min(vectors.shape[2], following.shape[2])
    apart = vectors[:, :, None, :count] - following[:, None, :, :count]
    return (-apart.square() / 8).exp()


def _aligned(student_map: Tensor, teacher_map: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the singular vectors ``[B, W, count]`` of both, the student's fitted, and weighed."""
    teacher, values = _right_singular(teacher_map, count)
    student, _ = _right_singular(student_map, count + 3)
    cosines = product(student.mT, teacher)  # [B, count + 3, count]
    nearest = cosines.abs().argmax(1, keepdim=True)
    side = cosines.detach().take_along_dim(nearest, 1).sign()
    weights = unit(values)[:, None, :]
    return student.take_along_dim(nearest, 2) * side * weights, teacher * weights


def _right_singular(feature_map: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the first right singular vectors ``[B, W, count]``, and the values, as constants.

    The vectors are those of the small matrix ``A^T A``, with their gradient by perturbation: to
    first order v_i changes by the sum over j of ``v_j (v_j . dM v_i) / (l_i - l_j)``. Where two
    eigenvalues meet there is no such derivative, and the quotient is damped to stay finite; the
    derivative of ``torch.linalg.svd`` is infinite there. Each vector points to where it sums to 0
    or more, which a decomposition leaves open.
    """
    unfolded = feature_map.flatten(1, 2)  # [B, C * H, W]
    matrix = product(unfolded.mT, unfolded)
    values, basis = (each.flip(-1) for each in torch.linalg.eigh(matrix.detach()))
    first = basis[:, :, :count] * torch.where(basis[:, :, :count].sum(1, keepdim=True) < 0, -1, 1)
    gaps = values[:, None, :count] - values[:, :, None]  # [B, W, count]
    precision = torch.finfo(matrix.dtype)
    damped = gaps / (gaps.square() + precision.eps * values[:, :1, None].square() + precision.tiny)
    coupling = product(basis.mT, product(matrix, first))
    change = product(basis, damped * (coupling - coupling.detach()))
    return first + change, values[:, :count].clamp(min=0).sqrt()
