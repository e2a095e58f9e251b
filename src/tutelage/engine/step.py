"""One step: a batch becomes a loss, the loss a gradient, the gradient a slightly wiser student."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor

from tutelage.engine.processes import joined, over_processes
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


def step(
    room: Classroom, batches: Iterator[Batch], count: int, progress: Progress, *, observe: bool
) -> Terms:
    """Take one optimiser step on the next global batch, of `count` pictures; return what to record.

    Parts weigh by their size, so that the gradient is the global batch's mean, however many parts
    and processes it was dealt to. What is returned are scalars on the device, this process's share
    of each mean: ``term/<name>``, ``gradient_norm`` and, if asked to `observe`, ``share/<name>``
    (of each term in the gradient) and ``p_t`` (the teacher's probability of the target).

    Raises:
        NonFiniteError: a term or the gradient is not finite; no weight was changed.
    """
    fabric, report = room.fabric, _Report()
    student_module = cast(_FabricModule, room.student.network)
    room.optimizer.zero_grad()
    for part, batch in enumerate(islice(batches, room.parts), start=1):
        weight = len(batch.target) * fabric.world_size / count
        with fabric.no_backward_sync(student_module, enabled=part < room.parts):
            teacher = _ask(room, batch)
            student = room.student(batch.images)
            terms = room.method.terms(student, teacher or _itself(student), batch, progress)
            loss = torch.stack(list(terms.values())).sum()
            report.add("term", terms, weight)
            if observe:
                report.add("share", gradient_shares(terms, student), weight)
                report.add("", _confidence(room.method, teacher, batch), weight)
            fabric.backward(loss * weight)
    _average_over_processes(fabric, room.method)
    norm = fabric.clip_gradients(
        student_module, room.optimizer, max_norm=room.clip_norm, error_if_nonfinite=False
    )
    if norm is not None:
        report.add("", {"gradient_norm": norm}, 1.0)
    # A scaler looks for overflow itself, so there only the terms must be finite.
    watched = [key for key in report.values if not (room.scaled and key == "gradient_norm")]
    _demand_finite(fabric, {key: report.values[key] for key in watched}, progress)
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


def _ask(room: Classroom, batch: Batch) -> Output | None:
    if room.teacher is None:
        return None
    with room.fabric.autocast():
        return room.teacher.ask(batch.images)


def _itself(student: Output) -> Output:
    return Output(student.logits.detach(), {k: tap.detach() for k, tap in student.taps.items()})


def _confidence(method: Method, teacher: Output | None, batch: Batch) -> Terms:
    if teacher is None or batch.target.is_floating_point():  # many labels: no target and rest
        return {}
    p_t = target_probability(
        teacher.logits, batch.targets, temperature=method.temperature, reduction="mean"
    )
    return {"p_t": p_t}


def _average_over_processes(fabric: Fabric, method: Method) -> None:
    """Average the gradients of the method's own parameters, which no strategy wraps."""
    for parameter in method.parameters():
        if parameter.grad is not None:
            parameter.grad = over_processes(fabric, parameter.grad, "mean")


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
