"""What a run came to, gathered from all that knows a part of it."""

import hashlib
from pathlib import Path

import torch

from tutelage.config import fingerprint
from tutelage.data import DataSet
from tutelage.engine.cached import CachedTeacher
from tutelage.engine.loop import Loop
from tutelage.losses import computed_by
from tutelage.models import count_parameters
from tutelage.record import (
    STUDENT,
    STUDENT_BEST,
    Evaluation,
    Result,
    RunWriter,
    commit,
    file_sha256,
    machine,
    peak_memory_bytes,
    read_run,
    source_commit,
    utc,
    versions,
)


def make_result(
    loop: Loop,
    path: Path,
    writer: RunWriter,
    teacher: Evaluation | None,
    last_test: Evaluation,
    best_test: Evaluation | None,
) -> Result:
    """Return what a run came to, once it is trained and read."""
    built, clock, room = loop.built, loop.clock, loop.room
    config, data, device = built.config, built.data, loop.fabric.device
    on_gpu = device.type == "cuda"
    on_validation = {
        evaluation.epoch: evaluation
        for evaluation in read_run(path).evaluations
        if (evaluation.network, evaluation.split) == ("student", "validation")
    }
    lineage = Path(config.teacher.weights).expanduser() if config.teacher.weights else None
    return Result(
        run=path.name,
        seed=config.train.seed,
        epochs=config.train.epochs,
        steps=config.train.epochs * loop.plan.steps,
        best_validation=on_validation.get(clock.best_epoch),
        last_validation=on_validation.get(config.train.epochs),
        best_test=best_test,
        last_test=last_test,
        teacher=teacher,
        seconds=clock.train_seconds + clock.evaluation_seconds,
        images_per_second=clock.images / clock.train_seconds,
        peak_memory_bytes=peak_memory_bytes(),
        peak_device_memory_bytes=torch.cuda.max_memory_allocated(device) if on_gpu else None,
        student_parameters=count_parameters(built.network),
        teacher_parameters=count_parameters(room.teacher.network) if room.teacher else None,
        extra_parameters=count_parameters(room.method),
        config_fingerprint=fingerprint(writer.config),
        data_fingerprint=_data_fingerprint(data),
        student_sha256=file_sha256(path / STUDENT),
        student_best_sha256=file_sha256(path / STUDENT_BEST) if best_test else None,
        teacher_sha256=room.teacher.sha256 if room.teacher else None,
        teacher_run=str(lineage) if lineage and (lineage / "run.toml").is_file() else None,
        teacher_seconds_saved=(
            clock.images * room.teacher.cache.picture_seconds
            if isinstance(room.teacher, CachedTeacher)
            else None
        ),
        commit=source_commit(),
        working_commit=commit(Path.cwd()),
        versions=versions() | {"losses": "torch" if on_gpu else computed_by()},
        machine=machine(
            threads=torch.get_num_threads(),
            accelerator=torch.cuda.get_device_name(device) if on_gpu else device.type,
        ),
        started=writer.started,
        finished=utc(),
    )


def _data_fingerprint(data: DataSet) -> str:
    """Return one SHA-256 for the splits together."""
    digest = hashlib.sha256()
    for split in (data.train, data.validation, data.test):
        digest.update((split.fingerprint() if split else "none").encode())
    return digest.hexdigest()
