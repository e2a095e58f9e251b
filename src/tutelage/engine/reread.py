"""Reading the student of a finished run again, on the same data or on other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from tutelage.config import override
from tutelage.data import DataSet
from tutelage.engine.build import import_files, load_data
from tutelage.engine.checkpoint import load_weights, read_weights
from tutelage.engine.evaluate import Reading, evaluate
from tutelage.engine.remake import build_finished
from tutelage.engine.run import make_fabric
from tutelage.engine.view import View
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError
from tutelage.record import STUDENT, STUDENT_BEST, read_run

FILES = {"last": STUDENT, "best": STUDENT_BEST}


def load_student(
    folder: Path, which: str = "last", overrides: Sequence[str] = ()
) -> tuple[nn.Module, DataSet]:
    """Return the student of a run, at its last or best epoch, and its data set.

    Raises:
        ConfigError: `which` is neither last nor best.
        RecordError, ModelError: there is no run, or no such weights in it.
    """
    if which not in FILES:
        raise ConfigError(f"wanted the student at its last or best epoch, got {which!r}.")
    config = override(read_run(folder).config, overrides)
    import_files(config.run.imports)
    data = load_data(config)
    weights = folder / FILES[which]
    network = build_finished(
        config,
        read_weights(weights),
        image_shape=View.of(config.student, data.spec).shape,
        num_classes=data.spec.num_classes,
    )
    load_weights(network, weights)
    return network, data


def reread(
    folder: Path, *, split: str = "validation", which: str = "last", overrides: Sequence[str] = ()
) -> Reading:
    """Read the student of a run on a split of its data, or of the data that `overrides` name.

    Raises:
        ConfigError: the data set has no such split.
    """
    network, data = load_student(folder, which, overrides)
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    chosen = splits.get(split)
    if chosen is None:
        there = ", ".join(name for name, pictures in splits.items() if pictures)
        raise ConfigError(f"{data.spec.name} has no split {split!r}; it has {there}.")
    config = override(read_run(folder).config, overrides)
    fabric = make_fabric(replace(config, fabric=replace(config.fabric, devices=1, strategy="auto")))
    view = View.of(config.student, data.spec)
    watch = Watch(network.to(fabric.device), view=view, task=data.spec.task)
    return evaluate(
        fabric,
        watch,
        chosen,
        num_classes=data.spec.num_classes,
        task=data.spec.task,
        batch_size=2 * config.train.batch_size,
        workers=config.data.workers,
    )
