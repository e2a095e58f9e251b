"""KD and DKD in closed form, block by block: the quick path of the same functions.

With every logit over the temperature T, L the logsumexp of the classes beside the target t and
``u = z_t - L``, TCKD is the KL of ``sigmoid(u)`` and NCKD that of the shares ``exp(z - L)``. With p
the student's probabilities, q the teacher's, and shares in the rest p^ and q^, the gradients are

    d TCKD / d z_t = T (p_t - q_t),   d TCKD / d z_i = -T (p_t - q_t) p^_i
    d NCKD / d z_t = 0,               d NCKD / d z_i = T (p^_i - q^_i)

On the CPU rows are walked while they are in the cache, by C if it could be compiled and else in
blocks, and the gradient of the sum of both terms is formed on the way, where the shares are at
hand: it is all that is kept. A backward pass that asks for another mixture of the two walks again.
Where a second derivative is asked for, the gradient is that of the plain path, which can be
differentiated any number of times.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F

from tutelage.errors import RangeError
from tutelage.losses import _compiled
from tutelage.losses._checks import check_finite, check_temperature
from tutelage.losses._forms import Reduction, reduce, soften_pair, widest
from tutelage.losses.partition import chain_rule

_INF = float("inf")
_SMALLEST, _LARGEST = 1 << 15, 1 << 19  # elements of a block
_BLOCKS = 8  # at least, between the two: both buffers are then a quarter of the student's logits


Shares = tuple[Tensor | float, Tensor | float]


class Weights(NamedTuple):
    """What the terms are multiplied by: ``alpha``, and ``beta * (1 - p_t)**coupling``."""

    temperature: float
    alpha: float = 1.0
    beta: float = 1.0
    coupling: float = 0.0


def check_weights(weights: Weights) -> None:
    """Refuse numbers that weigh nothing sensibly."""
    temperature, alpha, beta, coupling = weights
    check_temperature(temperature)
    check_finite(alpha=alpha, beta=beta, coupling=coupling)
    if coupling < 0:
        raise RangeError(
            f"coupling must be 0 or more: it is {coupling}. 0 decouples, 1 weighs NCKD as KD does."
        )


def divergences(
    student: Tensor,
    teacher: Tensor,
    groups: list[Tensor],
    ignored: Tensor | None,
    weights: Weights,
    reduction: Reduction,
) -> tuple[Tensor, ...]:
    """Return the weighed and reduced TCKD and NCKD, or of no group KD alone, times T^2.

    Shapes: logits ``[..., C]`` of any floating dtype, zeros where `ignored` ``[...]`` is true;
    groups ``[..., 1]``, -1 where there is none.
    """
    if not _is_quick(student, teacher, groups):
        return _plain(student, teacher, groups, ignored, weights, reduction)
    *positions, classes = student.shape
    rows = [logits.reshape(-1, classes) for logits in (student, teacher)]
    label = groups[0].reshape(-1, 1) if groups else None
    left_out = None if ignored is None else ignored.reshape(-1)
    if label is not None and left_out is not None:
        label = label.clamp(min=0)  # where it is -1, both logits are zeros, and any class will do
    terms = cast(tuple[Tensor, ...], _Quick.apply(*rows, label, left_out, weights, reduction))
    return tuple(term.reshape(positions) for term in terms) if reduction == "none" else terms


def _is_quick(student: Tensor, teacher: Tensor, groups: list[Tensor]) -> bool:
    """Tell whether one target and a rest of several classes are all that is asked for."""
    return len(groups) <= 1 and student.shape[-1] > 2 and is_bare(student, teacher)


def is_bare(*tensors: Tensor) -> bool:
    """Tell whether no compiler, function transform or kind of tensor wants to see the operations.

    A compiler makes its own quick path of the plain one.
    """
    return (
        not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
        and {type(tensor) for tensor in tensors} <= {Tensor, nn.Parameter}
    )


def _plain(
    student: Tensor,
    teacher: Tensor,
    groups: list[Tensor],
    ignored: Tensor | None,
    weights: Weights,
    reduction: Reduction,
) -> tuple[Tensor, ...]:
    temperature, alpha, beta, coupling = weights
    parts = chain_rule(*soften_pair(student, teacher, temperature, -1), groups)
    if not groups:
        return (reduce(beta * temperature**2 * parts.total, ignored, reduction),)
    nckd = beta * temperature**2 * parts.within[..., -1]
    if coupling > 0:  # in log space 1 - p_t has its digits; coupling 0 must not meet 0 * -inf
        nckd = (coupling * parts.log_mass[..., -1]).exp() * nckd
    tckd = alpha * temperature**2 * parts.between
    return reduce(tckd, ignored, reduction), reduce(nckd, ignored, reduction)


class _Quick(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        student: Tensor,
        teacher: Tensor,
        label: Tensor | None,
        ignored: Tensor | None,
        weights: Weights,
        reduction: Reduction,
    ) -> tuple[Tensor, ...]:
        slope = None
        if ctx.needs_input_grad[0] and student.device.type == "cpu":
            # In float16 small slopes would be gone before a gradient scaler could lift them.
            kept = widest(student) if student.dtype == torch.float16 else student.dtype
            slope = student.new_empty(student.shape, dtype=kept)
        share = row_share(student, ignored, reduction)
        ctx.careful = student.device.type != "cpu"  # where a look afterwards would wait
        terms = walk(student, teacher, label, weights, (share, share), slope, careful=ctx.careful)
        if not ctx.careful and terms[-1].sum().isnan():
            ctx.careful = True
            terms = walk(student, teacher, label, weights, (share, share), slope, careful=True)
        ctx.save_for_backward(student, teacher, label, ignored, slope)
        ctx.weights, ctx.reduction = weights, reduction
        ctx.set_materialize_grads(False)
        return tuple(reduce(term, ignored, reduction) for term in terms)

    @staticmethod
    def backward(ctx: Any, *asked: Tensor | None) -> tuple[Tensor | None, ...]:
        student, teacher, label, ignored, slope = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody will differentiate this once more
            groups = [] if label is None else [label]
            terms = _plain(student, teacher, groups, ignored, ctx.weights, ctx.reduction)
            asking = [at for at, one in enumerate(asked) if one is not None]
            outputs = [terms[at] for at in asking]
            grads = [cast(Tensor, asked[at]).reshape(terms[at].shape) for at in asking]
            return *torch.autograd.grad(outputs, student, grads, create_graph=True), *[None] * 5
        first, last = asked[0], asked[-1]
        if slope is not None and first is not None and _equal(first, last):
            return scaled(slope, first).to(student.dtype), *[None] * 5
        share = row_share(student, ignored, ctx.reduction)
        shares = (0.0 if first is None else share * first, 0.0 if last is None else share * last)
        slope = torch.empty_like(student, memory_format=torch.contiguous_format)
        walk(student, teacher, label, ctx.weights, shares, slope, careful=ctx.careful)
        return slope, *[None] * 5


def _equal(first: Tensor, last: Tensor | None) -> bool:
    return first is last or (last is not None and torch.equal(first, last))


def scaled(slope: Tensor, asked: Tensor) -> Tensor:
    """Return a gradient times what the backward pass asks of its loss, a scalar or ``[N, 1]``.

    In place where the graph goes after this pass; where it is kept, so is the gradient.
    """
    if torch._C._autograd._get_current_graph_task_keep_graph():
        return slope * asked.to(slope.dtype)
    if asked.dim() == 0 and slope.device.type == "cpu" and asked.item() == 1:
        return slope
    return slope.mul_(asked)


def row_share(student: Tensor, ignored: Tensor | None, reduction: Reduction) -> Tensor | float:
    """Return how much each row weighs in the reduced terms: one number or ``[N, 1]``."""
    if ignored is None:
        return 1 / max(len(student), 1) if reduction == "mean" else 1.0
    kept = (~ignored[:, None]).to(widest(student))
    return kept / kept.sum().clamp(min=1) if reduction == "mean" else kept


def walk(
    student: Tensor,
    teacher: Tensor,
    label: Tensor | None,
    weights: Weights,
    shares: Shares,
    slope: Tensor | None,
    *,
    careful: bool,
) -> tuple[Tensor, ...]:
    """Return the weighed terms ``[N, 1]`` of logits ``[N, C]``; fill `slope` with their gradient.

    `shares`, numbers or ``[N, 1]``, weigh the rows of the gradients of TCKD and NCKD; `slope` may
    be the student's own memory, which is read before it is written. To be `careful` is to look for
    classes that the teacher rules out by a logit of -inf, which add nothing.
    """
    wide = widest(student, teacher)
    compiled = _compiled.can_take(student, wide)
    if compiled and student.dtype == teacher.dtype == wide:
        return _compiled.take_rows(student, teacher, label, weights, shares, slope)
    size = _rows_a_block(student)
    buffer = student.new_empty(2, size, student.shape[1], dtype=wide)
    spare = None if slope is not None and slope.dtype == wide else torch.empty_like(buffer[0])
    found = list[tuple[Tensor, ...]]()
    blocks = (_cut(each, size) for each in (student, teacher, label, slope, *shares))
    for own, its, at, target, *ours in zip(*blocks, strict=False):  # what has no rows is endless
        z = buffer if len(own) == size else buffer[:, : len(own)]
        z[0].copy_(own)
        z[1].copy_(its)
        out = target if spare is None else spare[: len(own)]
        if compiled:
            kept = None if slope is None else out
            found.append(_compiled.take_rows(z[0], z[1], at, weights, ours, kept))
        else:
            within, u = _read(z, out, at, weights.temperature, careful)
            found.append(_terms(within, u, weights))
            if slope is not None:
                _descend(z, out, at, *_pull(u, ours, weights))
        if slope is not None and spare is not None:
            target.copy_(out)
    return found[0] if len(found) == 1 else tuple(map(torch.cat, zip(*found, strict=True)))


def _cut(whole: Tensor | float | None, size: int) -> Iterable[Any]:
    """Return the blocks of what has rows; what has none is the same for all."""
    if not isinstance(whole, Tensor) or whole.dim() == 0:
        return repeat(whole)
    return whole.split(size) if size < len(whole) else [whole]


def _rows_a_block(student: Tensor) -> int:
    count, classes = student.shape
    if student.device.type != "cpu":
        return max(count, 1)
    elements = min(max(student.numel() // _BLOCKS, _SMALLEST), _LARGEST)
    return max(min(elements // classes, count), 1)


def _read(
    z: Tensor, gap: Tensor, at: Tensor | None, temperature: float, careful: bool
) -> tuple[Tensor, Tensor | None]:
    """Turn the logits ``[2, n, C]`` of both networks into shares in the rest, in place.

    Return NCKD ``[n, 1]``, not yet times T^2, and u ``[2, n, 1]``, which is None without a label;
    `gap` ``[n, C]`` is overwritten.
    """
    u = None
    own, its = z.unbind()
    if at is not None:
        both = at.expand(2, -1, 1)
        u = z.gather(-1, both)
        z.scatter_(-1, both, -_INF)
    top = z.amax(-1, keepdim=True)
    sure = top == -_INF if careful and at is not None else None  # of the label: no rest is left
    if sure is not None:
        top.masked_fill_(sure, 0.0)
    z.sub_(top).div_(temperature)
    torch.sub(its, own, out=gap)
    torch.softmax(z, -1, out=z)
    peak = z.amax(-1, keepdim=True).log_()  # less the logsumexp, of logits whose largest is 0
    if sure is not None:
        z.masked_fill_(sure, 0.0)
        peak.masked_fill_(sure, _INF)
    if at is not None and u is not None:
        u.sub_(top).div_(temperature).add_(peak)
        gap.scatter_(-1, at, 0.0)
    if careful:
        gap.masked_fill_(its == 0, 0.0)
    own_peak, its_peak = peak.unbind()
    nckd = gap.mul_(its).sum(-1, keepdim=True).add_(its_peak).sub_(own_peak)
    if sure is not None:
        nckd.masked_fill_(sure[1], 0.0)
        its.copy_(torch.where(sure[1], own, its))  # what agrees has no gradient
    return nckd.clamp_(min=0), u  # below 0 by rounding alone


def _pull(
    u: Tensor | None, shares: Sequence[Tensor | float], weights: Weights
) -> tuple[Tensor | float, Tensor | None]:
    """Return how the terms of a block pull, in the rest and at the label ``[n, 1]``.

    The gradient is, with d and l the two, ``d (p^ - q^) - l p^`` in the rest and l at the label.
    """
    temperature, alpha, beta, coupling = weights
    in_rest = shares[1] * (beta * temperature)
    if u is None:
        return in_rest, None
    if coupling:
        in_rest = in_rest * _lift(u, coupling)
    # p_t - q_t, which so has its digits however small one of the four is, and is 0 at a match.
    ahead, behind = (u.sigmoid() * (-u).sigmoid_().flip(0)).unbind()  # p_t (1 - q_t), q_t (1 - p_t)
    return in_rest, (ahead - behind).mul_(shares[0] * (alpha * temperature))


def _terms(within: Tensor, u: Tensor | None, weights: Weights) -> tuple[Tensor, ...]:
    """Return TCKD and NCKD, weighed, or KD alone ``[n, 1]``, of what `_read` returned."""
    temperature, alpha, beta, coupling = weights
    nckd = within * (beta * temperature**2)
    if u is None:
        return (nckd,)
    own, its = F.logsigmoid(torch.stack([u, -u], 1)).unbind()  # [2, n, 1]: of p_t and 1 - p_t
    ruled_out = its == -_INF  # adds nothing
    tckd = (its.exp() * (its - own)).masked_fill(ruled_out, 0.0).sum(0).mul_(alpha * temperature**2)
    return tckd, nckd * _lift(u, coupling) if coupling else nckd


def _lift(u: Tensor, coupling: float) -> Tensor:
    """Return (1 - q_t)**coupling; in log space 1 - q_t has its digits."""
    return (coupling * F.logsigmoid(-u[1])).exp()


def _descend(
    z: Tensor,
    slope: Tensor,
    at: Tensor | None,
    drawn: Tensor | float,
    at_label: Tensor | None,
) -> None:
    """Write the gradient ``[n, C]`` of what `_pull` returned, from the shares ``[2, n, C]``."""
    own, its = z.unbind()
    torch.sub(own, its, out=slope).mul_(drawn)
    if at is not None and at_label is not None:
        slope.addcmul_(own, at_label, value=-1).scatter_(-1, at, at_label)
