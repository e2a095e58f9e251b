"""Decoupled knowledge distillation: the target class and the rest, each with its own weight."""

import warnings
from functools import cache

import torch
from torch import Tensor

from tutelage.errors import RangeError, ShapeError
from tutelage.losses._checks import (
    check_finite,
    check_logits,
    check_pair,
    check_reduction,
    check_temperature,
)
from tutelage.losses._closed import Decoupled, is_quick, quick_dkd
from tutelage.losses._forms import Reduction, reduce, soften, widen_pair
from tutelage.losses._targets import Target, read_target
from tutelage.losses.partition import chain_rule, split


class TwoClassesWarning(UserWarning):
    """With two classes NCKD is exactly 0, so that beta does nothing."""


def decoupled_kd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Target,
    *,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    class_dim: int = 1,
) -> tuple[Tensor, Tensor]:
    """Return TCKD and NCKD, the parts of KD at the target and among the rest, in nats.

    ``KD = TCKD + (1 - p_t) * NCKD``, both times temperature^2: Eqs. 1-6 of Decoupled Knowledge
    Distillation (Zhao et al., CVPR 2022, arXiv:2203.08679). p_t is the teacher's probability of
    the target *at the temperature*; `target_probability` returns it.

    >>> import torch
    >>> student = torch.tensor([[2.0, 1.0, 0.0, 0.0]])
    >>> teacher = torch.tensor([[3.0, 0.0, 1.0, 0.0]])
    >>> decoupled_kd(student, teacher, torch.tensor([0]))
    (tensor(0.0926), tensor(0.3642))

    Which classes are targets
        Class indices name one. A pair of indices names two, or one where both are equal: TCKD is
        then the KL of (p_t1, p_t2, p_rest) and NCKD the KL within the rest, as the authors advise
        for mixup, and p_t is p_t1 + p_t2. From label probabilities the targets are the up to two
        largest of a row, as far as they exceed the smallest of the row by more than 0.001. So
        label smoothing leaves one target, mixup and CutMix two (smoothed or not), or one if both
        pictures are of one class or one has a share below 0.001. An even row has none: all
        classes are the rest, TCKD is 0 and NCKD is KD. (Of two classes the likelier is always the
        target.) In every case the identity above holds.

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        target: int64 class indices in the logits' shape without the class dimension, a pair
            ``(first, second)`` of such, or label probabilities in the logits' shape.
        temperature: divides the logits.
        reduction: mean over the positions that count, sum over them, or none: one value each.
        ignore_index: the index of positions that do not count, whatever their logits; in a pair
            one such index is enough.
        class_dim: where the classes lie: 1 for pictures and maps, -1 for ``[B, T, V]`` tokens.

    Returns:
        Two scalars, or with ``reduction="none"`` two tensors of the logits' shape without the
        class dimension, in float32 (float64 if a logit tensor is float64). 0 where nothing counts.

    Raises:
        ShapeError: the tensors do not fit each other, or there is but one class.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0; on the CPU also an unknown label, or label probabilities
            that are none. (Elsewhere, and in compiled code, torch fails at an unknown label.)
        ConfigError: an unknown reduction.
    """
    parts, ignored = _decouple(
        student_logits, teacher_logits, target, temperature, reduction, ignore_index, class_dim
    )
    return reduce(parts.tckd, ignored, reduction), reduce(parts.nckd, ignored, reduction)


def dkd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Target,
    *,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    coupling: float = 0.0,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    class_dim: int = 1,
) -> Tensor:
    """Return ``alpha * TCKD + beta * (1 - p_t)**coupling * NCKD``, weighed for every sample.

    Eq. 7 of Decoupled Knowledge Distillation (Zhao et al., CVPR 2022, arXiv:2203.08679), with a
    dial the paper does not have: ``coupling=0`` is the paper's DKD, ``coupling=1`` with ``alpha ==
    beta`` is `kd_loss` times alpha. Defaults are the authors' for CIFAR-100, where beta is 2, 6
    or 8 by pair. Shapes, targets, reductions and errors are those of `decoupled_kd`; besides,
    alpha, beta and coupling must be finite, and coupling 0 or more (RangeError).

    >>> import torch
    >>> from tutelage.losses import kd_loss
    >>> student, teacher, target = torch.randn(8, 100), torch.randn(8, 100), torch.arange(8)
    >>> loss = dkd_loss(student, teacher, target, alpha=1.0, beta=8.0, temperature=4.0)
    >>> coupled = dkd_loss(student, teacher, target, beta=1.0, coupling=1.0)
    >>> torch.allclose(coupled, kd_loss(student, teacher))
    True
    """
    check_finite(alpha=alpha, beta=beta, coupling=coupling)
    if coupling < 0:
        raise RangeError(
            f"coupling must be 0 or more: it is {coupling}. 0 decouples, 1 weighs NCKD as KD does."
        )
    parts, ignored = _decouple(
        student_logits, teacher_logits, target, temperature, reduction, ignore_index, class_dim
    )
    nckd = beta * parts.nckd
    if coupling > 0:  # in log space 1 - p_t has its digits; coupling 0 must not meet 0 * -inf
        nckd = (coupling * parts.log_rest).exp() * nckd
    return reduce(alpha * parts.tckd + nckd, ignored, reduction)


def target_probability(
    teacher_logits: Tensor,
    target: Target,
    *,
    temperature: float = 1.0,
    reduction: Reduction = "none",
    ignore_index: int = -100,
    class_dim: int = 1,
) -> Tensor:
    """Return p_t, the teacher's probability of the target (of both, in a pair), without gradient.

    At the loss's temperature, ``1 - p_t`` is what classical KD multiplies NCKD by. Shapes,
    targets, reductions and errors are those of `decoupled_kd`.

    >>> import torch
    >>> target_probability(torch.tensor([[3.0, 0.0, 1.0, 0.0]]), torch.tensor([0]))
    tensor([0.8098])
    """
    check_logits("teacher_logits", teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    groups, ignored = read_target(target, teacher_logits, class_dim, ignore_index)
    masses, _ = split(soften(teacher_logits.detach(), temperature, class_dim, ignored), groups)
    return reduce(-masses[..., -1].expm1(), ignored, reduction)


def _decouple(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Target,
    temperature: float,
    reduction: Reduction,
    ignore_index: int,
    class_dim: int,
) -> tuple[Decoupled, Tensor | None]:
    """Check everything and return the parts, and what is ignored."""
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    classes = student_logits.shape[class_dim]
    if classes < 2:
        raise ShapeError(
            f"decoupling needs a target and a rest, at least two classes along dimension "
            f"{class_dim}: student_logits is {tuple(student_logits.shape)}. Name the dimension of "
            f"the classes in `class_dim`."
        )
    if classes == 2 and not torch.compiler.is_compiling():
        _warn_of_two_classes()
    groups, ignored = read_target(target, student_logits, class_dim, ignore_index)
    student, teacher = widen_pair(student_logits, teacher_logits, class_dim, ignored)
    if len(groups) == 1 and is_quick(student):
        label = groups[0].clamp(min=0)  # where there is none, both networks' logits are zeros
        return quick_dkd(student, teacher, label, temperature), ignored
    softened = soften(student, temperature, -1), soften(teacher, temperature, -1)
    parts = chain_rule(*softened, groups)
    tckd, nckd = temperature**2 * parts.between, temperature**2 * parts.within[..., -1]
    return Decoupled(tckd, nckd, parts.log_mass[..., -1]), ignored


@cache  # once per process
def _warn_of_two_classes() -> None:
    warnings.warn(
        "With two classes the rest is one class and NCKD exactly 0: beta and coupling do nothing. "
        "Use kd_loss.",
        TwoClassesWarning,
        stacklevel=4,
    )
