"""A trial: the first batch's loss terms, and what a step costs."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from tutelage.config import RunConfig
from tutelage.engine.doctor.chart import Chart, duration
from tutelage.engine.doctor.recipe import alone, plan
from tutelage.engine.doctor.teacher import Answers, look_at_confidence
from tutelage.engine.loop import Loop, unrecorded
from tutelage.engine.pseudo import labelled
from tutelage.engine.run import make_fabric, teacher_config
from tutelage.engine.step import gradient_shares
from tutelage.record import peak_memory_bytes
from tutelage.types import Output, Progress

WARM_STEPS, TIMED_STEPS, TIMED_SECONDS = 2, 10, 5.0
_FULL = Progress(epoch=10**9, epochs=1, step=10**9, steps_per_epoch=1)  # every ramp has ended


def try_out(
    chart: Chart, config: RunConfig, single: RunConfig, fabric: Fabric, answers: Answers | None
) -> None:
    """Build a single process of the run, and let it take its first steps.

    `answers` are those of a teacher with weights; without them its part in the loss is not judged.
    """
    loop = chart.attempt("set-up", unrecorded, single, fabric)
    if loop is None:
        return
    room = loop.room
    if answers:
        look_at_confidence(chart, room.method, answers)
    terms = chart.attempt("loss", _first_terms, loop) if loop.plan.steps else None
    measured = loop.built.data.spec.task != "classes" and bool(single.teacher.weights)
    trusted = room.teacher is None or answers is not None or measured
    if terms is None or not _look_at_terms(chart, terms, single.train.precision, trusted):
        return
    cost = chart.attempt("first steps", _cost, loop, config, answers)
    if cost:
        chart.ok("time", f"about {duration(cost.seconds)}: {cost.story}.")
    if config.teacher.train and not (config.teacher.weights or single.teacher.weights):
        first = chart.attempt("teacher recipe", _teacher_cost, config)
        if first:
            chart.ok("time", f"before it, its teacher: about {duration(first.seconds)}.")
    _look_at_memory(chart, fabric)


def _first_terms(loop: Loop) -> dict[str, tuple[float, float]]:
    """Return each loss term of the first batch, with every ramp at its end, and its share."""
    room = loop.room
    batch = next(loop.batches(loop.plan.epoch(1)[0][:1]))
    room.student.network.train()
    student = room.student(batch.images)
    teacher = None
    if room.teacher:
        with room.fabric.autocast():
            teacher = room.teacher.ask(batch)
    if room.unlabelled:
        student, teacher, batch, _ = labelled(student, teacher, batch, room.confidence)
    terms = room.method.terms(student, teacher or Output(student.logits.detach()), batch, _FULL)
    shares = gradient_shares(terms, student)
    return {name: (float(term.detach()), float(shares[name])) for name, term in terms.items()}


def _look_at_terms(
    chart: Chart, terms: Mapping[str, tuple[float, float]], precision: str, trusted: bool
) -> bool:
    """Look at the size of each term; return whether training can begin."""
    told = ", ".join(f"{name} {size:.4g} ({share:.1%})" for name, (size, share) in terms.items())
    if broken := [name for name, pair in terms.items() if not all(map(math.isfinite, pair))]:
        chart.error(
            "loss",
            f"{', '.join(broken)} or its gradient is not finite in {precision}: {told}.",
            "Look at student.weights and the pictures, or set train.precision=32-true.",
        )
        return False
    chart.ok(
        "loss",
        f"first batch, in {precision}: {told} of the gradient at the student's output"
        + (", every ramp at its end." if trusted else ", by an untrained teacher: not checked."),
    )
    if not trusted or len(terms) == 1:
        return True
    if terms["ce"][1] == 0:
        chart.warn(
            "loss",
            "the labels weigh nothing: the student learns from the teacher alone.",
            "Raise method.ce_weight, unless that is wanted.",
        )
    for name, (_, share) in terms.items():
        if name != "ce" and not 0.01 <= share <= 0.95:
            chart.warn(
                "loss",
                f"{name} has {share:.1%} of the gradient: "
                + ("the rest hardly counts." if share > 0.5 else "it hardly counts."),
                "Weigh the terms anew: `tutelage list methods NAME` tells the weights.",
            )
    return True


@dataclass(frozen=True, slots=True)
class _Cost:
    """An estimate in seconds, and how it comes about."""

    seconds: float
    story: str


def _cost(loop: Loop, config: RunConfig, answers: Answers | None = None) -> _Cost:
    """Take the run's first steps and an evaluation; return what the whole of it would cost."""
    data, train = loop.built.data, config.train
    step_seconds = _step_seconds(loop)
    reading = loop.read(loop.room.student, data.validation or data.train, limit=1000)
    steps = plan(config, len(data.train)).steps * train.epochs
    readings = math.ceil(train.epochs / train.evaluate_every) if data.validation else 0
    pictures = readings * len(data.validation or ()) + 2 * len(data.test)
    seconds = steps * step_seconds + pictures * reading.seconds / reading.count
    if answers:
        pictures = len(data.validation or ()) + len(data.test)
        seconds += pictures * answers.seconds / len(answers.target)
    more = "; labels alone come on top, unless they are there" if config.run.labels_alone else ""
    return _Cost(
        seconds,
        f"{train.epochs} epochs, {steps:,} steps of {1000 * step_seconds:.1f} ms and {readings} "
        f"evaluations{more}",
    )


def _step_seconds(loop: Loop) -> float:
    """Take the first steps of the run, and return the mean time of all but the warm-up."""
    steps = loop.trial(WARM_STEPS + TIMED_STEPS)
    for _ in range(WARM_STEPS):
        next(steps)
    started, timed = time.perf_counter(), 0
    for _ in steps:
        timed += 1
        if time.perf_counter() - started > TIMED_SECONDS:
            break
    return (time.perf_counter() - started) / timed


def _teacher_cost(config: RunConfig) -> _Cost:
    recipe = teacher_config(config)
    single = alone(recipe)
    return _cost(unrecorded(single, make_fabric(single)), recipe)


def _look_at_memory(chart: Chart, fabric: Fabric) -> None:
    found = f"this process has held up to {peak_memory_bytes() / 2**20:,.0f} MiB so far"
    if fabric.device.type == "cuda":
        held = torch.cuda.max_memory_allocated(fabric.device) / 2**20
        found += f", and the GPU {held:,.0f} MiB"
    chart.ok("memory", f"{found}; the run holds about as much, in each process.")
