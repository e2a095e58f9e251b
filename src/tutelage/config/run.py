"""What determines a run: one frozen dataclass per section of a recipe.

A comment beside or above a field is its help text: `tutelage.config.describe` reads it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

Name = Annotated[str, MinLen(1)]
Count = Annotated[int, Ge(1)]
CountOrZero = Annotated[int, Ge(0)]
Positive = Annotated[float, Gt(0)]
PositiveOrZero = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Lt(1)]
Factor = Annotated[float, Ge(0), Le(1)]

Option = bool | int | float | str | list[Any] | Mapping[str, Any]
"""What a method's own option may hold at this level; the method's Config checks it later. A table
holds the options of one part of a sum of methods."""

FixedPrecision = Literal[
    "32-true",
    "bf16-mixed",
    "bf16-true",
    "16-mixed",
    "16-true",
    "64-true",
    "transformer-engine",
]
Precision = Literal["auto", FixedPrecision]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """The pictures and how they are split."""

    name: Name = "glyphs100"  # the data set; `tutelage list data` shows all
    root: str = ""  # folder that holds the files; empty = the usual places
    validation: Share = 0.1  # share of train held out, where the set has no validation split
    split_seed: CountOrZero = 0  # seed of that split
    augment: Name = "standard"  # augmentation policy; standard = the data set's own, or none
    # policy of further views, for methods that see several; strong = that of augment and more
    strong_augment: Name = "strong"
    mixup: PositiveOrZero = 0.0  # alpha of mixup's Beta distribution; 0 = no mixup
    cutmix: PositiveOrZero = 0.0  # alpha of CutMix's; 0 = no CutMix; with both, half and half
    views: CountOrZero = 0  # views of each picture, shown epoch by epoch in turn; 0 = always new
    image_size: CountOrZero = 0  # pixels a side, of image folders; 0 = the data set's own
    channels: Literal[0, 1, 3] = 0  # 1 = grey, 3 = colour, 0 = the data set's own
    limit: CountOrZero = 0  # use only so many pictures of each split; 0 = all
    unlabelled: Share = 0.0  # share of the train pictures whose labels are hidden, class by class
    workers: CountOrZero = 0  # processes that read pictures; 0 = none beside the run itself


@dataclass(frozen=True, kw_only=True, slots=True)
class TeacherConfig:
    """The network that teaches."""

    name: str = ""  # the network; empty = no teacher, or as its weights say
    weights: str = ""  # a run folder or a .safetensors, .pt or .pth file
    recipe: str = ""  # recipe by which the teacher is trained, or found again among the runs
    train: bool = False  # train it by its recipe when it is not found
    taps: tuple[str, ...] = ()  # module paths of its stages, shallow to deep; empty = found
    others: tuple[Name, ...] = ()  # further teachers: run folders, or NETWORK=FILE of weights
    # weights of all teachers in their mean, in order; scaled to sum to 1, empty = equal
    shares: tuple[PositiveOrZero, ...] = ()
    combine: Literal["probabilities", "logits"] = "probabilities"  # of which the mean is taken
    compile: bool = False  # compile it with torch.compile: quicker steps after a slow first one
    # pictures without a label are left out where the teacher's largest probability is below this
    confidence: Factor = 0.0
    # keep its answers: auto = among the runs, or the path of a folder; empty = ask at every step
    cache: str = ""
    form: Name = "fp32"  # in which they are kept: fp32, fp16, int8, top<k> or draws<k>
    image_size: CountOrZero = 0  # pixels a side it was made for; 0 = as its run or the data say
    mean: tuple[float, ...] = ()  # of each channel, 0..1, that it was made for; empty = likewise
    std: tuple[Positive, ...] = ()  # of each channel, that it was made for; empty = likewise


@dataclass(frozen=True, kw_only=True, slots=True)
class StudentConfig:
    """The network that learns."""

    name: Name  # the network; `tutelage list models` shows all
    weights: str = ""  # weights to start from, as for the teacher; empty = fresh ones
    taps: tuple[str, ...] = ()  # module paths of its stages, shallow to deep; empty = found
    image_size: CountOrZero = 0  # pixels a side it is made for; 0 = the data's own
    mean: tuple[float, ...] = ()  # of each channel, 0..1, that it is made for; empty = the data's
    std: tuple[Positive, ...] = ()  # of each channel, that it is made for; empty = the data's


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodConfig:
    """How the student is taught. In TOML the options stand flat in ``[method]``."""

    name: Name = (
        "dkd"  # the method; `tutelage list methods` shows all, or with a name the options of one
    )
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimizerConfig:
    """How the weights move."""

    # sgd reads momentum and nesterov; dot and deepkd momentum and delta; adamw betas and eps
    name: Literal["sgd", "adamw", "dot", "deepkd"] = "sgd"
    lr: Positive = 0.05  # learning rate at the start, after warm-up
    momentum: Share = 0.9  # of sgd, dot and deepkd
    delta: Share = 0.075  # of dot and deepkd: how far the loss terms' momenta lie from momentum
    nesterov: bool = False  # of sgd
    weight_decay: PositiveOrZero = 5e-4  # of every weight, biases and norms included
    betas: tuple[Share, Share] = (0.9, 0.999)  # of adamw
    eps: Positive = 1e-8  # of adamw


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleConfig:
    """How the learning rate moves."""

    name: Literal["multistep", "cosine", "constant"] = "multistep"  # shape after warm-up
    # epochs, counted from 1, after which multistep drops: 150 acts from epoch 151 on
    milestones: tuple[Count, ...] = (150, 180, 210)
    gamma: Factor = 0.1  # factor of each drop of multistep
    min_factor: Factor = 0.0  # cosine ends at this times the learning rate
    warmup_epochs: PositiveOrZero = 0.0  # epochs over which the learning rate rises from 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """How long and how large the steps are."""

    epochs: Count = 240  # passes over the train split
    batch_size: Count = 64  # pictures per optimiser step, over all devices and accumulated parts
    seed: CountOrZero = 0  # of weights, order and augmentation
    precision: Precision = "auto"  # number types; auto = bf16-mixed where native, else 32-true
    # memory layout of pictures, which convolutions prefer; auto = on CPUs, on GPUs with 16 bits
    channels_last: Literal["auto"] | bool = "auto"
    compile: bool = False  # compile the student with torch.compile
    accumulate: Count = 1  # parts in which each step's batch is run, to save memory
    clip_norm: PositiveOrZero = 0.0  # largest gradient norm; 0 = no clipping
    evaluate_every: Count = 1  # epochs between evaluations on the validation split
    checkpoint_seconds: PositiveOrZero = 60.0  # seconds between checkpoints inside an epoch
    record_every: Count = 50  # steps per recorded row


@dataclass(frozen=True, kw_only=True, slots=True)
class FabricConfig:
    """Where it runs; handed to Lightning Fabric."""

    accelerator: Literal["auto", "cpu", "cuda", "gpu", "mps", "tpu"] = "auto"  # auto = the best
    devices: Count = 1  # processes per node, one device each
    strategy: Name = "auto"  # ddp, fsdp or another of Fabric's; auto = as devices ask for
    nodes: Count = 1  # machines
    threads: CountOrZero = 0  # CPU threads of torch; 0 = leave as they are


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlace:
    """Where the run is written."""

    dir: Name = "runs"  # folder of all runs
    name: str = ""  # the run's own folder in it; empty = made from the configuration
    imports: tuple[str, ...] = ()  # Python files that define own methods or models
    labels_alone: bool = False  # also train the student on labels alone, unless that run is there


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole run, every key resolved.

    Values given in Python are not checked here; `tutelage.config.checked` does that.

    >>> RunConfig(student=StudentConfig(name="resnet8x4")).optimizer.lr
    0.05
    """

    data: DataConfig = field(default_factory=DataConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    student: StudentConfig
    method: MethodConfig = field(default_factory=MethodConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    fabric: FabricConfig = field(default_factory=FabricConfig)
    run: RunPlace = field(default_factory=RunPlace)


INDIFFERENT = frozenset(
    {
        "data.root",
        "data.workers",
        "teacher.cache",  # of answers in fp32 the run is the same to the bit
        "teacher.train",
        "train.checkpoint_seconds",
        "train.record_every",
        "fabric.accelerator",
        "fabric.strategy",
        "fabric.threads",
        "run.dir",
        "run.name",
        "run.imports",
        "run.labels_alone",
    }
)
"""Keys that do not determine the result, and so do not count in the fingerprint. `fabric.devices`
and `fabric.nodes` count: batch normalisation sees the part of a batch that a device holds."""


def to_mapping(config: RunConfig) -> dict[str, dict[str, Any]]:
    """Return the tables of a recipe: every key resolved, options flat, tuples as lists.

    A method option that is None is left out, since TOML has no null and absence says the same.
    """
    return {section.name: _table(getattr(config, section.name)) for section in fields(config)}


def with_method_options(config: RunConfig, options: Any) -> RunConfig:
    """Return `config` with the options of its method complete.

    `options` is the checked instance of the method's own Config dataclass. What is recorded should
    have passed through here: only then does it say every number the method used.
    """
    if not is_dataclass(options) or isinstance(options, type):
        raise TypeError(f"options must be an instance of a dataclass, got {options!r}")
    return replace(config, method=replace(config.method, options=_table(options)))


def fingerprint(config: RunConfig) -> str:
    """Return 12 hexadecimal digits that change with whatever determines the result.

    That is every key but those of `INDIFFERENT`. The numbers 6 and 6.0 count as the same; an
    option left out and the same option spelt out do not, so complete the method's options first
    (`with_method_options`).
    """
    telling = {
        f"{section}.{key}": _number_as_number(value)
        for section, table in to_mapping(config).items()
        for key, value in table.items()
        if f"{section}.{key}" not in INDIFFERENT
    }
    text = json.dumps(telling, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_id(config: RunConfig) -> str:
    """Return the name of the run's folder: `run.name`, or data, student, method, seed, fingerprint.

    >>> run_id(RunConfig(student=StudentConfig(name="timm/resnet18"), run=RunPlace(name="mine")))
    'mine'
    >>> run_id(RunConfig(student=StudentConfig(name="timm/resnet18"))).rpartition("-")[0]
    'glyphs100-timm_resnet18-dkd-s0'
    """
    if config.run.name:
        return config.run.name
    names = (config.data.name, config.student.name, config.method.name)
    parts = [re.sub(r"[^A-Za-z0-9._]+", "_", name)[:40] for name in names]
    whole = "-".join([*parts, f"s{config.train.seed}", fingerprint(config)[:8]])
    return re.sub(r"^\.+", "_", whole)  # a folder that begins with a dot would be hidden


def contradictions(config: RunConfig) -> Iterator[tuple[str, str, str]]:
    """Yield section, key and text of what no single key can be blamed for."""
    optimizer, schedule, train, fabric = (
        config.optimizer,
        config.schedule,
        config.train,
        config.fabric,
    )
    if optimizer.name == "sgd" and optimizer.nesterov and optimizer.momentum == 0:
        yield "optimizer", "nesterov", "wanted a momentum above 0 beside it, got momentum = 0."
    yield from _split_momentum(config)
    yield from _teachers(config.teacher)
    milestones = list(schedule.milestones)
    if milestones != sorted(set(milestones)):
        yield "schedule", "milestones", f"wanted epochs in rising order, got {milestones}."
    parts = fabric.devices * fabric.nodes * train.accumulate
    if train.batch_size < parts:
        yield (
            "train",
            "batch_size",
            f"wanted at least 1 picture for each of {parts} parts (fabric.devices * fabric.nodes * "
            f"train.accumulate), got {train.batch_size}.",
        )
    name = config.run.name
    if name and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", name):
        yield (
            "run",
            "name",
            f"wanted the name of one folder, of letters, digits and '.', '_', '-', got {name!r}.",
        )


def _split_momentum(config: RunConfig) -> Iterator[tuple[str, str, str]]:
    optimizer = config.optimizer
    if optimizer.name not in ("dot", "deepkd"):
        return
    momentum, delta = optimizer.momentum, optimizer.delta
    if not delta <= momentum < 1 - delta:
        yield (
            "optimizer",
            "delta",
            f"wanted momentum - delta of at least 0 and momentum + delta below 1, got "
            f"{momentum:g} and {delta:g}.",
        )
    if optimizer.nesterov:
        yield "optimizer", "nesterov", f"wanted false beside name = {optimizer.name!r}, got true."
    if config.train.precision == "16-mixed":
        yield (
            "train",
            "precision",
            f"wanted another than 16-mixed beside optimizer.name = {optimizer.name!r}: a gradient "
            f"scaler sees only one gradient a step; take bf16-mixed.",
        )
    if config.train.compile:
        yield (
            "train",
            "compile",
            f"wanted false beside optimizer.name = {optimizer.name!r}, got true: compiled code "
            f"allows one backward pass a step.",
        )


def _teachers(teacher: TeacherConfig) -> Iterator[tuple[str, str, str]]:
    if teacher.form != "fp32" and not teacher.cache:
        yield (
            "teacher",
            "form",
            f"says how a cache keeps answers, got {teacher.form!r} without one: add "
            f'teacher.cache = "auto".',
        )
    count, shares = 1 + len(teacher.others), teacher.shares
    if shares and (len(shares) != count or sum(shares) == 0):
        yield (
            "teacher",
            "shares",
            f"wanted {count} numbers, one for each teacher, not all 0, got {list(shares)}.",
        )


def _table(section: Any) -> dict[str, Any]:
    table = {key: _lists(value) for key, value in asdict(section).items() if value is not None}
    if isinstance(section, MethodConfig):
        table |= table.pop("options")
    return table


def _lists(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_lists(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return value


def _number_as_number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number_as_number(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _number_as_number(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
