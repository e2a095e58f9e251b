"""Decoupled knowledge distillation: the target class and the rest, each with its own weight."""

import warnings
from functools import cache

import torch
from torch import Tensor

from tutelage.errors import ShapeError
from tutelage.losses._checks import (
    check_logits,
    check_pair,
    check_reduction,
    check_temperature,
)
from tutelage.losses._closed import Weights, check_weights, divergences
from tutelage.losses._forms import Reduction, last, reduce, soften
from tutelage.losses._targets import Target, read_target
from tutelage.losses.partition import split


class TwoClassesWarning(UserWarning):
    """With two classes NCKD is exactly 0, so that beta does nothing."""


def decoupled_kd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Target,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    temperature: float = 1.0,
    coupling: float = 0.0,
    reduction: Reduction = "mean",
    ignore_index: int = -100,
    class_dim: int = 1,
) -> tuple[Tensor, Tensor]:
    """Return TCKD and NCKD, the parts of KD at the target and among the rest, in nats.

    ``KD = TCKD + (1 - p_t) * NCKD``, both times temperature^2: Eqs. 1-6 of Decoupled Knowledge
    Distillation (Zhao et al., CVPR 2022, arXiv:2203.08679). p_t is the teacher's probability of
    the target *at the temperature*; `target_probability` returns it. Each part comes multiplied by
    its weight: alpha, and ``beta * (1 - p_t)**coupling``; see `dkd_loss`, their sum. Gradients of
    both together are the quick case; where they are asked for apart, they are computed anew.

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
        alpha: weight of TCKD.
        beta: weight of NCKD.
        temperature: divides the logits.
        coupling: power of 1 - p_t in the weight of NCKD.
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
        RangeError: temperature <= 0, a weight that is not finite, coupling < 0; on the CPU also an
            unknown label, or label probabilities that are none. (Elsewhere, and in compiled code,
            torch fails at an unknown label.)
        ConfigError: an unknown reduction.
    """
    weights = Weights(temperature, alpha, beta, coupling)
    return _decouple(
        student_logits, teacher_logits, target, weights, reduction, ignore_index, class_dim
    )


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
    or 8 by pair. Shapes, targets, reductions and errors are those of `decoupled_kd`.

    >>> import torch
    >>> from tutelage.losses import kd_loss
    >>> student, teacher, target = torch.randn(8, 100), torch.randn(8, 100), torch.arange(8)
    >>> loss = dkd_loss(student, teacher, target, alpha=1.0, beta=8.0, temperature=4.0)
    >>> coupled = dkd_loss(student, teacher, target, beta=1.0, coupling=1.0)
    >>> torch.allclose(coupled, kd_loss(student, teacher))
    True
    """
    weights = Weights(temperature, alpha, beta, coupling)
    tckd, nckd = _decouple(
        student_logits, teacher_logits, target, weights, reduction, ignore_index, class_dim
    )
    return tckd + nckd


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
    weights: Weights,
    reduction: Reduction,
    ignore_index: int,
    class_dim: int,
) -> tuple[Tensor, Tensor]:
    """Check everything and return both terms."""
    check_pair(student_logits, teacher_logits, class_dim)
    check_weights(weights)
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
    tckd, nckd = divergences(
        last(student_logits, class_dim, ignored),
        last(teacher_logits.detach(), class_dim, ignored),
        groups,
        ignored,
        weights,
        reduction,
    )
    return tckd, nckd


@cache  # once per process
def _warn_of_two_classes() -> None:
    warnings.warn(
        "With two classes the rest is one class and NCKD exactly 0: beta and coupling do nothing. "
        "Use kd_loss.",
        TwoClassesWarning,
        stacklevel=4,
    )
