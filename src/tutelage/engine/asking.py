"""The cache of a run: found by what the answers depend on, and filled by asking the teacher."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from tutelage import __version__
from tutelage.config import RunConfig, TeacherConfig
from tutelage.data import datasets
from tutelage.engine.build import Built, build
from tutelage.engine.cached import CachedTeacher, on_cpu
from tutelage.engine.judge import meet, read_teacher
from tutelage.engine.loop import Loop
from tutelage.engine.report import Reporter
from tutelage.engine.view import View
from tutelage.errors import ConfigError, TeacherError
from tutelage.teachers import HEADER, Cache, CacheWriter, Header, Key, caches, kind_of

FOLDER = "teachers"
"""Where in the folder of all runs caches lie, unless `teacher.cache` is a path."""


def with_cache(built: Built, reporter: Reporter) -> Built:
    """Return the same with a `CachedTeacher`, where the configuration asks for one.

    Raises:
        ConfigError, TeacherError, RecordError: see `whole_cache`.
    """
    if built.room.teacher is None or not built.config.teacher.cache:
        return built
    cache = whole_cache(built, reporter)
    reporter.note(f"The teacher's answers are read from {cache.path}")
    return _reading(built, cache)


def whole_cache(built: Built, reporter: Reporter) -> Cache:
    """Return the cache of what was built; about what it lacks the teacher is asked first.

    Where its answers in fp32 lie among the runs, those are read instead, and kept in this form too.
    Of several processes the first asks, and the others wait for each shard.

    Raises:
        ConfigError: the form cannot hold answers to such data.
        TeacherError: the teacher is no better than chance, or another cache is in this place.
        RecordError: another process writes the cache, or its files are broken.
    """
    key, fabric = key_of(built), built.room.fabric
    path = _place(built.config, key)
    if exact := _exact(built, key):
        built = replace(built, room=replace(built.room, teacher=exact))
    loop = Loop(built, path, None, reporter)
    if (path / HEADER).exists():
        cache = Cache(path)
        cache.demand(key)
        if not cache.missing:
            return cache
        header = cache.header
    else:  # a reading takes all processes
        others = caches(path.parent) if built.config.teacher.cache == "auto" else []
        if nearest := min((other.differences(key) for other in others), key=len, default=[]):
            reporter.note(f"No cache in {path.parent} fits; of the nearest {'; '.join(nearest)}.")
        header = Header(key=key, validation=meet(loop), test=read_teacher(loop, "test"))
    fabric.barrier()
    writer = CacheWriter(path, header) if fabric.is_global_zero else None
    fabric.barrier()
    cache = Cache(path)
    missing, whole = cache.missing, key.views * key.pictures
    fabric.barrier()
    count = sum(len(part) for _, part in missing)
    source = f"Reading of {exact.cache.path}" if exact else "Asking the teacher about"
    reporter.note(f"{source} {count:,} pictures; its answers go to {path}")
    reporter.asking(whole, whole - count)
    try:
        for view, part in missing:
            if writer:
                _ask(loop, writer, view, part)
            fabric.barrier()
    finally:
        reporter.stop()
        if writer:
            writer.close()
    return cache


def cache_at_hand(built: Built) -> Built:
    """Return the same with a `CachedTeacher` where its cache is there and whole; nothing is asked.

    Raises:
        ConfigError: the form cannot hold answers to such data.
        TeacherError: another cache is in this place.
    """
    if built.room.teacher is None or not built.config.teacher.cache:
        return built
    key = key_of(built)
    path = _place(built.config, key)
    if not (path / HEADER).exists():
        return built
    cache = Cache(path)
    cache.demand(key)
    if cache.missing:
        return built
    return replace(
        built, room=replace(built.room, teacher=CachedTeacher(built.room.teacher, cache))
    )


def key_of(built: Built) -> Key:
    """Return what the answers of the teacher depend on.

    Raises:
        ConfigError: the form cannot hold answers to such data.
    """
    config, data, room = built.config, built.data, built.room
    section, spec = config.teacher, data.spec
    assert room.teacher is not None
    parts = kind_of(section.form).parts
    if parts and (spec.task != "classes" or room.unlabelled):
        raise ConfigError(
            f"teacher.form={section.form} keeps the one true class of each picture apart, and "
            f"{spec.name} has {'some without' if room.unlabelled else spec.task}: take "
            f"teacher.form=fp32, fp16 or int8."
        )
    name, its = section.name, View.of(section, spec)
    if section.others:
        name = f"{name} and {len(section.others)} more, mean of {section.combine}"
    size = (spec.num_classes, spec.height, spec.width)[: 3 if spec.task == "pixels" else 1]
    standard = datasets[config.data.name].policy
    key = Key(
        teacher=name,
        teacher_sha256=room.teacher.sha256,
        teacher_sees=_pictures(its.shape, its.mean, its.std),
        data=spec.name,
        data_sees=_pictures((spec.channels, spec.height, spec.width), spec.mean, spec.std),
        data_fingerprint=data.train.fingerprint(),
        pictures=len(data.train),
        augment=standard if config.data.augment == "standard" else config.data.augment,
        split_seed=config.data.split_seed,
        views=config.data.views,
        logits="x".join(map(str, size)),
        form=section.form,
        temperature=room.method.temperature if parts else None,
        precision=config.train.precision + (", compiled" if section.compile else ""),
        layout="channels last" if config.train.channels_last else "contiguous",
        code=f"tutelage {__version__}, torch {torch.__version__}",
    )
    key.make_form()
    return key


def adopt(config: RunConfig, teacher: TeacherConfig) -> RunConfig:
    """Return `config` with as many views as its cache has: of those that fit, the fullest.

    `teacher` is its own section with the weights found.

    Raises:
        TeacherError: no whole cache fits.
    """
    if config.teacher.cache != "auto":
        views = Cache(Path(config.teacher.cache).expanduser()).key.views
        return replace(config, data=replace(config.data, views=views))
    # Built only to be looked at, so on one device whatever the run has.
    built = build(replace(config, teacher=teacher), Fabric(accelerator="cpu", devices=1))
    wanted, folder = key_of(built), Path(config.run.dir) / FOLDER
    fitting = [one for one in caches(folder) if one.key == replace(wanted, views=one.key.views)]
    views = max((one.key.views for one in fitting if not one.missing), default=0)
    if not views:
        raise no_cache(config)
    return replace(config, data=replace(config.data, views=views))


def no_cache(config: RunConfig) -> TeacherError:
    """Return the error that no whole cache fits a run that leaves its views to one."""
    form = "" if config.teacher.form == "fp32" else f" --form {config.teacher.form}"
    return TeacherError(
        f"there is no whole cache in {Path(config.run.dir) / FOLDER} of this teacher, data, "
        f"augmentation, precision, temperature and form: make one by `tutelage teach RECIPE "
        f"--views 4{form}` with the same keys, or let this run make one of data.views=4."
    )


def _reading(built: Built, cache: Cache) -> Built:
    assert built.room.teacher is not None
    teacher = CachedTeacher(built.room.teacher, cache)
    return replace(built, room=replace(built.room, teacher=teacher))


def _place(config: RunConfig, key: Key) -> Path:
    if config.teacher.cache == "auto":
        return Path(config.run.dir) / FOLDER / key.name
    return Path(config.teacher.cache).expanduser()


def _exact(built: Built, key: Key) -> CachedTeacher | None:
    """Return the teacher whose answers lie whole in fp32 among the runs, for another form."""
    wide = replace(key, form="fp32", temperature=None)
    path = Path(built.config.run.dir) / FOLDER / wide.name
    if key == wide or not (path / HEADER).exists():
        return None
    assert built.room.teacher is not None
    cache = Cache(path)
    return None if cache.missing else CachedTeacher(built.room.teacher, cache)


def _pictures(shape: tuple[int, ...], mean: tuple[float, ...], std: tuple[float, ...]) -> str:
    return f"{'x'.join(map(str, shape))}, mean {[*mean]}, deviation {[*std]}"


def _ask(loop: Loop, writer: CacheWriter, view: int, part: range) -> None:
    """Ask the teacher about the pictures of one shard, and write it."""
    room, seconds, records = loop.room, 0.0, []
    assert room.teacher is not None
    loop.clock.epoch = view  # the first epochs show one each
    for batch in loop.batches([*torch.tensor(part).split(loop.train.batch_size)]):
        started = time.perf_counter()
        with room.fabric.autocast():
            logits = room.teacher.ask(batch).logits.cpu()
        seconds += time.perf_counter() - started
        records.append(writer.form.pack(logits, on_cpu(batch)))
        loop.reporter.asked(len(logits))
    if isinstance(room.teacher, CachedTeacher):
        seconds = room.teacher.cache.shards[view, part.start].seconds
    writer.add(view, part.start, np.concatenate(records), seconds)
