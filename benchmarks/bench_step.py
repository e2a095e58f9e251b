"""How fast a distillation step is, beside a plain loop that runs both networks in float32.

    python -m benchmarks step                            # 3 to 4 minutes
    python -m benchmarks.bench_step --pairs resnet56,resnet20
    python -m benchmarks.bench_step --accuracy           # what bfloat16 costs in accuracy instead

One step of each in turn, on the same pictures through the same loader (crop and flip). "plain" is
what a script has: float32, channels first, the textbook loss of `benchmarks._textbook`,
`torch.optim.SGD`. The next are the engine's own steps (`Loop.trial`): "online" as a recipe has it
with ``train.precision = "auto"``, "online, float32" with 32-true, "cached" with the teacher's
answers read from memory. "by hand" is a loop of ten lines that does what "online" does: beside it
stands what the engine itself costs.

A step's arithmetic is the teacher's forward pass and three times the student's (`gigaflops`). The
yardstick is the `pace` of a large matrix product, in GFLOP/s, measured in turn with the steps:
`pace_share` is a step's own pace by it, and `ratio_at_pace` the ratio to "plain" of a step that had
just that pace. It is no ceiling: convolutions can be quicker than the product, so that shares above
1 occur, and a bar above `ratio_at_pace` is not thereby out of reach.

``--accuracy`` trains Glyphs-100's student by the teacher of its recipe with seeds in pairs, equal
but for the precision, and tells the difference with its interval.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks._harness import Ratio, Report, in_turn, milliseconds, parsed, parser
from benchmarks._textbook import textbook_dkd
from tutelage.config import (
    DataConfig,
    OptimizerConfig,
    RunConfig,
    StudentConfig,
    TeacherConfig,
    TrainConfig,
    load,
)
from tutelage.engine import run
from tutelage.engine.fold import folded
from tutelage.engine.loop import Loop, unrecorded
from tutelage.engine.pace import forward_flops
from tutelage.engine.run import make_fabric, prepare
from tutelage.engine.teacher import Teacher
from tutelage.lab.statistics import paired_difference
from tutelage.losses import dkd_loss
from tutelage.models import build
from tutelage.types import Batch, Output

PAIRS = ("resnet32x4,resnet8x4", "resnet56,resnet20")
CLASSES, SIZE, BATCH_SIZE = 100, 32, 64
ALPHA, BETA, TEMPERATURE, LEARNING_RATE = 1.0, 8.0, 4.0, 1e-3
ONLINE, CACHED = 3.0, 6.0  # times as fast as plain: what is aimed at
DTYPES = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16}


class Remembered(Teacher):
    """A teacher whose answers to all pictures are in memory."""

    def __init__(self, teacher: Teacher, logits: Tensor) -> None:
        vars(self).update(vars(teacher))
        self.logits = logits

    def ask(self, batch: Batch) -> Output:
        """Return what was said of these pictures."""
        return Output(self.logits[batch.index])


class ByHand:
    """A loop as a script has it, plain or by the engine's means; its pictures are the engine's."""

    def __init__(self, teacher: str, student: str, loop: Loop, *, plain: bool) -> None:
        own = loop.built.config.train
        self.teacher, self.student = (
            build(name, num_classes=CLASSES) for name in (teacher, student)
        )
        self.teacher.eval().requires_grad_(False)
        self.student.train()
        self.loss = textbook_dkd if plain else dkd_loss
        if not plain:
            self.teacher = folded(self.teacher, {}).network
        if own.channels_last:
            self.teacher.to(memory_format=torch.channels_last)
            self.student.to(memory_format=torch.channels_last)
        self.autocast = own.precision == "bf16-mixed"
        self.optimizer = torch.optim.SGD(
            self.student.parameters(),
            lr=LEARNING_RATE,
            momentum=0.9,
            weight_decay=5e-4,
            fused=None if plain else True,
        )
        self.batches = loop.batches([part for parts in loop.plan.epoch(1) for part in parts])

    def step(self) -> None:
        """Take a step on the next batch."""
        batch = next(self.batches)
        self.optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            with torch.no_grad():
                teacher_logits = self.teacher(batch.images).float()
            logits = self.student(batch.images).float()
        loss = F.cross_entropy(logits, batch.target) + self.loss(
            logits, teacher_logits, batch.target, alpha=ALPHA, beta=BETA, temperature=TEMPERATURE
        )
        loss.backward()
        self.optimizer.step()


def configuration(teacher: str, student: str, precision: str, data: Path) -> RunConfig:
    """Return a run on the made pictures; its learning rate is small, since nothing is to be had."""
    return prepare(
        RunConfig(
            data=DataConfig(name="npz", root=str(data), augment="crop-flip", validation=0.0),
            teacher=TeacherConfig(name=teacher),
            student=StudentConfig(name=student),
            optimizer=OptimizerConfig(lr=LEARNING_RATE),
            train=TrainConfig(
                batch_size=BATCH_SIZE,
                precision=precision,  # type: ignore[arg-type]
                channels_last="auto",
            ),
        )
    )


def write_pictures(path: Path, count: int) -> None:
    """Write noise in the format of the data set ``npz``."""
    images = np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.arange(count) % CLASSES
    test = slice(CLASSES)
    np.savez(path, x_train=images, y_train=labels, x_test=images[test], y_test=labels[test])


def steps(loop: Loop) -> Callable[[], int]:
    """Return a function that takes the loop's next step."""
    return partial(next, loop.trial(10**6))


def loops(teacher: str, student: str, data: Path, compiled: bool) -> dict[str, Loop]:
    """Return the engine's contenders, and beside them loops whose pictures those by hand take."""
    auto = configuration(teacher, student, "auto", data)
    wide = configuration(teacher, student, "32-true", data)
    configs = {
        "plain": replace(wide, train=replace(wide.train, channels_last=False)),
        "online": auto,
        "online, float32": wide,
        "cached": auto,
        "by hand": auto,
    }
    if compiled:
        quick = replace(
            auto,
            teacher=replace(auto.teacher, compile=True),
            train=replace(auto.train, compile=True),
        )
        configs |= {"online, compiled": quick, "cached, compiled": quick}
    made = {name: unrecorded(config, make_fabric(config)) for name, config in configs.items()}
    for name, loop in made.items():
        if name.startswith("cached"):
            assert loop.room.teacher is not None
            answers = torch.randn(len(loop.built.data.train), CLASSES)
            loop.room = replace(loop.room, teacher=Remembered(loop.room.teacher, answers))
    return made


def measure(report: Report, teacher: str, student: str, given: argparse.Namespace) -> None:
    """Measure one pair of networks, and add its lines."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "pictures.npz"
        write_pictures(data, BATCH_SIZE * (given.rounds + 4))
        made = loops(teacher, student, data, given.compiled)
    contenders: dict[str, Callable[[], object]] = {
        name: ByHand(teacher, student, loop, plain=name == "plain").step
        if name in ("plain", "by hand")
        else steps(loop)
        for name, loop in made.items()
    }
    precisions = {name: loop.built.config.train.precision for name, loop in made.items()}
    size = 256 if given.small else 2048
    products = {
        precision: partial(torch.mm, *torch.randn(2, size, size).to(DTYPES[precision]))
        for precision in {*precisions.values()}
    }
    seconds = in_turn(contenders | products, rounds=given.rounds)
    pace = {precision: 2 * size**3 / min(seconds[precision]) for precision in products}
    its, own = (
        forward_flops(build(name, num_classes=CLASSES), (3, SIZE, SIZE))
        for name in (teacher, student)
    )
    for name, precision in precisions.items():
        flops = BATCH_SIZE * (3 * own + (0.0 if name.startswith("cached") else its))
        least, middle = flops / pace[precision], median(seconds[name])
        report.add(
            f"{student}, {name}",
            ratio=Ratio.of(seconds["plain"], seconds[name]) if name != "plain" else None,
            bar={"online": ONLINE, "cached": CACHED}.get(name),
            milliseconds=milliseconds(seconds[name]),
            images_per_second=round(BATCH_SIZE / middle),
            precision=precision,
            gigaflops=round(flops / 1e9, 1),
            pace=round(pace[precision] / 1e9),
            pace_share=round(least / middle, 3),
            ratio_at_pace=round(median(seconds["plain"]) / least, 2),
        )


def accuracy(seeds: int, epochs: int, folder: Path) -> None:
    """Train in both precisions with the same seeds, and tell what bfloat16 costs."""
    top1: dict[str, list[float]] = {"bf16-mixed": [], "32-true": []}
    for seed in range(seeds):
        for precision, found in top1.items():
            keys = [f"train.epochs={epochs}", f"train.precision={precision}", f"train.seed={seed}"]
            done = run(load("glyphs100", [*keys, f"run.dir={str(folder)!r}"]), resume=True)
            assert done.result is not None
            assert done.result.last_test is not None
            found.append(100 * done.result.last_test.top1)
            print(f"seed {seed}, {precision}: {found[-1]:.2f} %", flush=True)
    told = paired_difference(top1["bf16-mixed"], top1["32-true"])
    spread = (
        f", 95 % {told.interval.low:+.2f} to {told.interval.high:+.2f}" if told.interval else ""
    )
    print(
        f"bf16-mixed less 32-true, glyphs100, top-1 of the test split after {epochs} epochs: "
        f"{told.mean:+.2f} points{spread}, {told.n} seeds in pairs"
    )


def main() -> None:
    """Measure, print and write."""
    flags = parser(__doc__, "step", rounds=12)
    flags.add_argument("--pairs", nargs="+", default=PAIRS, metavar="TEACHER,STUDENT")
    flags.add_argument("--compiled", action="store_true", help="also by torch.compile: minutes")
    flags.add_argument("--accuracy", action="store_true", help="measure that instead")
    flags.add_argument("--seeds", type=int, default=3, help="of --accuracy (3)")
    flags.add_argument("--epochs", type=int, default=8, help="of --accuracy (8)")
    flags.add_argument("--runs", type=Path, default=Path("runs"), help="of --accuracy (runs)")
    given: argparse.Namespace = parsed(flags)
    if given.accuracy:
        accuracy(given.seeds, given.epochs, given.runs)
        return
    report = Report("times as fast as the plain float32 loop", given.out)
    for pair in ["resnet8,resnet8"] if given.small else given.pairs:
        teacher, student = pair.split(",")
        measure(report, teacher, student, given)
    report.finish()


if __name__ == "__main__":
    main()
