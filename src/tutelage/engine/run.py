"""A run from its configuration to its result: found again, begun, gone on with, finished."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException

from tutelage.config import (
    RunConfig,
    StudentConfig,
    TeacherConfig,
    checked,
    fingerprint,
    load,
    run_id,
    to_mapping,
)
from tutelage.config.run import INDIFFERENT, FixedPrecision
from tutelage.engine.asking import adopt, no_cache, with_cache
from tutelage.engine.build import Built, build, complete
from tutelage.engine.cached import demand_cacheable
from tutelage.engine.checkpoint import NAME as CHECKPOINT
from tutelage.engine.checkpoint import read_weights
from tutelage.engine.confusion import Confusions
from tutelage.engine.judge import meet, read_teacher
from tutelage.engine.loop import Loop
from tutelage.engine.report import Reporter
from tutelage.engine.result import make_result
from tutelage.errors import ConfigError, RecordError, TeacherError
from tutelage.methods import methods
from tutelage.record import (
    STUDENT,
    STUDENT_BEST,
    Evaluation,
    Run,
    RunWriter,
    list_runs,
    read_run,
    state,
)


def run(config: RunConfig, *, resume: bool = False, reporter: Reporter | None = None) -> Run:
    """Carry out the run that a configuration describes and return its record.

    A complete run of the same configuration is not done again: its record is returned. An
    unfinished one is gone on with if `resume` says so; its end weights are then bit-identical to
    those of a run that was never interrupted (on a CPU, with the same number of threads).

    Raises:
        ConfigError, DataError, ModelError: something the configuration names is not there or does
            not fit.
        TeacherError: the teacher is missing, no better than chance, or was changed.
        RecordError: the run is there, unfinished, and `resume` was not asked for.
        NonFiniteError: training diverged; the last checkpoint is kept.
    """
    reporter = reporter or Reporter()
    config = settled(config)
    config = replace(config, run=replace(config.run, name=run_id(config)))
    path = Path(config.run.dir) / config.run.name
    _demand_same(config, path)
    if state(path) == "complete":
        reporter.note(f"{path} is complete already: shown from its record.")
        return read_run(path)
    # The record keeps the recipe of the teacher, not the place where it lies today.
    resolved = replace(config, teacher=find_teacher(config, reporter))
    with torch_threads(config.fabric.threads):
        fabric = make_fabric(config)
        built = with_cache(build(resolved, fabric), reporter)
        with _writer(fabric, path, config, resume, reporter) as writer:
            _carry_out(built, path, writer, reporter)
        fabric.barrier()  # the record is read by every process, once the first has written it
    return read_run(path)


def prepare(config: RunConfig) -> RunConfig:
    """Return `config` checked and complete, and without a teacher if its method needs none."""
    config = complete(checked(config))
    config = replace(config, train=replace(config.train, precision=_precision(config)))
    config = replace(config, train=replace(config.train, channels_last=_channels_last(config)))
    if not methods[config.method.name].needs_teacher:
        return replace(config, teacher=TeacherConfig())
    if config.teacher.cache:
        demand_cacheable(config)
    return config


def settled(config: RunConfig) -> RunConfig:
    """Return `config` prepared, and with the views of its cache where it leaves them to that.

    Raises:
        TeacherError: it leaves them to a cache, and none that is there fits.
    """
    config = prepare(config)
    if not config.teacher.cache or config.data.views:
        return config
    untrained = replace(config, teacher=replace(config.teacher, train=False))
    try:
        teacher = find_teacher(untrained, Reporter())
    except TeacherError as error:  # so there is no cache of it
        raise no_cache(config) from error
    return adopt(config, teacher)


def _precision(config: RunConfig) -> FixedPrecision:
    """Return the precision, ``auto`` decided by what this machine computes natively.

    That is bfloat16 on GPUs from Ampere on and on CPUs with AMX or AVX512-BF16, else float32.
    """
    if config.train.precision != "auto":
        return config.train.precision
    if _on_cpu(config):
        narrow = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    else:
        narrow = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bf16-mixed" if narrow else "32-true"


def _channels_last(config: RunConfig) -> bool:
    """Return the layout of pictures, ``auto`` decided by what convolutions here are quick in.

    On a CPU that is channels last, in every precision; on other devices where their units for 16
    bits compute.
    """
    if config.train.channels_last != "auto":
        return config.train.channels_last
    return _on_cpu(config) or "16" in _precision(config)


def _on_cpu(config: RunConfig) -> bool:
    found = torch.cuda.is_available() or torch.backends.mps.is_available()
    accelerator = config.fabric.accelerator
    return accelerator == "cpu" or (accelerator == "auto" and not found)


def make_fabric(config: RunConfig) -> Fabric:
    """Return the launched fabric of a run: its devices, processes and precision."""
    section, precision = config.fabric, _precision(config)
    on_cpu = _on_cpu(config)
    if on_cpu and precision.startswith("16"):
        raise ConfigError(
            f"train.precision={precision} needs a GPU, and the run is on the CPU; use bf16-mixed, "
            f"which has the range of float32, or 32-true."
        )
    try:
        fabric = Fabric(
            accelerator="cpu" if on_cpu else section.accelerator,
            devices=section.devices,
            strategy=section.strategy,
            num_nodes=section.nodes,
            precision=precision,
        )
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        raise ConfigError(
            f"this machine cannot run accelerator {section.accelerator}, devices "
            f"{section.devices}, strategy {section.strategy}, precision {precision}: {error}"
        ) from error
    fabric.launch()
    return fabric


def find_run(config: RunConfig) -> Run | None:
    """Return the newest complete run of this configuration in its folder, if any."""
    wanted = fingerprint(prepare(config))
    for found in list_runs(Path(config.run.dir)):
        if found.result and found.result.config_fingerprint == wanted:
            return found
    return None


def teacher_config(config: RunConfig) -> RunConfig:
    """Return the configuration of the run that makes the teacher of `config`."""
    recipe = load(config.teacher.recipe)
    return replace(
        recipe,
        data=replace(recipe.data, root=config.data.root, workers=config.data.workers),
        fabric=replace(recipe.fabric, threads=config.fabric.threads),
        run=replace(recipe.run, dir=config.run.dir, imports=config.run.imports),
    )


def find_teacher(config: RunConfig, reporter: Reporter) -> TeacherConfig:
    """Return the teacher's section with its weights found, or made by its recipe, and its name.

    Raises:
        TeacherError: it is not among the runs, and was not to be trained.
    """
    section = config.teacher
    if section.weights:
        weights = Path(section.weights).expanduser()
        if (weights / "run.toml").is_file():
            return _as_it_was_taught(section, read_run(weights).config.student)
        return section
    if not section.recipe:
        return section
    recipe = teacher_config(config)
    found = find_run(recipe)
    if found:
        reporter.note(f"The teacher is {found.path}, trained before.")
    elif section.train and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        reporter.note(
            f"Training the teacher {recipe.student.name} first; it is kept for next time."
        )
        found = run(recipe, resume=True, reporter=reporter)
    else:
        raise TeacherError(
            f"the teacher of recipe {section.recipe!r} is not among the runs in {config.run.dir}: "
            f"train it with `tutelage train {section.recipe}`, give its weights with "
            f"teacher.weights=PATH, or let this command, begun by a single process, train it with "
            f"teacher.train=true."
        )
    section = _as_it_was_taught(section, recipe.student)
    return replace(section, name=recipe.student.name, weights=str(found.path))


def _as_it_was_taught(section: TeacherConfig, student: StudentConfig) -> TeacherConfig:
    """Return the teacher's section, what it leaves out filled in by the run that made it."""
    return replace(
        section,
        name=section.name or student.name,
        image_size=section.image_size or student.image_size,
        mean=section.mean or student.mean,
        std=section.std or student.std,
    )


def _demand_same(config: RunConfig, path: Path) -> None:
    """Refuse to take a run of another configuration for this one, which a given name can make."""
    if state(path) == "new":
        return
    there = prepare(read_run(path).config)
    if fingerprint(there) == fingerprint(config):
        return
    ours, theirs = to_mapping(config), to_mapping(there)
    differing = [
        f"{section}.{key}"
        for section, table in ours.items()
        for key in sorted({*table, *theirs[section]})
        if f"{section}.{key}" not in INDIFFERENT and table.get(key) != theirs[section].get(key)
    ]
    raise RecordError(
        f"the run {path} is of another configuration, and differs in {', '.join(differing)}; give "
        f"this one another run.name."
    )


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` CPU threads meanwhile; 0 leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _writer(
    fabric: Fabric, path: Path, config: RunConfig, resume: bool, reporter: Reporter
) -> Iterator[RunWriter | None]:
    """Open the run folder on the first process; the others get None."""
    if not fabric.is_global_zero:
        yield None
        return
    going_on = resume and state(path) == "unfinished"
    writer = RunWriter.resume(path) if going_on else RunWriter.create(path, config)
    reporter.note(f"{'Going on with' if going_on else 'Writing'} {path}")
    with writer:
        yield writer


def _carry_out(built: Built, path: Path, writer: RunWriter | None, reporter: Reporter) -> None:
    """Train, read the test split once, and write what it came to."""
    room, config, test = built.room, built.config, built.data.test
    loop = Loop(built, path, writer, reporter)
    loop.resume()
    teacher = _meet_teacher(loop)
    loop.run()
    loop.keep(STUDENT)
    confusions = Confusions(room.fabric, built.data.spec)
    reading = loop.read(room.student, test, also=confusions.student)
    last_test = loop.note("student", "test", reading, config.train.epochs)
    best_test = None
    if loop.clock.best_epoch:
        room.student.network.load_state_dict(read_weights(path / STUDENT_BEST))
        reading = loop.read(room.student, test)
        best_test = loop.note("student", "test", reading, loop.clock.best_epoch)
    if room.teacher:
        read_teacher(loop, "test", also=confusions.teacher)
        room.teacher.verify()
    classes = confusions.told()
    if writer:
        if classes:
            writer.put_classes(classes)
        writer.finish(make_result(loop, path, writer, teacher, last_test, best_test))
        (path / CHECKPOINT).unlink(missing_ok=True)


def _meet_teacher(loop: Loop) -> Evaluation | None:
    """Read the teacher, or find the reading from before the resumption; see `meet`."""
    if loop.room.teacher is None:
        return None
    return read_run(loop.folder).evaluations[0] if loop.clock.evaluations else meet(loop)
