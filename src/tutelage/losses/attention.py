"""Where a network looks: the energy of a feature map at every position."""

from torch import Tensor
from torch.nn import functional as F

from tutelage.losses._features import unit, wide_pair
from tutelage.losses.maps import to_common_size


def attention_loss(student_map: Tensor, teacher_map: Tensor, *, power: float = 2.0) -> Tensor:
    """Return the mean square between the attention maps of two networks, each of length 1.

    Paying More Attention to Attention (Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928,
    Eq. 2). The attention of a position is the mean of ``|activation|**power`` over the channels.
    Eq. 2 prints a norm and a factor of 1/2; the authors' code, and the weight that they name, are
    for the mean of squares over positions and pictures. It does not see the scale of a feature.

    >>> import torch
    >>> maps = torch.tensor([[[[3.0, 0.0], [0.0, 4.0]]]])  # attention 9 and 16, in shares of 1
    >>> attention_loss(maps, maps.flip(3)) * 4  # the squares of (9, -9, -16, 16) / 337**0.5
    tensor(2.)

    Args:
        student_map: ``[B, C, H, W]``.
        teacher_map: ``[B, C', H', W']``; where sizes differ, the larger attention map is pooled.
        power: 1 or more; the greater, the more the strongest activations count.

    Raises:
        ShapeError: the maps are not of as many pictures.
    """
    student, teacher = (
        feature_map.abs().pow(power).mean(1, keepdim=True)
        for feature_map in wide_pair(student_map, teacher_map)
    )  # [B, 1, H, W]
    student, teacher = (unit(each.flatten(1)) for each in to_common_size(student, teacher))
    return F.mse_loss(student, teacher)
