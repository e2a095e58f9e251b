"""What one step of a run costs, stage by stage, and what would make it cheaper."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, quantiles

import torch

from tutelage.config import RunConfig, override
from tutelage.engine.asking import cache_at_hand
from tutelage.engine.build import Built, build
from tutelage.engine.cached import CachedTeacher
from tutelage.engine.doctor.chart import Chart
from tutelage.engine.doctor.recipe import alone
from tutelage.engine.doctor.teacher import resolved
from tutelage.engine.loop import Loop
from tutelage.engine.pace import forward_flops, matmul_flops
from tutelage.engine.report import Reporter
from tutelage.engine.run import make_fabric, prepare, settled, torch_threads
from tutelage.engine.stopwatch import Stopwatch
from tutelage.engine.view import View
from tutelage.losses import computed_by
from tutelage.methods import methods
from tutelage.record import machine

WARM_STEPS, TRIAL_STEPS = 3, 5
WORTH = 1.1  # times as fast: less may be the machine's own ups and downs
DTYPES = {"bf16": torch.bfloat16, "16": torch.float16, "64": torch.float64}


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of what was measured, and its quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the spread of two values or more."""
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage takes in milliseconds, and its share of all steps together."""

    name: str
    milliseconds: Spread
    share: float


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that would make steps quicker: how many times, and whether that was measured."""

    change: str
    times: float
    measured: bool
    why: str


@dataclass(frozen=True, slots=True)
class Pace:
    """The arithmetic of a step beside a yardstick, which is no ceiling: see `matmul_flops`."""

    gigaflops: float  # of a step: the teacher's forward pass, and three times the student's
    matmul_gigaflops_per_second: float  # of a large matrix product in the same precision

    @property
    def milliseconds(self) -> float:
        """What a step would take at the pace of the matrix product."""
        return 1000 * self.gigaflops / self.matmul_gigaflops_per_second


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured; times are of one step."""

    steps: int
    pictures: int  # of a step
    milliseconds: Spread
    images_per_second: float
    stages: tuple[Stage, ...]
    pace: Pace
    hints: tuple[Hint, ...]
    notes: tuple[str, ...]
    device: str
    precision: str
    channels_last: bool
    threads: int
    cores: int


def profile(
    config: RunConfig, *, steps: int = 20, heard: Callable[[str], None] = lambda told: None
) -> Profile:
    """Take first steps of a run, by networks that are thrown away, and return what they cost.

    They are steps of a single process of it; of several it has the share. Nothing is written, and
    the random state stays as it was. What would help is tried: each change by steps of its own.
    `heard` is told what is being done.

    Raises:
        ConfigError, DataError, ModelError: as `tutelage.engine.run.run`.
    """
    config = settled(config)
    with torch.random.fork_rng(devices=[]), torch_threads(config.fabric.threads):
        single = alone(config)
        notes = []
        if methods[config.method.name].needs_teacher:
            single = replace(single, teacher=resolved(Chart(), config))
            if not single.teacher.weights:
                notes.append("The teacher has no weights yet: a fresh one stands in for it.")
        heard("taking steps")
        loop = _loop(single)
        if single.teacher.cache and not isinstance(loop.room.teacher, CachedTeacher):
            notes.append("The cache is not there yet: in these steps the teacher is asked.")
        table = _measure(loop, steps)
        whole = [sum(row.values()) for row in table]
        heard("measuring the machine's pace")
        pace = _pace(loop)
        notes += _notes(loop.built, loop.fabric.device)
        stages = tuple(_stages(table, sum(whole)))
        device, size = loop.fabric.device.type, loop.train.batch_size
        count = torch.get_num_threads()
        cores = machine(threads=count).cores
        hints = [*_reckoned(single, stages), *_tried(loop, stages, cores, heard)]
    return Profile(
        steps=len(table),
        pictures=size,
        milliseconds=Spread.of([1000 * seconds for seconds in whole]),
        images_per_second=size / median(whole),
        stages=stages,
        pace=pace,
        hints=tuple(sorted(hints, key=lambda hint: -hint.times)),
        notes=tuple(notes),
        device=device,
        precision=single.train.precision,
        channels_last=bool(single.train.channels_last),
        threads=count,
        cores=cores,
    )


def _loop(config: RunConfig) -> Loop:
    """Return the loop of a run that writes nothing, its teacher cached where that is at hand."""
    built = cache_at_hand(build(config, make_fabric(config)))
    return Loop(built, Path(config.run.dir), None, Reporter())


def _measure(loop: Loop, steps: int) -> list[dict[str, float]]:
    """Return the seconds of each stage for each of `steps` steps after the first ones.

    What a step does beside its stages is the ``rest``.
    """
    stopwatch = Stopwatch(loop.fabric.device)
    loop.room = replace(loop.room, stage=stopwatch)
    table, started = [], stopwatch.now()
    for _ in loop.trial(WARM_STEPS + steps):
        now, stages = stopwatch.now(), stopwatch.taken()
        table.append(stages | {"rest": now - started - sum(stages.values())})
        started = now
    return table[WARM_STEPS:]


def _stages(table: list[dict[str, float]], seconds: float) -> Iterator[Stage]:
    for name in table[0]:
        column = [row[name] for row in table]
        spread = Spread.of([1000 * value for value in column])
        yield Stage(name, spread, sum(column) / seconds)


def _pace(loop: Loop) -> Pace:
    built, room = loop.built, loop.room
    config, spec = built.config, built.data.spec
    views = room.method.views
    flops = 3 * forward_flops(built.network, View.of(config.student, spec).shape, spec.task)
    asked = None if isinstance(room.teacher, CachedTeacher) else room.teacher
    if asked and asked.quick:
        its = View.of(config.teacher, spec).shape
        flops += forward_flops(asked.quick.network, its, spec.task)
    dtype = DTYPES.get(config.train.precision.split("-")[0], torch.float32)
    pictures = views * config.train.batch_size
    return Pace(flops * pictures / 1e9, matmul_flops(loop.fabric.device, dtype) / 1e9)


def _notes(built: Built, device: torch.device) -> Iterator[str]:
    teacher = built.room.teacher
    if isinstance(teacher, CachedTeacher):
        yield f"The teacher's answers are read from {teacher.cache.path}."
    elif teacher and teacher.quick and teacher.quick.norms:
        yield f"The teacher: {teacher.quick.story}."
    if device.type == "cpu" and computed_by() != "C":
        yield f"KD and DKD, where they are asked for, are computed by {computed_by()}."


def _reckoned(config: RunConfig, stages: tuple[Stage, ...]) -> Iterator[Hint]:
    """Yield what follows from the shares alone."""
    kind = methods[config.method.name]
    teacher = next(stage.share for stage in stages if stage.name == "teacher")
    alike = not (
        config.teacher.cache
        or kind.taps
        or kind.views > 1
        or config.data.mixup
        or config.data.cutmix
    )
    if 1 / (1 - teacher) >= WORTH and alike:
        yield Hint(
            "teacher.cache=auto" + ("" if config.data.views else " data.views=4"),
            1 / (1 - teacher),
            measured=False,
            why=f"{teacher:.0%} of a step is the teacher, of whom {kind.name} wants logits of "
            f"single pictures alone",
        )


def _tried(
    loop: Loop, stages: tuple[Stage, ...], cores: int, heard: Callable[[str], None]
) -> Iterator[Hint]:
    """Yield the changes that made steps quicker when they were tried."""
    config = loop.built.config
    for change, why in _candidates(config, stages, cores):
        heard(f"trying {change}")
        changed = override(config, [change])
        times = _times_as_fast(loop, _loop(changed))
        if times >= WORTH:
            yield Hint(change, times, measured=True, why=why)


def _times_as_fast(loop: Loop, other: Loop) -> float:
    """Return how many times as fast the steps of another loop are, taken in turn with these."""
    trials = [(one, one.trial(WARM_STEPS + TRIAL_STEPS)) for one in (loop, other)]
    ratios = []
    for _ in range(WARM_STEPS + TRIAL_STEPS):
        own, its = (_step_seconds(one, trial) for one, trial in trials)
        ratios.append(own / its)
    return median(ratios[WARM_STEPS:])


def _step_seconds(loop: Loop, trial: Iterator[int]) -> float:
    stopwatch = Stopwatch(loop.fabric.device)
    with torch_threads(loop.built.config.fabric.threads):
        started = stopwatch.now()
        next(trial)
        return stopwatch.now() - started


def _candidates(
    config: RunConfig, stages: tuple[Stage, ...], cores: int
) -> Iterator[tuple[str, str]]:
    train, shares = config.train, {stage.name: stage.share for stage in stages}
    auto = prepare(replace(config, train=replace(train, precision="auto", channels_last="auto")))
    if train.precision == "32-true" and auto.train.precision != "32-true":
        yield f"train.precision={auto.train.precision}", "the machine computes in 16 bits natively"
    if train.precision == "bf16-mixed":
        yield "train.precision=32-true", "these networks are slower in bfloat16 here"
    if auto.train.channels_last and not train.channels_last:
        yield "train.channels_last=true", "convolutions prefer this layout"
    if torch.get_num_threads() < cores:
        yield f"fabric.threads={cores}", f"there are {cores} cores"
    if shares["data"] > 0.2 and not config.data.workers:
        yield "data.workers=1", f"{shares['data']:.0%} of a step is waiting for pictures"
