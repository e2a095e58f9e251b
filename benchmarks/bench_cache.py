"""What a cache of the teacher's answers costs and saves, in each form.

    python -m benchmarks cache                    # 1 minute; the teacher, once, 2 more
    python -m benchmarks.bench_cache --accuracy   # 3 seeds in pairs, about 12 minutes on 2 cores

On real answers: the teacher of the recipe glyphs100, found among the runs or trained, and a student
that learned from it for an epoch. Each form is beside fp32, which is exact:

    bytes              of a picture
    angle_logits       degrees between the gradients of DKD at the student's logits, all pictures
    angle_weights      degrees between those at its weights, of one batch: the median
    norm_ratio         of the gradients at the logits
    tckd_off           largest difference of TCKD in a batch, as a part of it
    read_per_second    pictures read back from disk and unpacked, in random order

`ratio` is that of training steps: online, with the teacher asked in each, to cached. Of two
teachers `beside_one` is how much longer a step takes than by one of them: an ensemble that was
asked before costs nothing.

``--accuracy`` trains the student from each form, with three seeds, and writes a table into
docs/results: what is lost, if anything, beside fp32, and beside new views in every epoch.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from benchmarks._harness import Ratio, Report, facts, in_turn, milliseconds, parsed, parser
from tutelage.config import RunConfig, load, loads, override
from tutelage.engine import Reporter, run
from tutelage.engine.asking import with_cache
from tutelage.engine.build import build
from tutelage.engine.checkpoint import read_weights
from tutelage.engine.loop import Loop
from tutelage.engine.run import find_teacher, make_fabric, prepare
from tutelage.engine.teach import teach
from tutelage.lab.statistics import describe, paired_difference
from tutelage.lab.workers import carry_out, run_path
from tutelage.record import STUDENT, machine, read_run
from tutelage.teachers import Cache, make_form
from tutelage.types import Batch, Output, Progress

FORMS = ("fp32", "fp16", "int8", "top4", "top16", "draws4", "draws16", "draws64")
TABLE = Path(__file__).parents[1] / "docs" / "results" / "glyphs100-cache" / "accuracy.md"
RAMPED = Progress(epoch=100, epochs=100, step=99, steps_per_epoch=1)


class Told(Reporter):
    """Says what takes a while."""

    def note(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)


def glyphs(given: argparse.Namespace, *keys: str) -> RunConfig:
    """Return the recipe with its teacher found, or trained."""
    named = [f"teacher.weights={given.teacher!r}"] if given.teacher else []
    config = prepare(load("glyphs100", [f"run.dir={str(given.runs)!r}", *named, *keys]))
    return replace(config, teacher=find_teacher(config, Told()))


def patterns(folder: Path) -> RunConfig:
    """Return a run of seconds, on noisy patterns and under a teacher that knows them a little."""
    generator = np.random.default_rng(0)
    labels, shapes = np.arange(800) % 20, generator.integers(0, 200, (20, 12, 12))
    images = np.clip(shapes[labels] + generator.integers(-40, 55, (800, 12, 12)), 0, 255)
    arrays = {"x_train": images.astype(np.uint8), "y_train": labels}
    np.savez(folder / "patterns.npz", **arrays, x_test=arrays["x_train"], y_test=labels)
    text = '[data]\nname = "npz"\n[student]\nname = "glyph_student"\n[method]\nname = "ce"'
    keys = [f"data.root={str(folder / 'patterns.npz')!r}", f"run.dir={str(folder)!r}"]
    config = override(loads(text), [*keys, "train.epochs=2", "train.batch_size=32"])
    teacher = ["teacher.name=glyph_student", f"teacher.weights={str(run(config).path)!r}"]
    return prepare(override(config, [*teacher, "method.name=dkd", "schedule.name=constant"]))


def loop_of(config: RunConfig) -> Loop:
    """Return the loop of a run that writes nothing but its cache, if it has one."""
    built = with_cache(build(prepare(config), make_fabric(config)), Told())
    return Loop(built, Path(config.run.dir), None, Reporter())


@dataclass
class Gradients:
    """Those of one batch at the student's logits ``[B * C]`` and weights, and its TCKD."""

    logits: Tensor
    weights: Tensor
    tckd: float


def gradients(loop: Loop, batch: Batch, teacher_logits: Tensor) -> Gradients:
    """Return the gradients of the method's terms under these answers of the teacher."""
    # The bare network: Fabric's wants to have every backward pass for itself.
    student = Output(loop.built.network(batch.images))
    terms = loop.room.method.distill(student, Output(teacher_logits), batch, RAMPED)
    loss, weights = torch.stack([*terms.values()]).sum(), [*loop.built.network.parameters()]
    at_logits, *at_weights = torch.autograd.grad(loss, [student.logits, *weights])
    flat = torch.cat([part.flatten() for part in at_weights])
    return Gradients(at_logits.flatten().double(), flat.double(), float(terms["tckd"].detach()))


def degrees(one: Tensor, other: Tensor) -> float:
    """Return the angle between two vectors; by half angles, so that a small one has its digits."""
    one, other = one / one.norm(), other / other.norm()
    return float(torch.rad2deg(2 * torch.atan2((one - other).norm(), (one + other).norm())))


def fidelity(loop: Loop, forms: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return how far off the gradients of each form are."""
    teacher, method, exact = loop.room.teacher, loop.room.method, list[Gradients]()
    assert teacher is not None
    loop.built.network.eval()
    found: dict[str, list[Gradients]] = {form: [] for form in forms}
    for batch in loop.batches([*torch.arange(loop.plan.count).split(loop.train.batch_size)]):
        with loop.fabric.autocast():
            said = teacher.ask(batch).logits
        exact.append(gradients(loop, batch, said))
        for name in forms:
            shape, seed = tuple(said.shape[1:]), loop.built.config.data.split_seed
            form = make_form(name, shape, temperature=method.temperature, seed=seed)
            back = form.unpack(form.pack(said, batch), batch)
            found[name].append(gradients(loop, batch, back))
    whole = torch.cat([one.logits for one in exact])
    table = {}
    for name, these in found.items():
        own, pairs = torch.cat([one.logits for one in these]), [*zip(these, exact, strict=True)]
        table[name] = {
            "angle_logits": round(degrees(own, whole), 3),
            "angle_weights": round(median(degrees(a.weights, b.weights) for a, b in pairs), 3),
            "norm_ratio": round(float(own.norm() / whole.norm()), 4),
            "tckd_off": float(f"{max(abs(a.tckd / b.tckd - 1) for a, b in pairs):.1e}"),
        }
    return table


def reading(cache: Cache, size: int) -> Callable[[], object]:
    """Return a function that reads one batch of random pictures after the other."""
    targets = torch.zeros(cache.key.pictures, dtype=torch.int64)

    def batches() -> Iterator[Tensor]:
        while True:
            for index in torch.randperm(cache.key.pictures).split(size)[:-1]:
                batch = Batch(torch.empty(0), targets[index], index, view=1)
                yield cache.logits(batch)

    return partial(next, batches())


def steps(config: RunConfig) -> Callable[[], object]:
    """Return a function that takes the next step of a run."""
    return partial(next, loop_of(config).trial(10**6))


def measure(config: RunConfig, given: argparse.Namespace) -> None:
    """Measure every form, and an ensemble of two."""
    report = Report("times as fast a step as with the teacher asked", given.out, case="form")
    forms = FORMS[:-1] if given.small else FORMS
    taught = run(override(config, ["train.epochs=1", "run.labels_alone=false"]), reporter=Told())
    config = override(config, ["data.views=1", f"data.limit={given.pictures}"])
    judged = loop_of(config)
    judged.built.network.load_state_dict(read_weights(taught.path / STUDENT))
    table = fidelity(judged, forms)
    two = override(config, [f'teacher.others=["{config.teacher.weights}"]'])
    cached = {
        form: override(config, ["teacher.cache=auto", f"teacher.form={form}"]) for form in forms
    }
    caches = {form: teach(one, reporter=Told()) for form, one in cached.items()}
    contenders = {"online": steps(config), "online, 2 teachers": steps(two)}
    contenders |= {form: steps(one) for form, one in cached.items()}
    contenders["fp32, 2 teachers"] = steps(override(two, ["teacher.cache=auto"]))
    seconds = in_turn(contenders, rounds=given.rounds, turn_seconds=0.0 if given.small else 0.1)
    size = config.train.batch_size
    reads = in_turn(
        {form: reading(cache, size) for form, cache in caches.items()},
        rounds=given.rounds,
        turn_seconds=0.02,
    )
    report.add("online", milliseconds=milliseconds(seconds["online"]))
    for form in forms:
        report.add(
            form,
            ratio=Ratio.of(seconds["online"], seconds[form]),
            milliseconds=milliseconds(seconds[form]),
            bytes=caches[form].form.dtype.itemsize,
            **table[form],
            read_per_second=round(size / median(reads[form])),
        )
    two_online, two_cached = seconds["online, 2 teachers"], seconds["fp32, 2 teachers"]
    report.add(
        "online, 2 teachers",
        milliseconds=milliseconds(two_online),
        beside_one=round(Ratio.of(two_online, seconds["online"]).median, 3),
    )
    report.add(
        "fp32, 2 teachers",
        ratio=Ratio.of(two_online, two_cached),
        milliseconds=milliseconds(two_cached),
        beside_one=round(Ratio.of(two_cached, seconds["fp32"]).median, 3),
    )
    report.finish()


def accuracy(given: argparse.Namespace) -> None:
    """Train students from every form with the same seeds, and write the table."""
    keys = [f"train.epochs={given.epochs}", f"data.limit={given.limit}", "run.labels_alone=false"]
    config, views = glyphs(given, *keys), f"data.views={given.views}"
    arms = {"fp32": override(config, [views, "teacher.cache=auto"])}
    arms |= {form: override(arms["fp32"], [f"teacher.form={form}"]) for form in FORMS[1:]}
    caches = {form: teach(one, reporter=Told()) for form, one in arms.items()}
    arms["new views in every epoch"] = config
    seeds = range(given.seeds)
    runs = [
        prepare(override(one, [f"train.seed={seed}"])) for one in arms.values() for seed in seeds
    ]
    jobs = machine(threads=1).cores
    failures = carry_out(runs, jobs=jobs, threads=1, reporter=Told())
    if failures:
        raise SystemExit("\n".join(failures.values()))
    top1: dict[str, list[float]] = {name: [] for name in arms}
    for place, config in enumerate(runs):
        result = read_run(run_path(config)).result
        assert result is not None
        assert result.last_test is not None
        top1[[*arms][place // given.seeds]].append(100 * result.last_test.top1)
    here = facts()
    lines = [
        "# Students taught from a cache, form by form",
        "",
        f"Glyphs-100, its recipe's DKD, {given.epochs} epochs over {given.views} views of "
        f"{given.limit:,} pictures, last epoch, test split, {given.seeds} seeds in pairs, one "
        f"thread a run; {here['machine']}, torch {here['torch']}, {here['date']}. Repeat it by "
        f"`python -m benchmarks.bench_cache --accuracy --epochs {given.epochs} "
        f"--views {given.views} --limit {given.limit} --seeds {given.seeds}`.",
        "",
        "| form | bytes a picture and view | top-1, mean ± sd | minus fp32, 95 % interval |",
        "|---|---:|---:|---:|",
    ]
    for name, values in top1.items():
        size = caches[name].form.dtype.itemsize if name in caches else ""
        spread, told = describe(values), ""
        if name != "fp32":
            difference = paired_difference(values, top1["fp32"])
            told = f"{difference.mean:+.2f}"
            if difference.interval:
                told += f" [{difference.interval.low:+.2f}, {difference.interval.high:+.2f}]"
        deviation = "" if spread.sd is None else f" ± {spread.sd:.2f}"
        lines.append(f"| {name} | {size} | {spread.mean:.2f}{deviation} | {told} |")
    given.table.parent.mkdir(parents=True, exist_ok=True)
    given.table.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(*lines, f"Written to {given.table}", sep="\n")


def main() -> None:
    """Measure, print and write."""
    flags = parser(__doc__, "cache", rounds=20)
    flags.add_argument("--runs", type=Path, default=Path("runs"), help="folder of runs (runs)")
    flags.add_argument("--teacher", help="run folder; else it is found or trained by its recipe")
    flags.add_argument("--pictures", type=int, default=4096, help="asked about (4096)")
    flags.add_argument("--accuracy", action="store_true", help="measure that instead")
    flags.add_argument("--seeds", type=int, default=3, help="of --accuracy (3)")
    flags.add_argument("--epochs", type=int, default=8, help="of --accuracy (8)")
    flags.add_argument("--limit", type=int, default=20_000, help="of --accuracy (20000)")
    flags.add_argument("--views", type=int, default=4, help="of --accuracy (4)")
    flags.add_argument("--table", type=Path, default=TABLE, help="that --accuracy writes")
    given = parsed(flags)
    if given.accuracy:
        accuracy(given)
    elif given.small:
        with tempfile.TemporaryDirectory() as folder:
            measure(patterns(Path(folder)), given)
    else:
        measure(glyphs(given), given)


if __name__ == "__main__":
    main()
