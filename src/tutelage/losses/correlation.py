"""Predictions compared by their correlation, so that neither scale nor offset has to agree."""

from torch import Tensor
from torch.nn import functional as F

from tutelage.losses._checks import check_pair, check_temperature
from tutelage.losses._forms import soften_pair


def correlation_loss(
    student_logits: Tensor, teacher_logits: Tensor, *, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Return how far from perfectly correlated the probabilities are, in rows and in columns.

    ``1 - Pearson's r`` of student and teacher, times temperature^2: first over the classes of each
    sample, then over the samples of each class, each a mean: Knowledge Distillation from A Stronger
    Teacher (Huang et al., NeurIPS 2022, arXiv:2205.10536).

    Computed as half the squared distance of the centred unit vectors, which is the same, and goes
    on where there is no correlation: what is constant is a zero vector, without gradient. So two
    constants agree, and the second loss of a single sample is 0.

    >>> import torch
    >>> logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]])
    >>> [round(float(part), 4) for part in correlation_loss(logits, logits.flip(0))]
    [1.3356, 2.0]

    Args:
        student_logits: ``[B, C]``.
        teacher_logits: ``[B, C]``. They are constants: no gradient flows to the teacher.
        temperature: divides the logits.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0.
    """
    check_pair(student_logits, teacher_logits, 1)
    check_temperature(temperature)
    student, teacher = (
        logits.softmax(1)
        for logits in soften_pair(student_logits, teacher_logits, temperature, class_dim=1)
    )
    square = temperature**2
    return square * _distance(student, teacher, dim=1), square * _distance(student, teacher, dim=0)


def _distance(student: Tensor, teacher: Tensor, dim: int) -> Tensor:
    """Return the mean of 1 - Pearson's r along `dim`."""
    return (_unit(student, dim) - _unit(teacher, dim)).square().sum(dim).mean() / 2


def _unit(values: Tensor, dim: int) -> Tensor:
    """Return values centred and of length 1 along `dim`; zeros, without gradient, if constant."""
    centred = values - values.mean(dim, keepdim=True)
    length, rounding = (
        each.detach().norm(dim=dim, keepdim=True) for each in (centred, 1e-6 * values)
    )
    return F.normalize(centred.masked_fill(length <= rounding, 0.0), dim=dim)
