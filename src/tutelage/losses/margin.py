"""The teacher's negative responses cut at a margin, and a distance that lets the student be low."""

import torch
from torch import Tensor


def negative_responses(preactivations: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum and the number of the negative responses of every channel ``[C]``.

    Shapes: `preactivations` ``[B, C, H, W]``. Sum over number, over as many batches as there are,
    is the margin of `margin_distance`: the channel's mean negative response.
    """
    channels = (0, 2, 3)
    count = (preactivations < 0).sum(channels).to(preactivations.dtype)
    return preactivations.clamp(max=0).sum(channels), count


def margin_distance(
    student_preactivations: Tensor, teacher_preactivations: Tensor, margin: Tensor
) -> Tensor:
    """Return the partial squared distance from the teacher's margin ReLU, summed, a batch mean.

    A Comprehensive Overhaul of Feature Distillation (Heo et al., ICCV 2019, arXiv:1904.01866),
    section 3: the teacher's target is ``max(t, margin)``. Where it is not positive, and the student
    is below it, nothing is asked of the student: the ReLU that follows makes both the same.

    Shapes: the maps ``[B, C, H, W]``, `margin` ``[C]``, at most 0.

    >>> import torch
    >>> teacher = torch.tensor([2.0, -1.0, -9.0, -9.0]).reshape(1, 1, 2, 2)
    >>> student = torch.tensor([1.0, -2.0, -3.0, 1.0]).reshape(1, 1, 2, 2)
    >>> margin_distance(student, teacher, torch.tensor([-2.0]))  # 1 + 0 + 0 + 9
    tensor(10.)
    """
    target = torch.maximum(teacher_preactivations, margin[:, None, None])
    counts = (target > 0) | (student_preactivations > target)
    distance = (student_preactivations - target) ** 2
    return (distance * counts).sum() / len(distance)
