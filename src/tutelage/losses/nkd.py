"""Normalised distillation: the target and the rest, each by a cross-entropy of its own."""

from torch import Tensor

from tutelage.losses._checks import check_pair, check_reduction, check_temperature
from tutelage.losses._forms import Reduction, reduce, soften_pair
from tutelage.losses._targets import Target, read_target
from tutelage.losses.partition import split


def normalised_kd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Target,
    *,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    class_dim: int = 1,
) -> tuple[Tensor, Tensor]:
    """Return the target term and the term of the other classes, in nats.

    With p of the teacher and q of the student, the first is ``-p_t log q_t`` at temperature 1. The
    second is the cross-entropy of both networks' probabilities among the other classes, made to
    sum to 1, at the temperature and times its square: the loss of From Knowledge Distillation to
    Self-Knowledge Distillation (Yang et al., ICCV 2023, arXiv:2303.13005), whose gamma
    weighs it. Its gradient is that of NCKD; its value is more by the teacher's own entropy.

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        target: as for `decoupled_kd`; of two targets the first term is the sum.
        temperature: divides the logits of the second term.
        reduction: mean over the positions that count, sum over them, or none: one value each.
        ignore_index: the index of positions that do not count, whatever their logits.
        class_dim: where the classes lie: 1 for pictures and maps, -1 for ``[B, T, V]`` tokens.

    Raises:
        ShapeError, DtypeError, RangeError, ConfigError: as for `decoupled_kd`.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    groups, ignored = read_target(target, student_logits, class_dim, ignore_index)
    sharp = soften_pair(student_logits, teacher_logits, 1.0, class_dim, ignored)
    student_mass, teacher_mass = (split(logits, groups)[0][..., :-1] for logits in sharp)
    student_rest, teacher_rest = (split(logits / temperature, groups)[1][-1] for logits in sharp)
    on_target = _cross_entropy(student_mass, teacher_mass)
    on_rest = temperature**2 * _cross_entropy(student_rest, teacher_rest)
    if ignored is not None:  # the entropy of a row of zeros is not 0
        on_rest = on_rest.masked_fill(ignored, 0.0)
    return reduce(on_target, ignored, reduction), reduce(on_rest, ignored, reduction)


def _cross_entropy(student: Tensor, teacher: Tensor) -> Tensor:
    """Return -sum of p log q of log probabilities; what the teacher rules out adds 0."""
    return -(teacher.exp() * student.masked_fill(teacher == -float("inf"), 0.0)).sum(-1)
