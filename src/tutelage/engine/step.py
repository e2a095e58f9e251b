"""One step: a batch becomes a loss, the loss a gradient, the gradient a slightly wiser student."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from tutelage.engine.processes import joined, over_processes, take_from_first
from tutelage.engine.pseudo import labelled
from tutelage.engine.split_momentum import SplitMomentum
from tutelage.engine.stopwatch import StageTimer, untimed
from tutelage.engine.teacher import Teacher
from tutelage.engine.watch import Watch
from tutelage.errors import NonFiniteError
from tutelage.losses import target_probability
from tutelage.methods import Method
from tutelage.types import Batch, Output, Progress, Terms


@dataclass(frozen=True, slots=True)
class Classroom:
    """All that a step touches. A global batch is dealt to `parts` backward passes a process."""

    fabric: Fabric
    student: Watch
    teacher: Teacher | None
    method: Method
    optimizer: torch.optim.Optimizer
    clip_norm: float  # of the whole gradient; infinite is off
    parts: int
    scaled: bool = False  # fp16 with a gradient scaler, which skips steps that overflow
    split: SplitMomentum | None = None  # the bare optimiser, if it keeps kinds of terms apart
    unlabelled: bool = False  # some pictures have no label
    confidence: float = 0.0  # of the teacher, below which it names no such picture
    stage: StageTimer = untimed  # is told of each stage of a step


def step(
    room: Classroom, batches: Iterator[Batch], count: int, progress: Progress, *, observe: bool
) -> Terms:
    """Take one optimiser step on the next global batch, of `count` pictures; return what to record.

    Parts weigh by their size, so that the gradient is the global batch's mean, however many parts
    and processes it was dealt to; pictures that `labelled` leaves out do not count. What is
    returned are scalars on the device, this process's share of each mean: ``term/<name>``,
    ``gradient_norm`` and, if asked to `observe`, ``share/<name>`` (of each term in the gradient)
    and ``p_t`` (the teacher's probability of the target).

    Raises:
        NonFiniteError: a term or the gradient is not finite; no weight was changed.
    """
    fabric, stage, report, counted = room.fabric, room.stage, _Report(), 0
    student_module = cast(_FabricModule, room.student.network)
    room.optimizer.zero_grad()
    for part in range(1, room.parts + 1):
        with stage("data"):
            batch = next(batches)
        own, apart = len(batch.target), part < room.parts or room.split is not None
        with fabric.no_backward_sync(student_module, enabled=apart):
            with stage("teacher"):
                teacher = _ask(room, batch)
            with stage("student"):
                student = room.student(batch.images)
            if room.unlabelled:
                student, teacher, batch, own = labelled(student, teacher, batch, room.confidence)
            counted, weight = counted + own, own * fabric.world_size / count
            with stage("loss"):
                terms = room.method.terms(student, teacher or student.detached(), batch, progress)
            report.add("term", terms, weight)
            if observe:
                report.add("share", gradient_shares(terms, student), weight)
                report.add("", _confidence(room.method, teacher, batch), weight)
            with stage("backward"):
                _backward(room, terms, weight)
    _average_over_processes(room)
    if room.unlabelled:
        report.scale(_leave_out(room, counted, count))
    with stage("clipping"):
        norm = _clip(room)
    if norm is not None:
        report.add("", {"gradient_norm": norm}, 1.0)
    # A scaler looks for overflow itself, so there only the terms must be finite.
    watched = [key for key in report.values if not (room.scaled and key == "gradient_norm")]
    _demand_finite(fabric, {key: report.values[key] for key in watched}, progress)
    with stage("optimizer"):
        room.optimizer.step()
    if seen := room.method.noticed():
        room.method.learn({name: joined(fabric, tensor) for name, tensor in seen.items()})
    return report.values


def gradient_shares(terms: Terms, student: Output) -> Terms:
    """Return each term's share of the gradient norms at the student's output; they sum to 1.

    The output is the logits and the watched taps: what the student's own backward pass starts from.
    """
    places = [student.logits, *student.taps.values()]
    norms = []
    for term in terms.values():
        found: tuple[Tensor | None, ...] = ()
        if term.requires_grad:
            found = torch.autograd.grad(term, places, retain_graph=True, allow_unused=True)
        squares = [grad.square().sum() for grad in found if grad is not None]
        norms.append(torch.stack([term.new_zeros(()), *squares]).sum().sqrt())
    total = torch.stack(norms).sum().clamp_min(torch.finfo(torch.float32).tiny)
    return {name: norm / total for name, norm in zip(terms, norms, strict=True)}


class _Report:
    """Scalars summed over the parts of a batch."""

    def __init__(self) -> None:
        self.values: Terms = {}

    def add(self, kind: str, scalars: Terms, weight: float) -> None:
        for name, scalar in scalars.items():
            key = f"{kind}/{name}" if kind else name
            self.values[key] = self.values.get(key, 0.0) + scalar.detach() * weight

    def scale(self, factor: float) -> None:
        self.values = {key: value * factor for key, value in self.values.items()}


def _ask(room: Classroom, batch: Batch) -> Output | None:
    if room.teacher is None:
        return None
    with room.fabric.autocast():
        return room.teacher.ask(batch)


def _confidence(method: Method, teacher: Output | None, batch: Batch) -> Terms:
    if teacher is None or batch.target.is_floating_point():  # many labels: no target and rest
        return {}
    logits = teacher.logits[: len(batch.target)]  # of the first view
    p_t = target_probability(
        logits, batch.targets, temperature=method.temperature, reduction="mean"
    )
    return {"p_t": p_t}


def _backward(room: Classroom, terms: Terms, weight: float) -> None:
    """Add the gradients of a part to those of the parts before: of all terms, or kind by kind."""
    if room.split is None:
        room.fabric.backward(torch.stack(list(terms.values())).sum() * weight)
        return
    parcels = room.split.parcels(terms)
    for number, (kind, parcel) in enumerate(parcels.items(), start=1):
        loss = torch.stack(list(parcel.values())).sum() * weight
        if loss.requires_grad:
            room.fabric.backward(loss, retain_graph=number < len(parcels))
            room.split.put_aside(kind)


def _average_over_processes(room: Classroom) -> None:
    """Average what the strategy does not: the gradients of the method's own parameters, or all."""
    if room.split:
        room.split.join(lambda gradient: over_processes(room.fabric, gradient, "mean"))
        take_from_first(room.fabric, room.student.network.buffers())
        return
    for parameter in room.method.parameters():
        if parameter.grad is not None:
            parameter.grad = over_processes(room.fabric, parameter.grad, "mean")


def _leave_out(room: Classroom, counted: int, count: int) -> float:
    """Make the gradient a mean over the pictures that counted; return what it was multiplied by."""
    ours = torch.tensor(float(counted), device=room.fabric.device)
    factor = count / max(float(over_processes(room.fabric, ours, "sum")), 1.0)
    for group in room.optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameter.grad.mul_(factor)
    if room.split:
        room.split.scale(factor)
    return factor


def _clip(room: Classroom) -> Tensor | None:
    """Clip the whole gradient, and return its norm before, where the strategy tells it."""
    norm: Tensor | None = room.fabric.clip_gradients(
        cast(_FabricModule, room.student.network),
        room.optimizer,
        max_norm=room.clip_norm,
        error_if_nonfinite=False,
    )
    if room.split and norm is not None:  # as torch.nn.utils.clip_grad_norm_ has it
        room.split.scale((room.clip_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


def _demand_finite(fabric: Fabric, report: Terms, progress: Progress) -> None:
    finite = torch.stack([value.float() for value in report.values()]).isfinite().all()
    if over_processes(fabric, finite.float(), "mean") < 1:
        broken = {
            key.removeprefix("term/"): float(value)
            for key, value in report.items()
            if not value.isfinite()
        }
        named = ", ".join(f"{name} is {value}" for name, value in broken.items())
        raise NonFiniteError(
            f"training stopped in epoch {progress.epoch} at step {progress.step}, before a "
            f"weight was changed: {named or 'another process met a value that is not finite'}. "
            "Lower optimizer.lr, set train.clip_norm, or try train.precision=32-true."
        )
