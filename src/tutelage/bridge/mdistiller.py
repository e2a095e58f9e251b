"""Configurations of mdistiller (github.com/megvii-research/mdistiller, a08d46f) as recipes.

What a configuration leaves out has the default of that code's ``mdistiller/engine/cfg.py``, not the
one of a recipe: its weight decay, for one, is 1e-4.
"""

import json
from ast import literal_eval
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from textwrap import wrap
from typing import Any

from tutelage.config import recipes
from tutelage.errors import ConfigError, did_you_mean

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The tables of a recipe, and what a reader of the configuration should know beside them."""

    tables: Tables
    not_needed: tuple[str, ...]  # keys that mean nothing here, and why
    heed: tuple[str, ...]  # where the recipe is not quite the configuration, or wants something

    def toml(self, source: str) -> str:
        """Return the recipe as a TOML file that says where it comes from: `source`."""
        tables = self.tables
        teacher = f" from {tables['teacher']['name']}" if "teacher" in tables else ""
        lines = [
            f"# {tables['data']['name']}: {tables['student']['name']} by "
            f"{tables['method']['name']}{teacher}, as mdistiller's {source} has it",
            "#",
            "# Imported. All training pictures are trained on, so there is no best epoch: the last "
            "counts.",
        ]
        for title, notes in {"Heed": self.heed, "Not needed": self.not_needed}.items():
            if notes:
                lines += ["#", f"# {title}:"]
            for note in notes:
                lines += wrap(note, 96, initial_indent="#   ", subsequent_indent="#     ")
        for section, table in tables.items():
            # JSON is TOML for the texts, numbers, truths and lists there are.
            entries = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
            lines += ["", f"[{section}]", *entries]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of that code: its default, and the key of a recipe that says the same.

    Where there is none, `why` says so; a `fixed` one is followed at its default alone.
    """

    default: object
    ours: str = ""
    why: str = ""
    fixed: bool = False


_LOG = Key("", why="a run records itself; `tutelage show` tells it")
_MEASURED = Key((), why="channels and sizes are measured here")
_GUARD = Key(0.0, why="numerical guards are the loss's own here")

KEYS: dict[str, Key] = {
    "EXPERIMENT.PROJECT": _LOG,
    "EXPERIMENT.NAME": _LOG,
    "EXPERIMENT.TAG": _LOG,
    "DATASET.TYPE": Key("cifar100", "data.name"),
    "DATASET.NUM_WORKERS": Key(2, "data.workers"),
    "DATASET.TEST.BATCH_SIZE": Key(64, why="no result depends on it"),
    "DISTILLER.TYPE": Key("NONE", "method.name"),
    "DISTILLER.TEACHER": Key("ResNet50", "teacher.name"),
    "DISTILLER.STUDENT": Key("resnet32", "student.name"),
    "SOLVER.TRAINER": Key("base", "optimizer.name"),
    "SOLVER.BATCH_SIZE": Key(64, "train.batch_size"),
    "SOLVER.EPOCHS": Key(240, "train.epochs"),
    "SOLVER.LR": Key(0.05, "optimizer.lr"),
    "SOLVER.LR_DECAY_STAGES": Key([150, 180, 210], "schedule.milestones"),
    "SOLVER.LR_DECAY_RATE": Key(0.1, "schedule.gamma"),
    "SOLVER.WEIGHT_DECAY": Key(1e-4, "optimizer.weight_decay"),
    "SOLVER.MOMENTUM": Key(0.9, "optimizer.momentum"),
    "SOLVER.TYPE": Key("SGD", why="SGD is the only one it has", fixed=True),
    "SOLVER.DOT.DELTA": Key(0.075, "optimizer.delta"),
    "LOG.TENSORBOARD_FREQ": Key(500, why=_LOG.why),
    "LOG.SAVE_CHECKPOINT_FREQ": Key(40, why="train.checkpoint_seconds is its kin"),
    "LOG.PREFIX": Key("./output", why="run.dir is the folder of all runs"),
    "LOG.WANDB": Key(True, why=_LOG.why),
    "KD.TEMPERATURE": Key(4, "method.temperature"),
    "KD.LOSS.CE_WEIGHT": Key(0.1, "method.ce_weight"),
    "KD.LOSS.KD_WEIGHT": Key(0.9, "method.kd_weight"),
    "AT.P": Key(2, "method.power"),
    "AT.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "AT.LOSS.FEAT_WEIGHT": Key(1000.0, "method.at_weight"),
    "RKD.DISTANCE_WEIGHT": Key(25, "method.distance_weight"),
    "RKD.ANGLE_WEIGHT": Key(50, "method.angle_weight"),
    "RKD.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "RKD.LOSS.FEAT_WEIGHT": Key(1.0, why="the two weights are multiplied by it"),
    "RKD.PDIST.EPSILON": _GUARD,
    "RKD.PDIST.SQUARED": Key(False, why="distances are not squared here", fixed=True),
    "FITNET.HINT_LAYER": Key(2, why="the stage in the middle, which is 2, is compared", fixed=True),
    "FITNET.INPUT_SIZE": _MEASURED,
    "FITNET.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "FITNET.LOSS.FEAT_WEIGHT": Key(100.0, "method.fitnet_weight"),
    "KDSVD.K": Key(1, "method.vectors"),
    "KDSVD.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "KDSVD.LOSS.FEAT_WEIGHT": Key(1.0, "method.kdsvd_weight"),
    "OFD.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "OFD.LOSS.FEAT_WEIGHT": Key(0.001, "method.ofd_weight"),
    "OFD.CONNECTOR.KERNEL_SIZE": Key(1, why="connectors are 1x1 convolutions here", fixed=True),
    "NST.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "NST.LOSS.FEAT_WEIGHT": Key(50.0, "method.nst_weight"),
    "PKT.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "PKT.LOSS.FEAT_WEIGHT": Key(30000.0, "method.pkt_weight"),
    "SP.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "SP.LOSS.FEAT_WEIGHT": Key(3000.0, "method.sp_weight"),
    "VID.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "VID.LOSS.FEAT_WEIGHT": Key(1.0, "method.vid_weight"),
    "VID.EPS": _GUARD,
    "VID.INIT_PRED_VAR": Key(5.0, "method.initial_variance"),
    "VID.INPUT_SIZE": _MEASURED,
    "CRD.MODE": Key("exact", why="the exact mode is the one there is", fixed=True),
    "CRD.FEAT.DIM": Key(128, "method.dimensions"),
    "CRD.FEAT.STUDENT_DIM": Key(256, why=_MEASURED.why),
    "CRD.FEAT.TEACHER_DIM": Key(256, why=_MEASURED.why),
    "CRD.LOSS.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "CRD.LOSS.FEAT_WEIGHT": Key(0.8, "method.crd_weight"),
    "CRD.NCE.K": Key(16384, "method.negatives"),
    "CRD.NCE.MOMENTUM": Key(0.5, "method.momentum"),
    "CRD.NCE.TEMPERATURE": Key(0.07, "method.contrast_temperature"),
    "REVIEWKD.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "REVIEWKD.REVIEWKD_WEIGHT": Key(1.0, "method.reviewkd_weight"),
    "REVIEWKD.WARMUP_EPOCHS": Key(20, "method.warmup_epochs"),
    "REVIEWKD.SHAPES": _MEASURED,
    "REVIEWKD.OUT_SHAPES": _MEASURED,
    "REVIEWKD.IN_CHANNELS": _MEASURED,
    "REVIEWKD.OUT_CHANNELS": _MEASURED,
    "REVIEWKD.MAX_MID_CHANNEL": Key(512, why="that code does not read it either"),
    "REVIEWKD.STU_PREACT": Key(False, "method.student_preactivations"),
    "DKD.CE_WEIGHT": Key(1.0, "method.ce_weight"),
    "DKD.ALPHA": Key(1.0, "method.alpha"),
    "DKD.BETA": Key(8.0, "method.beta"),
    "DKD.T": Key(4.0, "method.temperature"),
    "DKD.WARMUP": Key(20, "method.warmup_epochs"),
}
METHODS = {
    "NONE": "ce", "KD": "kd", "AT": "at", "OFD": "ofd", "RKD": "rkd", "FITNET": "fitnet",
    "KDSVD": "kdsvd", "CRD": "crd", "NST": "nst", "PKT": "pkt", "SP": "sp", "VID": "vid",
    "REVIEWKD": "reviewkd", "DKD": "dkd",
}  # fmt: skip
TRAINERS = {"base": "sgd", "crd": "sgd", "dot": "dot", "crd_dot": "dot"}
DATA = {"cifar100": "cifar100", "imagenet": "imagenet", "tiny_imagenet": "tiny-imagenet"}
CHOICES: dict[str, Mapping[str, str]] = {
    "DISTILLER.TYPE": METHODS,
    "SOLVER.TRAINER": TRAINERS,
    "DATASET.TYPE": DATA,
    "SOLVER.TYPE": {"SGD": "sgd"},
}

_SMALL = {
    "ResNet18": "resnet18_cifar", "ResNet50": "resnet50_cifar", "MobileNetV2": "mobilenetv2",
    "ShuffleV1": "shufflenetv1", "ShuffleV2": "shufflenetv2",
}  # fmt: skip
_SAME = (
    "resnet8", "resnet14", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "resnet8x4",
    "resnet32x4", "wrn_16_1", "wrn_16_2", "wrn_40_1", "wrn_40_2", "vgg8", "vgg11", "vgg13", "vgg16",
    "vgg19",
)  # fmt: skip
NETWORKS: dict[str, dict[str, str]] = {
    "cifar100": {name: name for name in _SAME} | _SMALL,
    "imagenet": {
        **{f"ResNet{depth}": f"torchvision/resnet{depth}" for depth in (18, 34, 50, 101)},
        "MobileNetV1": "mobilenetv1",
        "MobileNetV2": "mobilenetv1",  # the same network, before it was renamed in fae6658
    },
    "tiny_imagenet": {
        "ResNet18": "resnet18_cifar",
        "MobileNetV2": "mobilenetv2_tiny",
        "ShuffleV2": "shufflenetv2",
    },
}
"""By data set, what that code calls a network, and what it is called here."""

_CIFAR_TEACHER = "download_ckpts/cifar_teachers/{}_vanilla/ckpt_epoch_240.pth"
_HUB = "~/.cache/torch/hub/checkpoints/{}"
WEIGHTS: dict[str, dict[str, str]] = {
    "cifar100": {
        name: _CIFAR_TEACHER.format(name)
        for name in ("resnet56", "resnet110", "resnet32x4", "ResNet50", "wrn_40_2", "vgg13")
    },
    "imagenet": {
        "ResNet18": _HUB.format("resnet18-5c106cde.pth"),
        "ResNet34": _HUB.format("resnet34-333f7ec4.pth"),
        "ResNet50": _HUB.format("resnet50-19c8e357.pth"),
        "ResNet101": _HUB.format("resnet101-5d3b4d8f.pth"),
    },
    "tiny_imagenet": {
        "ResNet18": "download_ckpts/tiny_imagenet_teachers/ResNet18_vanilla/ti_res18"
    },
}
"""By data set and network, where that code finds the weights of a teacher."""


def read(path: Path) -> Recipe:
    """Return the recipe that equals the configuration in a YAML file.

    Raises:
        ConfigError: there is no such file, it is no YAML, or not a configuration of that code.
    """
    import yaml  # only this command needs it

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: wanted a YAML file: {error}") from error
    if not isinstance(given, Mapping):
        raise ConfigError(f"{path}: wanted a mapping of keys, got {type(given).__name__}.")
    return recipe_of(given, where=f"{path}: ")


def recipe_of(given: Mapping[Any, object], where: str = "") -> Recipe:
    """Return the recipe that equals a configuration of that code.

    >>> made = recipe_of({"DISTILLER": {"TYPE": "DKD", "TEACHER": "vgg13", "STUDENT": "vgg8"}})
    >>> made.tables["method"]["beta"], made.tables["optimizer"]["weight_decay"]
    (8.0, 0.0001)

    Raises:
        ConfigError: an unknown key, network, method or data set, or a value of the wrong type: all
            mistakes at once, a line each, which `where` opens.
    """
    own = {name: _decoded(name, value) for name, value in _leaves(given)}
    values = {name: key.default for name, key in KEYS.items()} | own
    if lines := [f"{where}{line}" for line in _mistakes(own, values)]:
        raise ConfigError("\n".join(lines))
    kind, data = str(values["DISTILLER.TYPE"]), str(values["DATASET.TYPE"])
    sections = ("data", "teacher", "student", "method", "optimizer", "schedule", "train")
    tables: Tables = {section: {} for section in sections}
    tables["schedule"]["name"] = "multistep"
    for name, key in KEYS.items():
        if key.ours and _counts(name, values):
            section, _, ours = key.ours.partition(".")
            value = values[name]
            names = NETWORKS[data] if section in ("teacher", "student") else CHOICES.get(name, {})
            tables[section][ours] = names.get(str(value), value)
    if kind == "RKD":
        for weight in ("distance_weight", "angle_weight"):
            tables["method"][weight] *= values["RKD.LOSS.FEAT_WEIGHT"]
    tables["data"]["validation"] = 0.0
    tables["train"]["precision"] = "32-true"
    tables["method"]["fidelity"] = "mdistiller"
    if kind == "NONE":
        del tables["teacher"]
    else:
        tables["teacher"] |= _teacher(data, str(values["DISTILLER.TEACHER"]))
    return Recipe(tables, tuple(_not_needed(own, values)), tuple(_heed(own, values, tables)))


def _leaves(given: Mapping[Any, object], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in given.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        else:
            yield name, value


def _decoded(name: str, value: object) -> object:
    """Read text as that code does: YAML knows neither 5e-4 as a number nor (32, 32) as a list."""
    if isinstance(value, str) and name in KEYS and not isinstance(KEYS[name].default, str):
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = literal_eval(value)
    return list(value) if isinstance(value, tuple) else value


def _mistakes(own: Mapping[str, object], values: Mapping[str, object]) -> Iterator[str]:
    for name, value in own.items():
        if name not in KEYS:
            yield f"{name}: no such key.{did_you_mean(name, KEYS)}"
        elif wanted := _wanted(value, KEYS[name].default):
            yield f"{name}: wanted {wanted}, got {value!r}."
    networks = NETWORKS.get(str(values["DATASET.TYPE"]))
    choices = CHOICES | ({} if networks is None else {"DISTILLER.STUDENT": networks})
    if networks is not None and values["DISTILLER.TYPE"] != "NONE":
        choices["DISTILLER.TEACHER"] = networks
    for name, there in choices.items():
        value = str(values[name])
        if value not in there:
            yield (
                f"{name}: wanted one of {', '.join(there)}, got {value!r}."
                f"{did_you_mean(value, there)}"
            )


def _wanted(value: object, default: object) -> str:
    """Say what is wanted instead of `value`, or nothing where it is of the default's kind."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, int | float):
        return "" if _is_number(value) else "a number"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "text"
    is_list = isinstance(value, list) and all(map(_is_number, value))
    return "" if is_list else "a list of numbers"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _counts(name: str, values: Mapping[str, object]) -> bool:
    """Tell whether a key has a say: other methods' have none, nor DOT's or a teacher's unused."""
    section = name.partition(".")[0]
    if name == "SOLVER.DOT.DELTA":
        return TRAINERS[str(values["SOLVER.TRAINER"])] == "dot"
    if name == "DISTILLER.TEACHER":
        return values["DISTILLER.TYPE"] != "NONE"
    return section not in METHODS or section == values["DISTILLER.TYPE"]


def _teacher(data: str, name: str) -> dict[str, str]:
    recipe = f"{DATA[data]}-{name.lower()}"
    return {
        "weights": WEIGHTS[data].get(name, ""),
        "recipe": recipe if recipe in recipes() else "",
    }


def _not_needed(own: Mapping[str, object], values: Mapping[str, object]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for name in own:
        key = KEYS[name]
        if not _counts(name, values):
            by_reason.setdefault("no say in this run", []).append(name)
        elif key.why and not key.fixed:
            by_reason.setdefault(key.why, []).append(name)
    for reason, names in by_reason.items():
        yield f"{', '.join(names)}: {reason}"


def _heed(own: Mapping[str, object], values: Mapping[str, object], tables: Tables) -> Iterator[str]:
    for name, value in own.items():
        key = KEYS[name]
        if key.fixed and value != key.default and _counts(name, values):
            yield f"{name} = {value!r} is not followed: {key.why}"
    teacher = tables.get("teacher", {})
    if teacher and teacher["weights"]:
        here = ", or teacher.weights= teacher.train=true to train it" if teacher["recipe"] else ""
        yield f"teacher.weights is where that code has them. Else give teacher.weights=FILE{here}."
    elif teacher:
        yield "teacher.weights is empty: that code has no weights of this teacher. Give a file."
    if (values["DATASET.TYPE"], values["DISTILLER.STUDENT"]) == ("imagenet", "MobileNetV2"):
        yield (
            "DISTILLER.STUDENT: what that code called MobileNetV2 on ImageNet is MobileNet of the "
            "first version; it was renamed later (fae6658)."
        )
