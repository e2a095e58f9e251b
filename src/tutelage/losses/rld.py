"""Refined logit distillation: what a teacher says that the label does not contradict."""

import torch
from torch import Tensor

from tutelage.losses._checks import check_pair, check_reduction, check_temperature
from tutelage.losses._forms import Reduction, reduce, soften_pair
from tutelage.losses._targets import read_target
from tutelage.losses.partition import chain_rule


def refined_kd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Tensor,
    *,
    temperature: float = 4.0,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    class_dim: int = 1,
) -> tuple[Tensor, Tensor]:
    """Return the sample confidence and the masked correlation terms, SCD and MCD, in nats.

    SCD is the KL of how sure the student is of the label, ``(q_t, 1 - q_t)``, from how sure the
    teacher is of whatever it holds likeliest, ``(max p, 1 - max p)``. MCD is the KL within the
    classes that the teacher ranks below the label. Both are times temperature^2: Knowledge
    Distillation with Refined Logits (Sun et al., ICCV 2025, arXiv:2408.07703).

    Where the label is the teacher's one best class they are TCKD and NCKD of `decoupled_kd`.

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        target: int64 class indices in the logits' shape without the class dimension.
        temperature: divides the logits.
        reduction: mean over the positions that count, sum over them, or none: one value each.
        ignore_index: the index of positions that do not count, whatever their logits.
        class_dim: where the classes lie: 1 for pictures and maps, -1 for ``[B, T, V]`` tokens.

    Raises:
        ShapeError, DtypeError, RangeError, ConfigError: as for `decoupled_kd`.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    (label,), ignored = read_target(target, student_logits, class_dim, ignore_index)
    student, teacher = soften_pair(student_logits, teacher_logits, temperature, class_dim, ignored)
    place = label.clamp(min=0)  # of an ignored position all logits are equal
    of_label, best = teacher.gather(-1, place), teacher.max(-1, keepdim=True)
    righted = teacher.scatter(-1, best.indices, of_label).scatter(-1, place, best.values)
    classes = torch.arange(teacher.shape[-1], device=teacher.device)
    not_below = torch.where(teacher >= of_label, classes, -1)  # [..., C], the label among them
    scd = temperature**2 * chain_rule(student, righted, [label]).between
    mcd = temperature**2 * chain_rule(student, teacher, [not_below]).within[..., -1]
    return reduce(scd, ignored, reduction), reduce(mcd, ignored, reduction)
