"""More than one label per picture: each class a two-way problem, there or not there.

The networks' answer is then a product of Bernoulli distributions, one for each class, and the KL
divergence of two such products is the sum of those of their factors. Sums over the classes
therefore stand here, not means. The gradient at a logit is ``T * (q - p)``, as in the softmax case,
so that weights keep their meaning; a mean would shrink it by the number of classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.errors import DtypeError, RangeError, ShapeError
from tutelage.losses._checks import (
    check_device,
    check_finite,
    check_pair,
    check_reduction,
    check_temperature,
    may_look,
)
from tutelage.losses._forms import Reduction, reduce
from tutelage.types import Batch

UNKNOWN = -1.0
"""The label of a class of which it is not known whether the picture has it."""


def multilabel_kd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    temperature: float = 4.0,
    reduction: Reduction = "mean",
    target: Tensor | None = None,
    class_dim: int = 1,
) -> Tensor:
    """Return temperature^2 * KL(teacher || student) of independent classes, in nats.

    ``sum over classes of KL(Bernoulli(p_c) || Bernoulli(q_c))`` with ``p_c = sigmoid(z_c / T)``:
    Hinton et al., 2015, arXiv:1503.02531, with the sigmoid for the softmax. By the chain rule this
    is the KL divergence of the joint distributions over all 2^C sets of classes.

    >>> import torch
    >>> multilabel_kd_loss(torch.tensor([[2.0, -1.0]]), torch.tensor([[3.0, 0.0]]), temperature=1.0)
    tensor(0.1510)

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`; one
            class is a binary task.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        temperature: divides the logits.
        reduction: mean over the positions, sum over them, or none: one value each.
        target: takes no part in the loss but for telling which labels are unknown (-1). Such a
            class adds nothing to its position's sum, whatever its logits.
        class_dim: where the classes lie.

    Returns:
        A scalar, or with ``reduction="none"`` the logits' shape without the class dimension, in
        float32 (float64 if a logit tensor is float64).

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0; on the CPU also a label outside 0..1 that is not -1.
        ConfigError: an unknown reduction.
    """
    unknown = None if target is None else read_labels(target, student_logits) == UNKNOWN
    divergences = _bernoulli_kl(
        student_logits, teacher_logits, unknown, temperature, reduction, class_dim
    )
    return reduce(temperature**2 * divergences.sum(-1), None, reduction)


def multilabel_decoupled_kd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Tensor,
    *,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    class_dim: int = 1,
) -> tuple[Tensor, Tensor]:
    """Return what KD says of the classes that are there, and of those that are not, in nats.

    Decoupled KD parts a target from the rest (Zhao et al., CVPR 2022, arXiv:2203.08679, Eqs. 1-6).
    Inside a single two-way problem that gives nothing: the rest is one outcome, which holds
    all of its own mass, so that NCKD is exactly 0 and TCKD is all of KD. What can be parted is the
    product of the two-way problems, class by class:

    - present: the classes that the picture has. As TCKD, it tells how hard its labels are.
    - absent: the classes that it has not. As NCKD, it holds the dark knowledge: which classes are
      nearly there.

    Each is a sum of Bernoulli KL divergences, times temperature^2. ``KD = present + absent``
    exactly, with no factor between them, since independent classes share no probability mass; so
    there is nothing for `coupling` to couple. A label y between 0 and 1 (smoothed, or of mixed
    pictures) counts y times among the present and 1 - y times among the absent.

    >>> import torch
    >>> student, teacher = torch.tensor([[2.0, -1.0]]), torch.tensor([[3.0, 0.0]])
    >>> multilabel_decoupled_kd(student, teacher, torch.tensor([[1.0, 0.0]]))
    (tensor(0.0309), tensor(0.1201))

    Args:
        student_logits: as of `multilabel_kd_loss`, as are the teacher's.
        teacher_logits: the same shape, constants.
        target: float labels in the logits' shape, 0..1, or -1 for unknown ones: they count nowhere.
        temperature: divides the logits.
        reduction: mean over the positions, sum over them, or none: one value each.
        class_dim: where the classes lie.

    Returns:
        Two scalars, or with ``reduction="none"`` two tensors of the logits' shape without the class
        dimension.

    Raises:
        ShapeError, DtypeError, RangeError, ConfigError: as `multilabel_kd_loss`.
    """
    labels = read_labels(target, student_logits)
    divergences = _bernoulli_kl(
        student_logits, teacher_logits, labels == UNKNOWN, temperature, reduction, class_dim
    )
    share = labels.movedim(class_dim, -1).to(divergences.dtype)  # where unknown, times 0
    present, absent = (
        temperature**2 * (weight * divergences).sum(-1) for weight in (share, 1 - share)
    )
    return reduce(present, None, reduction), reduce(absent, None, reduction)


def multilabel_dkd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    reduction: Reduction = "mean",
    class_dim: int = 1,
) -> Tensor:
    """Return ``alpha * present + beta * absent``, the parts of `multilabel_decoupled_kd`.

    With ``alpha == beta == 1`` it is `multilabel_kd_loss`, the KL divergence of the joint
    distributions. The defaults are those of `dkd_loss`, where beta weighs a normalised
    distribution; here it weighs a sum over many classes, so try smaller ones. Shapes, reductions
    and errors are those of `multilabel_decoupled_kd`; alpha and beta must be finite (RangeError).

    >>> import torch
    >>> student, teacher = torch.randn(8, 20), torch.randn(8, 20)
    >>> loss = multilabel_dkd_loss(student, teacher, torch.ones(8, 20), alpha=1.0, beta=1.0)
    >>> torch.allclose(loss, multilabel_kd_loss(student, teacher))
    True
    """
    check_finite(alpha=alpha, beta=beta)
    present, absent = multilabel_decoupled_kd(
        student_logits,
        teacher_logits,
        target,
        temperature=temperature,
        reduction=reduction,
        class_dim=class_dim,
    )
    return alpha * present + beta * absent


def labels_of(batch: Batch) -> Tensor:
    """Return the labels ``[B, C]`` of a batch; those of mixed pictures weigh by their shares."""
    if batch.second is None or batch.share is None:
        return batch.target
    share = batch.share[:, None]
    mixed = share * batch.target + (1 - share) * batch.second
    unknown = (batch.target == UNKNOWN) | (batch.second == UNKNOWN)
    return mixed.masked_fill(unknown, UNKNOWN)


def multilabel_loss(logits: Tensor, target: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Return the binary cross-entropy with float labels ``[B, C]``: a sum over classes, in nats.

    The mean is over the pictures. Unknown labels (-1) add nothing. `smoothing` spreads that part of
    every label evenly over its two outcomes (Szegedy et al., 2016, arXiv:1512.00567, section 7).
    """
    unknown = target == UNKNOWN
    labels = (1 - smoothing) * target + smoothing / 2
    loss = F.binary_cross_entropy_with_logits(
        logits.masked_fill(unknown, 0.0), labels.to(logits.dtype), reduction="none"
    )
    return loss.masked_fill(unknown, 0.0).sum() / max(len(logits), 1)


def read_labels(target: Tensor, logits: Tensor) -> Tensor:
    """Return float labels, checked, as constants."""
    if not target.is_floating_point():
        raise DtypeError(
            f"target must hold labels of many classes in a floating type, 1 for a class that is "
            f"there and 0 for one that is not: it is {target.dtype}. Call `target.float()`, or "
            f"`torch.nn.functional.one_hot` first if it holds class indices."
        )
    if target.shape != logits.shape:
        raise ShapeError(
            f"target must hold a label for every logit, {tuple(logits.shape)}: it is "
            f"{tuple(target.shape)}. Give one column for each class."
        )
    check_device("target", target, logits)
    if may_look(target):
        wrong = ~((target >= 0) & (target <= 1) | (target == UNKNOWN))
        if wrong.any():
            position = tuple(wrong.nonzero()[0].tolist())
            raise RangeError(
                f"a label must be from 0 to 1, or -1 where it is unknown: it is "
                f"{target[position].item():g} at position {position}. Correct it."
            )
    return target.detach()


def _bernoulli_kl(
    student_logits: Tensor,
    teacher_logits: Tensor,
    unknown: Tensor | None,
    temperature: float,
    reduction: Reduction,
    class_dim: int,
) -> Tensor:
    """Check everything and return the KL divergence of each class ``[..., C]``, 0 where unknown."""
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    check_reduction(reduction)
    dtype = torch.promote_types(student_logits.dtype, teacher_logits.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    student, teacher = student_logits.to(dtype), teacher_logits.detach().to(dtype)
    if unknown is not None:  # so that a NaN there reaches neither a value nor a gradient
        student, teacher = student.masked_fill(unknown, 0.0), teacher.masked_fill(unknown, 0.0)
    student, teacher = (
        logits.movedim(class_dim, -1) / temperature for logits in (student, teacher)
    )
    # Each outcome's probability times its log ratio: exactly 0 where both networks agree, and
    # log(sigmoid) is finite wherever the logit is.
    return torch.stack(
        [
            side.sigmoid() * (F.logsigmoid(side) - F.logsigmoid(its))
            for side, its in ((teacher, student), (-teacher, -student))
        ]
    ).sum(0)
