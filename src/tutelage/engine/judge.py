"""How good the teacher is, before anybody learns from it."""

from typing import Literal

from tutelage.engine.cached import CachedTeacher
from tutelage.engine.loop import Loop
from tutelage.engine.measures import Hearer
from tutelage.errors import TeacherError
from tutelage.record import Evaluation

SAMPLE = 5000
"""Pictures of the train split on which a teacher is read where there is no validation split."""


def meet(loop: Loop) -> Evaluation:
    """Read the teacher on the validation split; see `read_teacher`.

    Raises:
        TeacherError: it is no better than chance, see `Reading.chance`.
    """
    told = read_teacher(loop, "validation")
    assert told.chance is not None
    if told.measure <= told.chance:
        raise TeacherError(
            f"the teacher {loop.built.config.teacher.name} must be better than chance "
            f"({told.chance:.2%}), but {told.story} {told.split} "
            f"pictures of {loop.built.data.spec.name}: look at teacher.weights, and whether it was "
            f"trained on the same classes in the same order and with the same normalisation; "
            f"teacher.mean, teacher.std and teacher.image_size say where its own was another."
        )
    loop.reporter.note(f"The teacher {told.story} {told.split} pictures.")
    return told


def read_teacher(
    loop: Loop, split: Literal["validation", "test"], also: Hearer | None = None
) -> Evaluation:
    """Record how good the teacher is on a split; of a cached one that was read when it was asked.

    Without a validation split up to `SAMPLE` pictures of the train split, spread over it evenly,
    stand for it. The record says which. `also` hears what it says of the test split.
    """
    teacher, data = loop.room.teacher, loop.built.data
    assert teacher is not None
    if isinstance(teacher, CachedTeacher):
        return loop.add(getattr(teacher.cache.header, split))
    if split == "test":
        return loop.note("teacher", "test", loop.read(teacher.watch, data.test, also=also), 0)
    if data.validation:
        return loop.note("teacher", split, loop.read(teacher.watch, data.validation), 0)
    return loop.note("teacher", "train", loop.read(teacher.watch, data.train, limit=SAMPLE), 0)
