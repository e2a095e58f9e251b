"""Small runs as the engine records them, without training anything."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from tutelage.config import fingerprint, loads
from tutelage.record import ClassMeans, Evaluation, Machine, Result, Row, RunWriter

TEACHER_ACCURACY = 0.948
EPOCHS = 3
CLASSES = ClassMeans(
    split="test",
    names=["zero", "one", "seven"],
    counts=[10, 10, 10],
    others=[[1, 2], [0, 2], [0, 1]],
    student=[[0.03, 0.02], [0.01, 0.21], [0.02, 0.19]],
    student_target=[0.95, 0.78, 0.79],
    teacher=[[0.02, 0.01], [0.01, 0.11], [0.01, 0.09]],
    teacher_target=[0.97, 0.88, 0.9],
)

TEACHER = """
[data]
name = "glyphs100"
[student]
name = "glyph_teacher"
[method]
name = "ce"
[train]
epochs = 3
"""

STUDENT = """
[data]
name = "glyphs100"
[teacher]
weights = "{teacher}"
[student]
name = "glyph_student"
[method]
name = "{method}"
[train]
epochs = 3
"""


def write_runs(folder: Path) -> Path:
    """Record a teacher, and a student of it by KD and one by DKD; return the folder."""
    teacher = write_run(folder / "glyphs-teacher", TEACHER, TEACHER_ACCURACY)
    write_student(folder / "glyphs-kd", teacher, "kd", 0.892)
    write_student(folder / "glyphs-dkd", teacher, "dkd", 0.903)
    return folder


def write_student(path: Path, teacher: Path, method: str, accuracy: float) -> Path:
    """Record a whole run of a student of a teacher's run; return its folder."""
    config = STUDENT.format(teacher=teacher.as_posix(), method=method)
    return write_run(path, config, accuracy, teacher=teacher)


def write_run(path: Path, config: str, accuracy: float, *, teacher: Path | None = None) -> Path:
    """Record a whole run that came to an accuracy on the test split; return its folder."""
    with begin_run(path, config, accuracy) as writer:
        run = writer.config
        result = Result(
            run=path.name,
            seed=run.train.seed,
            epochs=EPOCHS,
            steps=100 * EPOCHS,
            last_validation=_evaluation(EPOCHS, accuracy),
            last_test=replace(_evaluation(EPOCHS, accuracy), split="test"),
            seconds=60.0,
            images_per_second=1600.0,
            student_parameters=9_244 if teacher else 290_500,
            config_fingerprint=fingerprint(run),
            data_fingerprint=_hash("glyphs100"),
            student_sha256=_hash(path.name),
            commit="0" * 40,
            versions={"python": "3.11.7", "tutelage": "0.1.0"},
            machine=Machine(platform="p", processor="c", accelerator="cpu", cores=2, threads=1),
            started="2024-01-02T03:04:05.000+00:00",
            finished="2024-01-02T03:05:05.000+00:00",
        )
        if teacher:
            result = replace(
                result,
                teacher=replace(_evaluation(0, TEACHER_ACCURACY), network="teacher"),
                teacher_parameters=290_500,
                teacher_sha256=_hash(teacher.name),
                teacher_run=str(teacher),
            )
            writer.put_classes(CLASSES)
        writer.finish(result)
    return path


def begin_run(path: Path, config: str, accuracy: float) -> RunWriter:
    """Record the course of a run that is not at its end yet, and leave it open for writing."""
    writer = RunWriter.create(path, loads(config))
    for epoch in range(1, EPOCHS + 1):
        writer.add_row(
            Row(
                epoch=epoch,
                step=100 * epoch,
                lr=0.1 / epoch,
                seconds=20.0 * epoch,
                images_per_second=1600.0,
                loss=3.0 / epoch,
                terms={"ce": 2.0 / epoch, "kd": 1.0 / epoch},
                gradient_share={"ce": 0.75, "kd": 0.25},
            )
        )
        writer.add_evaluation(_evaluation(epoch, accuracy * epoch / EPOCHS))
    return writer


def _evaluation(epoch: int, top1: float) -> Evaluation:
    return Evaluation(
        epoch=epoch,
        step=100 * epoch,
        split="validation",
        network="student",
        top1=top1,
        top5=min(1.0, top1 + 0.05),
        loss=1.5,
        calibration_error=0.05,
        count=1000,
        seconds=1.0,
    )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
