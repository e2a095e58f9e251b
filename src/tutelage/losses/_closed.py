"""KD and DKD in closed form, their gradients written down: the quick path of the same functions.

With every logit over the temperature T, L the logsumexp of the classes beside the target t and
``u = z_t - L``, TCKD is the KL of ``sigmoid(u)`` and NCKD that of ``exp(z - L)``. With p the
student's probabilities, q the teacher's, and shares in the rest p^ and q^, the gradients are

    d TCKD / d z_t = T (p_t - q_t),   d TCKD / d z_i = -T (p_t - q_t) p^_i
    d NCKD / d z_t = 0,               d NCKD / d z_i = T (p^_i - q^_i)

so that nothing but two tensors of shares need be kept. Where a second derivative is asked for, the
gradient is that of the plain path, which can be differentiated any number of times.
"""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.losses._forms import soften
from tutelage.losses.partition import PartitionKL, chain_rule

_INF = float("inf")


class Decoupled(NamedTuple):
    """TCKD and NCKD times temperature^2 ``[...]``, and the teacher's log (1 - p_t) ``[...]``."""

    tckd: Tensor
    nckd: Tensor
    log_rest: Tensor


def is_quick(student_logits: Tensor) -> bool:
    """Tell whether the quick path may be taken: a compiler makes its own of the plain one."""
    return student_logits.shape[-1] > 2 and not torch.compiler.is_compiling()


def quick_kd(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Return temperature^2 * KL ``[...]`` of logits ``[..., C]`` of one dtype, float32 or wider."""
    return cast(Tensor, _KD.apply(student_logits, teacher_logits, temperature))


def quick_dkd(
    student_logits: Tensor, teacher_logits: Tensor, label: Tensor, temperature: float
) -> Decoupled:
    """Return the parts at a label ``[..., 1]``, of logits as `quick_kd` takes them."""
    return Decoupled(*_DKD.apply(student_logits, teacher_logits, label, temperature))


class _KD(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        ctx.temperature = temperature
        (own, *_), (its, *_) = (_log_shares(z.clone(), temperature) for z in (student, teacher))
        share = its.exp()
        loss = _expected_gap(share, its, own).mul_(temperature**2)
        ctx.save_for_backward(student, teacher, own.exp_().sub_(share))
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        student, teacher, slope = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody will differentiate this once more
            loss = ctx.temperature**2 * _plain(student, teacher, ctx.temperature, []).total
            return *torch.autograd.grad(loss, student, gradient, create_graph=True), None, None
        return slope * (ctx.temperature * gradient[..., None]), None, None


class _DKD(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, student: Tensor, teacher: Tensor, label: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.temperature = temperature
        own, own_gap = _rest(student, label, temperature)
        its, its_gap = _rest(teacher, label, temperature)
        share = its.exp()
        nckd = _expected_gap(share, its, own).mul_(temperature**2)
        gaps = torch.cat([own_gap, -own_gap, its_gap, -its_gap], -1)
        logs = F.logsigmoid(gaps)
        (own_log, its_log), (own_p, its_p) = logs.split(2, -1), logs.exp().split(2, -1)
        tckd = (its_p * (its_log - own_log)).sum(-1).mul_(temperature**2)
        more, less = (own_p - its_p).split(1, -1)  # p_t - q_t, and the same of 1 - p_t
        excess = torch.where(its_gap > 0, -less, more)  # whichever has its digits
        ctx.save_for_backward(student, teacher, label, own.exp_(), share, excess)
        log_rest = its_log[..., 1]
        ctx.mark_non_differentiable(log_rest)
        return tckd, nckd, log_rest

    @staticmethod
    def backward(
        ctx: Any, tckd_gradient: Tensor, nckd_gradient: Tensor, unused: Tensor
    ) -> tuple[Tensor | None, ...]:
        student, teacher, label, own_share, its_share, excess = ctx.saved_tensors
        temperature = ctx.temperature
        if torch.is_grad_enabled():  # somebody will differentiate this once more
            parts = _plain(student, teacher, temperature, [label])
            losses = [temperature**2 * part for part in (parts.between, parts.within[..., -1])]
            gradients = tckd_gradient, nckd_gradient
            return *torch.autograd.grad(losses, student, gradients, create_graph=True), *[None] * 3
        at_label = temperature * tckd_gradient[..., None] * excess
        within = temperature * nckd_gradient[..., None]
        slope = own_share * (within - at_label)
        slope.addcmul_(its_share, within, value=-1).scatter_(-1, label, at_label)
        return slope, None, None, None


def _plain(
    student: Tensor, teacher: Tensor, temperature: float, groups: list[Tensor]
) -> PartitionKL:
    return chain_rule(soften(student, temperature, -1), soften(teacher, temperature, -1), groups)


def _rest(logits: Tensor, label: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Return the log shares of the classes beside the label ``[..., C]``, and u ``[..., 1]``."""
    shares, top, log_sum = _log_shares(logits.scatter(-1, label, -_INF), temperature)
    return shares, logits.gather(-1, label).sub_(top).div_(temperature).sub_(log_sum)


def _log_shares(logits: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return log_softmax of logits over the temperature, in their place; -inf is left out.

    Also their maximum and the logsumexp above it, both ``[..., 1]``. The largest term of the sum is
    left out of it: log1p then keeps the digits of a share near one.
    """
    top, at = logits.max(-1, keepdim=True)
    gaps = logits.sub_(top).div_(temperature)
    log_sum = gaps.exp().scatter_(-1, at, 0.0).sum(-1, keepdim=True).log1p_()
    return gaps.sub_(log_sum), top, log_sum


def _expected_gap(share: Tensor, teacher: Tensor, student: Tensor) -> Tensor:
    """Return the KL of log shares, the teacher's overwritten; what it rules out adds nothing."""
    return teacher.sub_(student).masked_fill_(share == 0, 0.0).mul_(share).sum(-1)
