"""Classical knowledge distillation: one group that holds every class."""

from torch import Tensor

from tutelage.losses._checks import check_pair, check_reduction, check_temperature
from tutelage.losses._closed import Weights, divergences
from tutelage.losses._forms import Reduction, last
from tutelage.losses._targets import Target, read_target


def kd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    temperature: float = 4.0,
    reduction: Reduction = "mean",
    target: Target | None = None,
    ignore_index: int = -100,
    class_dim: int = 1,
) -> Tensor:
    """Return temperature^2 * KL(teacher || student) of softened classes, in nats.

    Distilling the Knowledge in a Neural Network (Hinton et al., 2015, arXiv:1503.02531); the
    square keeps the size of the gradient at any temperature.

    >>> import torch
    >>> kd_loss(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[3.0, 0.0, 1.0]]), temperature=1.0)
    tensor(0.1537)

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        temperature: divides the logits.
        reduction: mean over the positions that count, sum over them, or none: one value each.
        target: takes no part in the loss but for telling which positions to ignore.
        ignore_index: the target of positions that do not count, whatever their logits.
        class_dim: where the classes lie: 1 for pictures and maps, -1 for ``[B, T, V]`` tokens.

    Returns:
        A scalar, or with ``reduction="none"`` the logits' shape without the class dimension, in
        float32 (float64 if a logit tensor is float64). 0 where nothing counts.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0; on the CPU also an unknown label.
        ConfigError: an unknown reduction.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    ignored = None
    if target is not None:
        _, ignored = read_target(target, student_logits, class_dim, ignore_index)
    (loss,) = divergences(
        last(student_logits, class_dim, ignored),
        last(teacher_logits.detach(), class_dim, ignored),
        [],
        ignored,
        Weights(temperature),
        reduction,
    )
    return loss
