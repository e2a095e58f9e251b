"""Matching a softened teacher with a student that is not softened."""

from torch import Tensor

from tutelage.losses._checks import check_pair, check_reduction, check_temperature
from tutelage.losses._forms import Reduction, reduce, soften_pair
from tutelage.losses.partition import chain_rule


def transformed_teacher_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    temperature: float = 10.0,
    weighted: bool = False,
    reduction: Reduction = "mean",
    class_dim: int = 1,
) -> Tensor:
    """Return KL(softened teacher || student), the student at temperature 1, in nats.

    TTM of Knowledge Distillation Based on Transformed Teacher Matching (Zheng and Yang, ICLR 2024,
    arXiv:2402.11148). The paper raises the teacher's probabilities p to a power gamma and makes
    them sum to 1 again; as softmax of logits / T is proportional to ``p**(1 / T)``, that is a
    temperature of 1 / gamma. Unlike KD the loss is not multiplied by its square.

    `weighted` is WTTM: each sample weighs ``sum of p_i**gamma``, from 1 where the teacher is
    certain to ``C**(1 - gamma)`` where it knows nothing, for gamma up to 1.

    >>> import torch
    >>> teacher = torch.tensor([[8.0, 4.0, 0.0]])
    >>> transformed_teacher_loss(teacher / 4, teacher, temperature=4.0)
    tensor(0.)

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        temperature: divides the teacher's logits.
        weighted: weigh samples as WTTM does.
        reduction: mean or sum over the positions, or none: one value each.
        class_dim: where the classes lie: 1 for pictures and maps, -1 for ``[B, T, V]`` tokens.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0.
        ConfigError: an unknown reduction.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    student, teacher = soften_pair(student_logits, teacher_logits, 1.0, class_dim)
    divergence = chain_rule(student, teacher / temperature, []).total
    if weighted:
        divergence = (teacher.log_softmax(-1) / temperature).exp().sum(-1) * divergence
    return reduce(divergence, None, reduction)
