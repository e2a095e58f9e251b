"""Which pictures of a batch a network finds alike."""

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.losses._features import divisor, product, row_pair, unit


def similarity_preserving_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean square between the similarities of the pictures in two networks.

    Similarity-Preserving Knowledge Distillation (Tung and Mori, ICCV 2019, arXiv:1907.09682):
    the inner products of one picture with all are divided by their own length. Neither
    the scale nor a rotation of a feature is seen.

    >>> import torch
    >>> features = torch.randn(8, 16, 4, 4)
    >>> similarity_preserving_loss(features, 3 * features.flip(1)) < 1e-12
    tensor(True)

    Shapes: ``[B, ...]`` each, maps, tokens or vectors, of any sizes; the result is a scalar.

    Raises:
        ShapeError: the features are not of as many pictures.
    """
    student, teacher = (
        unit(product(rows, rows.mT)) for rows in row_pair(student, teacher)
    )  # [B, B]
    return F.mse_loss(student, teacher)


def probability_transfer_loss(
    student: Tensor, teacher: Tensor, *, with_itself: bool = False
) -> Tensor:
    """Return how the pictures that a network draws beside each picture diverge, over B^2.

    Learning Deep Representations with Probabilistic Knowledge Transfer (Passalis and Tefas, ECCV
    2018, arXiv:1803.10837): beside picture i, picture j is drawn with a probability in proportion
    to ``(1 + cosine) / 2``, and the result is the sum over i of KL(teacher || student), in nats,
    divided by the B^2 pairs as the authors' code does.

    Args:
        student: ``[B, ...]``.
        teacher: ``[B, ...]``.
        with_itself: let a picture also be drawn beside itself: the authors' code, not their paper.

    Raises:
        ShapeError: the features are not of as many pictures.
    """
    student, teacher = (_neighbours(rows, with_itself) for rows in row_pair(student, teacher))
    # teacher * log(teacher / student), with digits where the two are close: what is added sums to 0
    excess = (teacher - student) / (student + 1e-7)  # as the authors': it can be 0
    return (teacher * excess.log1p() + student - teacher).mean()


def _neighbours(rows: Tensor, with_itself: bool) -> Tensor:
    directions = unit(rows)
    likeness = (1 + product(directions, directions.mT)) / 2  # [B, B]
    if not with_itself:
        likeness = likeness * (1 - torch.eye(len(rows), dtype=rows.dtype, device=rows.device))
    return likeness / divisor(likeness.sum(1, keepdim=True))
