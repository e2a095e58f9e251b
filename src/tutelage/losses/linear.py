"""KD and DKD of classifiers so large that their logits are never held at once."""

from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tutelage.errors import ConfigError, ShapeError, did_you_mean
from tutelage.losses._checks import check_device, check_pair
from tutelage.losses._closed import Weights, check_weights, is_bare, row_share, scaled, walk
from tutelage.losses._forms import widest
from tutelage.losses._targets import read_target
from tutelage.losses.dkd import dkd_loss
from tutelage.losses.kd import kd_loss

_ELEMENTS = 1 << 24  # logits of each network that are held at a time: 64 MB in float32


def linear_dkd_loss(
    student_hidden: Tensor,
    student_weight: Tensor,
    teacher_hidden: Tensor,
    teacher_weight: Tensor,
    target: Tensor,
    *,
    student_bias: Tensor | None = None,
    teacher_bias: Tensor | None = None,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
    coupling: float = 0.0,
    reduction: Literal["mean", "sum"] = "mean",
    ignore_index: int = -100,
) -> Tensor:
    """Return `dkd_loss` of ``F.linear(hidden, weight, bias)`` of both networks, without the logits.

    For vocabularies and face recognition. Rows are taken a few at a time, as many as make 2^24
    logits, and the gradients of the student's three tensors are formed with them: the memory beside
    these gradients grows neither with rows nor with classes. Value and gradients are those of the
    two steps, up to rounding. It can be differentiated once.

    >>> import torch
    >>> from torch.nn import functional as F
    >>> from tutelage.losses import dkd_loss
    >>> student, teacher = torch.randn(6, 8, requires_grad=True), torch.randn(6, 16)
    >>> own, its, target = torch.randn(1000, 8), torch.randn(1000, 16), torch.arange(6)
    >>> whole = dkd_loss(F.linear(student, own), F.linear(teacher, its), target)
    >>> torch.allclose(linear_dkd_loss(student, own, teacher, its, target), whole)
    True

    Args:
        student_hidden: ``[N, D]``, or any shape with the features last.
        student_weight: ``[C, D]``.
        teacher_hidden: ``[N, E]``, or the student's shape but for the last axis. It gets no
            gradient, nor do the teacher's other tensors.
        teacher_weight: ``[C, E]``.
        target: class indices, int64 ``[N]``, or the hidden shape without its last axis.
        student_bias: ``[C]``.
        teacher_bias: ``[C]``.
        alpha: weight of TCKD.
        beta: weight of NCKD.
        temperature: divides the logits.
        coupling: power of 1 - p_t in the weight of NCKD; see `dkd_loss`.
        reduction: mean over the rows that count, or sum over them.
        ignore_index: the target of rows that do not count.

    Raises:
        ShapeError: the tensors do not fit each other.
        DtypeError, RangeError: as of `dkd_loss`.
        ConfigError: an unknown reduction.
    """
    student = _Head(student_hidden, student_weight, student_bias)
    teacher = _Head(teacher_hidden, teacher_weight, teacher_bias).detached()
    weights = Weights(temperature, alpha, beta, coupling)
    _check(student, teacher, weights, reduction)
    if not _may_go_by_rows(student, teacher):
        return dkd_loss(
            student.logits(),
            teacher.logits(),
            target,
            **weights._asdict(),
            reduction=reduction,
            ignore_index=ignore_index,
            class_dim=-1,
        )
    (label,), ignored = read_target(target, student.shadow(), -1, ignore_index)
    return _by_rows(student, teacher, label, ignored, weights, reduction)


def linear_kd_loss(
    student_hidden: Tensor,
    student_weight: Tensor,
    teacher_hidden: Tensor,
    teacher_weight: Tensor,
    *,
    student_bias: Tensor | None = None,
    teacher_bias: Tensor | None = None,
    temperature: float = 4.0,
    reduction: Literal["mean", "sum"] = "mean",
    target: Tensor | None = None,
    ignore_index: int = -100,
) -> Tensor:
    """Return `kd_loss` of ``F.linear(hidden, weight, bias)`` of both networks, without the logits.

    See `linear_dkd_loss`; `target` takes no part but for telling which rows to ignore.

    >>> import torch
    >>> from torch.nn import functional as F
    >>> from tutelage.losses import kd_loss
    >>> hidden, own, its = torch.randn(6, 8), torch.randn(1000, 8), torch.randn(1000, 8)
    >>> whole = kd_loss(F.linear(hidden, own), F.linear(hidden, its))
    >>> torch.allclose(linear_kd_loss(hidden, own, hidden, its), whole)
    True
    """
    student = _Head(student_hidden, student_weight, student_bias)
    teacher = _Head(teacher_hidden, teacher_weight, teacher_bias).detached()
    weights = Weights(temperature)
    _check(student, teacher, weights, reduction)
    if not _may_go_by_rows(student, teacher):
        return kd_loss(
            student.logits(),
            teacher.logits(),
            temperature=temperature,
            reduction=reduction,
            target=target,
            ignore_index=ignore_index,
            class_dim=-1,
        )
    ignored = None
    if target is not None:
        _, ignored = read_target(target, student.shadow(), -1, ignore_index)
    return _by_rows(student, teacher, None, ignored, weights, reduction)


class _Head(NamedTuple):
    """A classifier's input ``[..., D]``, weight ``[C, D]`` and bias ``[C]``."""

    hidden: Tensor
    weight: Tensor
    bias: Tensor | None

    def logits(self) -> Tensor:
        return F.linear(*self)

    def detached(self) -> "_Head":
        return _Head(*(None if each is None else each.detach() for each in self))  # type: ignore[arg-type]

    def narrowed(self, dtype: torch.dtype) -> "_Head":
        return _Head(*(None if each is None else each.to(dtype) for each in self))  # type: ignore[arg-type]

    def shadow(self) -> Tensor:
        """Return a tensor of the logits' shape that takes no memory."""
        return self.hidden.new_zeros(1).expand(*self.hidden.shape[:-1], len(self.weight))


def _check(student: _Head, teacher: _Head, weights: Weights, reduction: str) -> None:
    check_weights(weights)
    if reduction not in ("mean", "sum"):
        raise ConfigError(
            f"reduction must be mean or sum, since the gradient is formed with the loss: it is "
            f"{reduction!r}. Pick one.{did_you_mean(reduction, ('mean', 'sum'))}"
        )
    for who, (hidden, weight, bias) in (("student", student), ("teacher", teacher)):
        if weight.dim() != 2 or hidden.dim() == 0 or hidden.shape[-1] != weight.shape[1]:
            raise ShapeError(
                f"{who}_weight must be [classes, features] for {who}_hidden [..., features]: they "
                f"are {tuple(weight.shape)} and {tuple(hidden.shape)}. Pass the weight of an "
                f"nn.Linear and what goes into it."
            )
        check_device(f"{who}_weight", weight, student.hidden)
        if bias is None:
            continue
        check_device(f"{who}_bias", bias, student.hidden)
        if bias.shape != weight.shape[:1]:
            raise ShapeError(
                f"{who}_bias must be [classes], {tuple(weight.shape[:1])}: it is "
                f"{tuple(bias.shape)}. Pass the bias of the same nn.Linear, or none."
            )
    check_pair(student.shadow(), teacher.shadow(), -1)


def _may_go_by_rows(student: _Head, teacher: _Head) -> bool:
    return len(student.weight) > 2 and is_bare(*student[:2], *teacher[:2])


def _by_rows(
    student: _Head,
    teacher: _Head,
    label: Tensor | None,
    ignored: Tensor | None,
    weights: Weights,
    reduction: Literal["mean", "sum"],
) -> Tensor:
    """Return the reduced loss; label ``[..., 1]``, ignored ``[...]``."""
    device = student.hidden.device.type
    if torch.is_autocast_enabled(device):  # as it would do to F.linear
        narrow = torch.get_autocast_dtype(device)
        student, teacher = student.narrowed(narrow), teacher.narrowed(narrow)
    own, its = (head.hidden.reshape(-1, head.hidden.shape[-1]) for head in (student, teacher))
    if ignored is not None:
        out = ignored.reshape(-1, 1)
        own, its = own.masked_fill(out, 0.0), its.masked_fill(out, 0.0)
        label = None if label is None else label.clamp(min=0)
    share = row_share(own, None if ignored is None else ignored.reshape(-1), reduction)
    # A mean over many rows has small gradients, which in float16 would be 0 before a gradient
    # scaler could lift them. A power of 2 costs no digit, there and back.
    lift = 2 ** len(own).bit_length() if reduction == "mean" else 1
    label = None if label is None else label.reshape(-1, 1)
    with torch.autocast(device, enabled=False):
        heads = own, *student[1:], its, *teacher[1:]
        return cast(Tensor, _ByRows.apply(*heads, label, share * lift, weights)) / lift


class _ByRows(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        its_hidden: Tensor,
        its_weight: Tensor,
        its_bias: Tensor | None,
        label: Tensor | None,
        share: Tensor | float,
        weights: Weights,
    ) -> Tensor:
        wants_hidden, wants_weight, wants_bias, *_ = ctx.needs_input_grad
        wide = widest(hidden, its_hidden)
        # Of narrow types the sums over the rows are kept in float32, and rounded once.
        of_hidden = torch.empty_like(hidden) if wants_hidden else None
        of_weight = torch.zeros_like(weight, dtype=wide) if wants_weight else None
        of_bias = torch.zeros_like(weight[:, 0], dtype=wide) if wants_bias else None
        any_wanted = wants_hidden or wants_weight or wants_bias
        careful = its_bias is not None and bool(its_bias.isinf().any())  # rules a class out
        loss = torch.zeros((), dtype=wide, device=hidden.device)
        for start in range(0, len(hidden), max(_ELEMENTS // len(weight), 1)):
            rows = slice(start, start + max(_ELEMENTS // len(weight), 1))
            own = F.linear(hidden[rows], weight, bias)
            its = F.linear(its_hidden[rows], its_weight, its_bias)
            ours = share[rows] if isinstance(share, Tensor) else share
            slope = own if any_wanted else None  # which is overwritten
            at = None if label is None else label[rows]
            terms = walk(own, its, at, weights, (ours, ours), slope, careful=careful)
            loss += sum((ours * term).sum() for term in terms)
            if of_hidden is not None:
                torch.mm(own, weight, out=of_hidden[rows])
            if of_weight is not None:
                _add_product(of_weight, own.T, hidden[rows])
            if of_bias is not None:
                of_bias += own.sum(0, dtype=wide)
        ctx.save_for_backward(of_hidden, of_weight, of_bias)
        ctx.dtype = hidden.dtype
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, asked: Tensor) -> tuple[Tensor | None, ...]:
        slopes = [
            None if each is None else scaled(each, asked).to(ctx.dtype)
            for each in ctx.saved_tensors
        ]
        return *slopes, *[None] * 6


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add a matrix product to a sum of the same type or a wider one."""
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right
