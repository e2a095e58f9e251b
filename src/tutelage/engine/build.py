"""From a configuration to live objects: the only place where a name becomes a thing."""

import importlib.util
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import nn

from tutelage import data as data_room
from tutelage import models as models_room
from tutelage.config import RunConfig, TeacherConfig, check, with_method_options
from tutelage.data import DataOptions, DataSet
from tutelage.engine.checkpoint import load_weights
from tutelage.engine.ensemble import Ensemble
from tutelage.engine.fidelity import follow_mdistiller
from tutelage.engine.fold import folded
from tutelage.engine.optim import demand_split, make_optimizer
from tutelage.engine.remake import remake
from tutelage.engine.split_momentum import SplitMomentum
from tutelage.engine.step import Classroom
from tutelage.engine.taps import pair
from tutelage.engine.task import demand_fit, demand_task
from tutelage.engine.teacher import Teacher
from tutelage.engine.view import View
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError
from tutelage.methods import Method, make_method, methods
from tutelage.record import read_run


@dataclass(frozen=True, slots=True)
class Built:
    """What a configuration names, made: `network` is the bare student, without any wrapper."""

    config: RunConfig  # complete: the method's options with their defaults
    data: DataSet
    network: nn.Module
    room: Classroom


def complete(config: RunConfig) -> RunConfig:
    """Return `config` with every option of its method spelt out and checked.

    Raises:
        ConfigError: an unknown method or option, a value of the wrong type or range, or mixed
            pictures for a method that cannot do with them.
    """
    import_files(config.run.imports)
    method = methods[config.method.name]
    if config.data.mixup or config.data.cutmix:
        _demand_mixing(method)
    options = check(method.Config, config.method.options, where="[method]")
    return with_method_options(config, options)


def _demand_mixing(method: type[Method]) -> None:
    if method.mixes and method.views == 1:
        return
    why = "wants one label a picture" if not method.mixes else "sees several views of a picture"
    others = [name for name in methods if methods[name].mixes and methods[name].views == 1]
    raise ConfigError(
        f"data.mixup and data.cutmix mix pictures in pairs, and method {method.name} {why}: set "
        f"both to 0, or choose a method that can: {', '.join(others)}."
    )


def import_files(paths: Iterable[str]) -> None:
    """Import Python files that define own methods, networks or data sets, once each.

    A file is imported under its own stem, so that a network in ``nets.py`` is ``nets:function``.

    Raises:
        ConfigError: there is no such file, or its stem is the name of another module.
    """
    for path in (Path(path).expanduser().resolve() for path in paths):
        there = sys.modules.get(path.stem)
        if there and Path(getattr(there, "__file__", None) or "").resolve() == path:
            continue
        if not path.is_file() or path.suffix != ".py":
            raise ConfigError(f"run.imports must name Python files, and {str(path)!r} is none.")
        if there or importlib.util.find_spec(path.stem):
            raise ConfigError(
                f"run.imports: another module is named {path.stem!r}; rename {str(path)!r}."
            )
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None  # of a .py file there is always one
        assert spec.loader is not None
        module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[path.stem]
            raise


def load_data(config: RunConfig) -> DataSet:
    """Load the data set that the configuration names."""
    section = config.data
    options = DataOptions(
        root=Path(section.root).expanduser() if section.root else None,
        validation=section.validation,
        split_seed=section.split_seed,
        augment=section.augment,
        strong_augment=section.strong_augment,
        image_size=section.image_size,
        channels=section.channels,
        limit=section.limit,
        unlabelled=section.unlabelled,
    )
    return data_room.load(section.name, options)


def build_network(name: str, weights: str, data: DataSet) -> nn.Module:
    """Build a network for a data set, with fresh weights or those at the path `weights`."""
    network = models_room.build(
        name,
        num_classes=data.spec.num_classes,
        channels=data.spec.channels,
        task=data.spec.task,
    )
    if weights:
        load_weights(network, Path(weights).expanduser())
    return network


def build_teacher(section: TeacherConfig, data: DataSet) -> nn.Module:
    """Build the teacher, or all teachers as one network.

    Raises:
        ConfigError: one of the others is neither a run folder nor NETWORK=FILE.
    """
    first = build_network(section.name, section.weights, data)
    if not section.others:
        return first
    others = [build_network(*_named(other), data) for other in section.others]
    return Ensemble([first, *others], section.shares, section.combine)


def _named(teacher: str) -> tuple[str, str]:
    """Return the name of a further teacher's network and the path of its weights."""
    folder = Path(teacher).expanduser()
    if (folder / "run.toml").is_file():
        return read_run(folder).config.student.name, teacher
    name, equals, weights = teacher.partition("=")
    if not (name and equals and weights):
        raise ConfigError(
            f"teacher.others wants run folders, or NETWORK=FILE such as resnet32x4=r32x4.pth; "
            f"{teacher!r} is neither."
        )
    return name, weights


def build(config: RunConfig, fabric: Fabric) -> Built:
    """Build everything a run needs and set it up on the fabric's devices.

    The seed fixes the student's first weights before anything else draws, so that runs which differ
    in method or teacher start from the same student.
    """
    config = complete(config)
    train, kind = config.train, methods[config.method.name]
    if kind.needs_teacher and not config.teacher.name:
        raise ConfigError(
            f"method {kind.name} needs a teacher, got none: set teacher.name and teacher.weights."
        )
    demand_split(config.optimizer.name, kind, fabric)
    data = load_data(config)
    task = data.spec.task
    demand_task(kind, task, data.spec.name)
    demand_fit(config, task)
    view = View.of(config.student, data.spec)
    torch.manual_seed(train.seed)
    network = build_network(config.student.name, config.student.weights, data)
    found = models_room.places(config.student.name, network, view.shape, config.student.taps)
    teaching = its = None
    its_view = View.of(config.teacher, data.spec)
    if kind.needs_teacher:
        section = config.teacher
        teaching = build_teacher(section, data)
        first = teaching.networks[0] if isinstance(teaching, Ensemble) else teaching
        its = models_room.places(section.name, first, its_view.shape, section.taps)
    taps, teacher_taps = pair(kind, found, its)
    if its is not None:
        remake(kind, network, found, first.state_dict(), its.classifier)
    student, teacher = Watch(network, taps, view, task), None
    shapes = answers = models_room.probe(network, view.shape, taps=taps, task=task)
    if teaching is not None:
        quick = folded(teaching, teacher_taps)
        teacher = Teacher(teaching, teacher_taps, its_view, task, quick)
        answers = models_room.probe(teaching, its_view.shape, taps=teacher_taps, task=task)
    options = check(kind.Config, config.method.options, where="[method]")
    method = make_method(kind, options, shapes, answers, task)
    method.enrol(data.train.targets)
    if method.config.fidelity == "mdistiller":
        follow_mdistiller(network)
    layout = torch.channels_last if train.channels_last else torch.contiguous_format
    for module in [network, method, *([teacher.watch.network] if teacher else [])]:
        module.to(fabric.device).to(memory_format=layout)
    if teacher and config.teacher.compile:
        teacher.watch.network = compiled(teacher.watch.network)
    student.network = fabric.setup_module(compiled(network) if train.compile else network)
    # After the set-up: a sharding strategy replaces the parameters.
    scaled = train.precision == "16-mixed"
    trained = [*student.network.parameters(), *method.parameters()]
    optimizer = make_optimizer(config.optimizer, trained, scaled=scaled)
    room = Classroom(
        fabric=fabric,
        student=student,
        teacher=teacher,
        method=method,
        optimizer=cast(torch.optim.Optimizer, fabric.setup_optimizers(optimizer)),
        clip_norm=train.clip_norm or math.inf,
        parts=train.accumulate,
        scaled=scaled,
        split=optimizer if isinstance(optimizer, SplitMomentum) else None,
        unlabelled=len(data.train.labelled) < len(data.train),
        confidence=config.teacher.confidence,
    )
    torch.manual_seed(train.seed + 1)  # dropout draws alike, whatever the method built
    return Built(config, data, network, room)


def compiled(network: nn.Module) -> nn.Module:
    """Return a network that torch.compile compiles at its first pass, taps and all.

    Code that was compiled for one network serves others like it. What tells them apart are also
    their hooks, by which taps watch, and torch must be told to look at them.
    """
    torch._dynamo.config.skip_nnmodule_hook_guards = False
    return cast(nn.Module, torch.compile(network))
