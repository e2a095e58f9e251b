"""The teacher: where it comes from, and what it knows."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest
from torch import Tensor

from tutelage.config import RunConfig, TeacherConfig
from tutelage.data import DataSet
from tutelage.engine.build import build_teacher
from tutelage.engine.doctor.chart import Chart, some, spread
from tutelage.engine.evaluate import evaluate
from tutelage.engine.report import Reporter
from tutelage.engine.run import find_teacher, teacher_config
from tutelage.engine.view import View
from tutelage.engine.watch import Watch
from tutelage.errors import NonFiniteError, TeacherError, TutelageError
from tutelage.losses import target_probability
from tutelage.methods import Method
from tutelage.record import read_run

PICTURES = 2000  # on which the teacher is judged


def resolved(chart: Chart, config: RunConfig) -> TeacherConfig:
    """Return the teacher's section with its name and, if there are any yet, its weights."""
    section = config.teacher
    asked = replace(config, teacher=replace(section, train=False))
    try:
        section = find_teacher(asked, Reporter())
    except TeacherError as error:  # it is not among the runs
        if section.train:
            chart.ok("teacher", f"it will be trained first, by its recipe {section.recipe!r}.")
        else:
            chart.error("teacher", str(error))
        return replace(section, name=section.name or teacher_config(config).student.name)
    except TutelageError as error:
        chart.error("teacher", str(error))
        return section
    if not section.name or not section.weights:
        chart.error(
            "teacher",
            f"{section.name} has no weights, and would teach what it does not know."
            if section.name
            else "the method needs a teacher, and none is named.",
            "Set teacher.name and teacher.weights, or teacher.recipe and teacher.train=true.",
        )
    folder = Path(section.weights).expanduser()
    if section.weights and (folder / "run.toml").is_file():
        chart.attempt("teacher", _look_at_lineage, chart, config, folder)
    return section


def _look_at_lineage(chart: Chart, config: RunConfig, folder: Path) -> None:
    own, its = config.data, read_run(folder).config.data
    keys = ("name", "validation", "split_seed", "image_size", "channels")
    pairs = {key: (getattr(its, key), getattr(own, key)) for key in keys}
    other = [f"data.{key} {was!r}, now {now!r}" for key, (was, now) in pairs.items() if was != now]
    if other:
        chart.warn(
            "teacher",
            f"{folder} was trained on other data: {', '.join(other)}.",
            "Where only the split differs, it has seen some pictures that are held out here, and "
            "validation flatters it: use one split for both.",
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """What the teacher says of pictures it was asked about: ``[N, C]`` and ``[N]``, on the CPU."""

    logits: Tensor
    target: Tensor
    split: str
    seconds: float


@torch.inference_mode()
def ask(config: RunConfig, fabric: Fabric, data: DataSet) -> Answers:
    """Ask the teacher about up to `PICTURES` validation pictures, or train ones without those.

    Raises:
        NonFiniteError: an answer is not finite.
    """
    started, split = time.perf_counter(), data.validation or data.train
    network = build_teacher(config.teacher, data)
    watch = Watch(network.to(fabric.device).eval(), view=View.of(config.teacher, data.spec))
    places = split.labelled[spread(len(split.labelled), PICTURES)]
    plan = places.split(2 * config.train.batch_size)
    logits, target = [], []
    for batch in split.batches(plan, augment=False, seed=0, epoch=0, workers=config.data.workers):
        with fabric.autocast():
            logits.append(watch(fabric.to_device(batch.images)).logits.cpu())
        target.append(batch.target)
    name = "validation" if data.validation else "train"
    answers = Answers(torch.cat(logits), torch.cat(target), name, time.perf_counter() - started)
    if not answers.logits.isfinite().all():
        raise NonFiniteError(
            f"the teacher's answers must be finite, but are not in {config.train.precision}; "
            f"look at its weights, or set train.precision=32-true."
        )
    return answers


def look_at_measure(chart: Chart, config: RunConfig, fabric: Fabric, data: DataSet) -> None:
    """Judge the teacher by the task's own measure, where pictures have more than one label."""
    network = build_teacher(config.teacher, data)
    name = "validation" if data.validation else "train"
    reading = evaluate(
        fabric,
        Watch(network.to(fabric.device), None, View.of(config.teacher, data.spec), data.spec.task),
        data.validation or data.train,
        num_classes=data.spec.num_classes,
        task=data.spec.task,
        batch_size=2 * config.train.batch_size,
        workers=config.data.workers,
        limit=PICTURES,
    )
    found = f"it {reading.story} {name} pictures; chance is {reading.chance:.2%}"
    if reading.measure <= reading.chance:
        chart.error(
            "teacher",
            f"{found}: the run would stop.",
            "Look at teacher.weights, the normalisation, and the classes and their order.",
        )
    else:
        chart.ok("teacher", f"{found}.")


def look_at_answers(chart: Chart, answers: Answers, classes: tuple[str, ...]) -> None:
    """Judge the teacher by its answers: how often it is right, and how it numbers the classes."""
    count = len(answers.target)
    predicted = answers.logits.argmax(1)
    right = float((predicted == answers.target).double().mean())
    chance, largest = 1 / len(classes), float(answers.target.bincount().max()) / count
    found = (
        f"it is right on {right:.2%} of {count:,} {answers.split} pictures; chance is {chance:.2%}"
    )
    if right <= chance:
        chart.error(
            "teacher",
            f"{found}: the run would stop.",
            "Look at teacher.weights, the normalisation, and the classes and their order.",
        )
    elif right <= largest + 3 * math.sqrt(largest * (1 - largest) / count):
        chart.warn(
            "teacher",
            f"{found}, and always saying the largest class gives {largest:.2%}.",
            "Train the teacher longer, or look at its normalisation and input size.",
        )
    else:
        chart.ok("teacher", f"{found}.")
    if order := reordered(predicted, answers.target, len(classes)):
        pairs = [f"{classes[of]!r} is its class {its}" for of, its in order.items()]
        chart.error(
            "class order",
            f"{len(order)} classes come in another order to the teacher: {some(pairs)}"
            f"{_likely_cause(order, classes)}.",
            "Number the classes as the teacher's training did, or train it on these.",
        )


def reordered(predicted: Tensor, target: Tensor, num_classes: int) -> dict[int, int]:
    """Return which classes a network consistently calls by the number of another one.

    The best one-to-one naming is fitted on every second picture and judged on the others: it must
    be right there on most pictures, on most of the classes it renames, and more often than the
    plain naming (one-sided sign test, p < 0.001). A network that merely errs yields nothing, and
    neither does one that is right on less than half under any naming.

    Shapes: `predicted` and `target` ``[N]``, class numbers.

    >>> target = torch.arange(300) % 3
    >>> reordered(torch.tensor([0, 2, 1])[target], target, 3)
    {1: 2, 2: 1}
    >>> reordered(target, target, 3)
    {}
    """
    # By class, so that the halves hold the same classes, whatever the order of the split.
    predicted, target = predicted[by_class := target.argsort(stable=True)], target[by_class]
    table = torch.zeros(num_classes, num_classes, dtype=torch.int64)  # [target, predicted]
    table.index_put_((target[::2], predicted[::2]), torch.tensor(1), accumulate=True)
    # Doubled, and one more for the plain naming, which so wins where nothing else speaks.
    naming = torch.from_numpy(linear_sum_assignment(2 * table + torch.eye(num_classes), True)[1])
    renamed = (naming != torch.arange(num_classes)) & (table.argmax(1) == naming)
    renamed &= table.sum(1) > 0
    told, true = predicted[1::2], target[1::2]
    gained, lost = (told == naming[true]), (told == true)
    if (
        not renamed.any()
        or min(gained.double().mean(), gained[renamed[true]].double().mean()) <= 0.5
    ):
        return {}
    changes = int((gained & ~lost).sum()), int((lost & ~gained).sum())
    if binomtest(changes[0], max(sum(changes), 1), alternative="greater").pvalue >= 1e-3:
        return {}
    return {of: int(naming[of]) for of in renamed.nonzero().flatten().tolist()}


def _likely_cause(order: Mapping[int, int], classes: tuple[str, ...]) -> str:
    alphabet = {name: number for number, name in enumerate(sorted(classes))}
    if all(alphabet[classes[of]] == its for of, its in order.items()):
        return "; it sorts them by name"
    shifts = {its - of for of, its in order.items()}
    return f"; its numbers are shifted by {shifts.pop():+d}" if len(shifts) == 1 else ""


def look_at_confidence(chart: Chart, method: Method, answers: Answers) -> None:
    """Say how sure the teacher is at the method's temperature, and what that makes of NCKD."""
    temperature, options = method.temperature, method.config
    p_t = target_probability(answers.logits, answers.target, temperature=temperature)
    rest = float((1 - p_t).mean())
    found = (
        f"at temperature {temperature:g} it gives the true class p_t = {1 - rest:.3f} on average, "
        f"all others together 1 - p_t = {rest:.3f}: by this KD weighs what it knows of the others "
        f"(NCKD)"
    )
    if (beta := getattr(options, "beta", None)) and hasattr(options, "coupling"):
        weights = {power: beta * float(((1 - p_t) ** power).mean()) for power in (0.0, 1.0)}
        now = beta * float(((1 - p_t) ** options.coupling).mean())
        others = [
            f"method.coupling={power:g} would weigh it {weight:.3g}"
            for power, weight in weights.items()
            if power != options.coupling
        ]
        found += f"; here NCKD weighs {now:.3g}, and {' and '.join(others)}"
    chart.ok("confidence", f"{found}.")
