"""How the pictures of a batch lie to each other: their distances and their angles."""

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.losses._features import divisor, product, row_pair


def distance_relation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean Huber loss between the distances of all pairs of pictures.

    Relational Knowledge Distillation (Park et al., CVPR 2019, arXiv:1904.05068).
    Distances count in the mean distance of their own network. The mean is over all B^2 pairs, a
    picture with itself among them, as the authors' code has it: for that the weight of 25 is.

    Shapes: ``[B, ...]`` each; the result is a scalar, 0 without gradient where no two differ.

    Raises:
        ShapeError: the features are not of as many pictures.
    """
    student, teacher = (_in_means(_distances(rows)) for rows in row_pair(student, teacher))
    return F.smooth_l1_loss(student, teacher)


def angle_relation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean Huber loss between the cosines of the angles of all triples of pictures.

    Relational Knowledge Distillation (Park et al., CVPR 2019, arXiv:1904.05068), a mean
    over all B^3 triples; those in which two pictures coincide have no angle and count as 0.

    Shapes: ``[B, ...]`` each; the result is a scalar. Memory is of the order of B^3, for any D.

    Raises:
        ShapeError: the features are not of as many pictures.
    """
    student, teacher = (_cosines(rows) for rows in row_pair(student, teacher))
    return F.smooth_l1_loss(student, teacher)


def _distances(rows: Tensor) -> Tensor:
    """Return the distances ``[B, B]``; at 0 their gradient is 0."""
    return torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")


def _in_means(distances: Tensor) -> Tensor:
    pairs = max(len(distances) * (len(distances) - 1), 1)
    return distances / divisor(distances.sum() / pairs)


def _cosines(rows: Tensor) -> Tensor:
    """Return cos of the angle at j between i and k, ``[j, i, k]``, from inner products alone."""
    rows = rows - rows.mean(0)  # changes no angle, and keeps the digits of the differences
    gram = product(rows, rows.mT)
    # (x_i - x_j) . (x_k - x_j) = G_ik - G_ij - G_jk + G_jj
    inner = gram - gram[:, :, None] - gram[:, None, :] + gram.diagonal()[:, None, None]
    distances = _distances(rows)
    near = (distances > 0) / divisor(distances)
    return inner * near[:, :, None] * near[:, None, :]
