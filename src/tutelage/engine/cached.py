"""A teacher that was asked before, and which runs can do with its answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tutelage.config import RunConfig
from tutelage.engine.teacher import Teacher
from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.teachers import Cache, kind_of
from tutelage.types import Batch, Output


class CachedTeacher(Teacher):
    """A teacher whose answers are read from a cache. Its network is there, and does not run."""

    def __init__(self, teacher: Teacher, cache: Cache) -> None:
        vars(self).update(vars(teacher))  # the same teacher, who answers from memory
        self.cache = cache

    def ask(self, batch: Batch) -> Output:
        """Return what the teacher said of these views of these pictures."""
        logits = self.cache.logits(on_cpu(batch))
        return Output(logits.to(batch.images.device, non_blocking=True))


def on_cpu(batch: Batch) -> Batch:
    """Return a batch whose index and target lie where answers are packed and unpacked."""
    return replace(batch, target=batch.target.cpu(), index=batch.index.cpu())


def demand_cacheable(config: RunConfig) -> None:
    """Refuse `teacher.cache` for what answers on disk cannot serve.

    Raises:
        ConfigError: the method wants more than logits, or other pictures than were asked about.
    """
    kind, form = methods[config.method.name], kind_of(config.teacher.form)
    if why := _wants_more(kind):
        raise ConfigError(
            f"teacher.cache keeps what a teacher says of single pictures, and method {kind.name} "
            f"{why}: leave teacher.cache empty, or take a method that fits: "
            f"{_that_fit(form.sparse)}."
        )
    if form.sparse and (not kind.sparse or _standardises(config.method.options)):
        raise ConfigError(
            f"teacher.form={config.teacher.form} leaves logits of -inf, which method {kind.name} "
            f"cannot take{' standardised' if kind.sparse else ''}: take another form, or a method "
            f"that fits: {_that_fit(True)}."
        )
    if config.data.mixup or config.data.cutmix:
        raise ConfigError(
            "teacher.cache knows single pictures, and data.mixup and data.cutmix mix others in "
            "every batch: set both to 0, or leave teacher.cache empty."
        )
    if config.train.precision == "64-true":
        raise ConfigError(
            "teacher.cache keeps logits of 32 bits at most, and train.precision is 64-true: leave "
            "teacher.cache empty."
        )


def _wants_more(kind: type[Method]) -> str:
    if kind.taps or kind.remakes:
        return "looks into its network"
    return "sees several views of a picture at once" if kind.views > 1 else ""


def _that_fit(sparse: bool) -> str:
    return ", ".join(
        name
        for name in methods
        if methods[name].needs_teacher and not _wants_more(methods[name])
        if methods[name].sparse or not sparse
    )


def _standardises(options: Mapping[str, Any]) -> bool:
    """Say whether the method, or a part of a sum, standardises logits."""
    parts = [value for value in options.values() if isinstance(value, Mapping)]
    return any(one.get("standardise", False) for one in [options, *parts])
