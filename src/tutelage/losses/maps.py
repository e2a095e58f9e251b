"""Feature maps of two networks brought to one size."""

from torch import Tensor
from torch.nn import functional as F


def to_common_size(student_map: Tensor, teacher_map: Tensor) -> tuple[Tensor, Tensor]:
    """Return both maps at the smaller of their heights and of their widths.

    Shapes: ``[B, C, H, W]`` each; channels may differ. Whichever is larger is pooled to means over
    its cells, as attention transfer and its followers do it; maps of one size come back as they
    are.

    >>> import torch
    >>> student_map, teacher_map = torch.zeros(2, 16, 8, 8), torch.zeros(2, 64, 4, 4)
    >>> [tuple(each.shape) for each in to_common_size(student_map, teacher_map)]
    [(2, 16, 4, 4), (2, 64, 4, 4)]
    """
    height = min(student_map.shape[2], teacher_map.shape[2])
    width = min(student_map.shape[3], teacher_map.shape[3])
    return _pooled(student_map, height, width), _pooled(teacher_map, height, width)


def _pooled(feature_map: Tensor, height: int, width: int) -> Tensor:
    if feature_map.shape[2:] == (height, width):
        return feature_map
    return F.adaptive_avg_pool2d(feature_map, (height, width))
