"""Feature maps compared whole and as a pyramid of their means."""

from torch import Tensor
from torch.nn import functional as F


def hierarchical_distance(student_map: Tensor, teacher_map: Tensor) -> Tensor:
    """Return the mean squared distance of two maps, at full size and pooled to 4x4, 2x2 and 1x1.

    The hierarchical context loss of Distilling Knowledge via Knowledge Review (Chen et al., CVPR
    2021, arXiv:2104.09044), with the weights of the official code: full size weighs 1, each pooled
    size that is smaller than the map half of the one before, and their sum is divided out.

    Shapes: both ``[B, C, H, W]``.

    >>> import torch
    >>> teacher_map = torch.tensor([1.0, -1.0, 1.0, -1.0]).reshape(1, 1, 2, 2)
    >>> hierarchical_distance(torch.zeros(1, 1, 2, 2), teacher_map)  # (1 + 0 / 2) / 1.5
    tensor(0.6667)
    """
    distance, weight, total = F.mse_loss(student_map, teacher_map), 1.0, 1.0
    for size in (4, 2, 1):
        if size < student_map.shape[2]:
            weight /= 2
            total += weight
            # Pooling is linear: the difference of means is the mean of the difference.
            difference = F.adaptive_avg_pool2d(student_map - teacher_map, size)
            distance = distance + weight * difference.square().mean()
    return distance / total
