"""Features of two networks going in: wide, paired, and multiplied without autocast."""

import torch
from torch import Tensor

from tutelage.errors import ShapeError


def wide_pair(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Return both features in one dtype, float32 or wider, the teacher's detached.

    Raises:
        ShapeError: they are not of as many pictures.
    """
    if len(student) != len(teacher):
        raise ShapeError(
            f"student and teacher must have seen the same pictures: the student's feature is "
            f"{tuple(student.shape)}, the teacher's {tuple(teacher.shape)}. Feed both one batch."
        )
    dtype = torch.promote_types(student.dtype, teacher.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    return student.to(dtype), teacher.detach().to(dtype)


def row_pair(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Return features of any shape as rows, one a picture, ``[B, D]`` and ``[B, D']``."""
    student, teacher = wide_pair(student, teacher)
    return student.flatten(1), teacher.flatten(1)


def unit(vectors: Tensor) -> Tensor:
    """Return vectors ``[..., D]`` of length 1; those of length 0 stay, with a gradient of size 1.

    ``F.normalize`` would hand a vector of zeros a gradient of 1e12.
    """
    return vectors / divisor(torch.linalg.vector_norm(vectors, dim=-1, keepdim=True))


def divisor(tensor: Tensor) -> Tensor:
    """Return what can be divided by: the tensor with 1 in place of 0."""
    return tensor.masked_fill(tensor == 0, 1.0)


def product(first: Tensor, second: Tensor) -> Tensor:
    """Return the matrix product in the width of its factors, in which autocast has no say."""
    with torch.autocast(first.device.type, enabled=False):
        return first @ second
