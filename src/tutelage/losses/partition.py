"""The chain rule of the KL divergence over a partition of the classes: beneath every logit loss."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tutelage.losses._checks import check_pair, check_temperature
from tutelage.losses._forms import soften_pair
from tutelage.losses._groups import read_groups

_INF = float("inf")


class PartitionKL(NamedTuple):
    """The parts of KL(teacher || student), in nats, for every position and group.

    Shapes: `between` is ``[...]``, that of the logits without their class dimension; `within` and
    `log_mass` are ``[..., G]``, the groups in order and the rest last. `log_mass` is the log of
    the probability that the teacher gives to each group, -inf for a group of no class.
    """

    between: Tensor
    within: Tensor
    log_mass: Tensor

    @property
    def total(self) -> Tensor:
        """KL(teacher || student) over all classes ``[...]``, put together by the chain rule."""
        return self.between + (self.log_mass.exp() * self.within).sum(-1)


def partition_kl(
    student_logits: Tensor,
    teacher_logits: Tensor,
    groups: Sequence[Tensor],
    *,
    temperature: float = 1.0,
    class_dim: int = 1,
) -> PartitionKL:
    """Split KL(teacher || student) of softened classes over a partition of the classes.

    ``KL = KL(masses of the groups) + sum over groups of mass * KL(within the group)``, the chain
    rule of the KL divergence. The partition {target}, {rest} is Eqs. 5-6 of Decoupled Knowledge
    Distillation (Zhao et al., CVPR 2022, arXiv:2203.08679).

    A group is an int64 tensor of classes, -1 standing for no class. The classes that no group
    names form one more, the rest, which always comes last. Other partitions are a line each::

        []                                                  nothing but the rest: classical KD
        [target[:, None]]                                   target and rest: DKD
        [first[:, None], second[:, None]]                   two targets and rest: mixup
        [teacher.topk(5).indices]                           the teacher's five best and the rest
        [*teacher.topk(5).indices.split(1, dim=1)]          each of the five alone, and a tail
        [torch.tensor([0, 1, 2]), torch.tensor([3, 4])]     superclasses, alike for every sample
        [torch.where(chosen, torch.arange(C), -1)]          whatever a mask ``[N, C]`` has chosen

    >>> student = torch.tensor([[2.0, 1.0, 0.0, 0.0]])
    >>> teacher = torch.tensor([[3.0, 0.0, 1.0, 0.0]])
    >>> parts = partition_kl(student, teacher, [torch.tensor([0])])  # class 0 and the rest
    >>> [round(part, 4) for part in (parts.between.item(), *parts.within[0].tolist())]
    [0.0926, 0.0, 0.3642]
    >>> whole = partition_kl(student, teacher, [])  # one group: the KL of classical distillation
    >>> torch.allclose(parts.total, whole.within[:, -1])
    True

    Args:
        student_logits: ``[N, C]``, ``[N, C, ...]`` or any shape with classes along `class_dim`.
        teacher_logits: the same shape. They are constants: no gradient flows to the teacher.
        groups: each ``[k]``, alike at every position, or shaped as the logits with ``k`` in place
            of ``C``. No class may stand in two groups of a position.
        temperature: divides the logits. The result is *not* multiplied by its square.
        class_dim: where the classes lie.

    Returns:
        The parts, per position, in float32 (float64 if a logit tensor is float64). A group of one
        class, or of none, has a within-term of exactly 0 without gradient.

    Raises:
        ShapeError: the logits or a group do not fit each other.
        DtypeError: wrong number types or devices.
        RangeError: temperature <= 0; on the CPU also a group with an unknown or a repeated class.
    """
    check_pair(student_logits, teacher_logits, class_dim)
    check_temperature(temperature)
    return chain_rule(
        *soften_pair(student_logits, teacher_logits, temperature, class_dim),
        read_groups(groups, student_logits, class_dim),
    )


def chain_rule(student: Tensor, teacher: Tensor, groups: Sequence[Tensor]) -> PartitionKL:
    """Split KL(teacher || student) of softened logits ``[..., C]`` over groups ``[..., k]``.

    The core of every loss here: unchecked, per position, without a reduction.
    """
    student_mass, student_shares = split(student, groups)
    teacher_mass, teacher_shares = split(teacher, groups)
    within = [_kl(*shares) for shares in zip(student_shares, teacher_shares, strict=True)]
    return PartitionKL(_kl(student_mass, teacher_mass), torch.stack(within, -1), teacher_mass)


def split(logits: Tensor, groups: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Return the log mass of every group ``[..., G]``, and the log shares of classes in each.

    ``log p_i`` is the sum of the two: the mass of the group of i, and the share of i in it.
    """
    members = [
        logits.gather(-1, group.clamp(min=0)).masked_fill(group < 0, -_INF) for group in groups
    ]
    normalised = [_normalise(part) for part in [*members, _rest(logits, groups)]]
    masses = torch.cat([mass for mass, _ in normalised], -1)
    return _normalise(masses)[1], [share for _, share in normalised]


def _rest(logits: Tensor, groups: Sequence[Tensor]) -> Tensor:
    """Return the logits with -inf for the classes that `groups` name."""
    if not groups:
        return logits
    *positions, classes = logits.shape
    named = logits.new_zeros(*positions, classes + 1, dtype=torch.bool)
    named = named.scatter(-1, torch.cat([*groups], -1) + 1, True)  # -1, no class, marks column 0
    return logits.masked_fill(named[..., 1:], -_INF)


def _normalise(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return logsumexp ``[..., 1]`` and log_softmax ``[..., n]``; -inf is a class left out.

    The largest term of the sum is taken out of it: log1p then keeps the digits of a probability
    near one, and no logarithm meets a zero, not even where all is left out.
    """
    if logits.shape[-1] == 1:  # the share is 1 whatever the logit, but stays in the graph
        return logits, logits.masked_fill(logits.new_ones((), dtype=torch.bool), 0.0)
    top, at = logits.max(-1, keepdim=True)
    gap = logits - top.masked_fill(top == -_INF, 0.0)
    log_sum = gap.exp().scatter(-1, at, 0.0).sum(-1, keepdim=True).log1p()
    return top + log_sum, gap - log_sum


def _kl(student: Tensor, teacher: Tensor) -> Tensor:
    """Return KL(teacher || student) of log probabilities; what the teacher rules out adds 0."""
    return (teacher.exp() * (teacher - student).masked_fill(teacher == -_INF, 0.0)).sum(-1)
