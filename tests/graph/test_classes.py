"""What a student learned of its teacher's confusions, against scipy and cases one can count."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.graph.test_lineage import begun, finish
from tutelage.errors import GraphError
from tutelage.graph.classes import Classes, confusions
from tutelage.record import ClassMeans, Run, read_run

COUNT = 60


def recorded(tmp_path: Path, means: ClassMeans) -> Run:
    writer = begun(tmp_path, "mine")
    writer.put_classes(means)
    finish(writer)
    return read_run(tmp_path / "mine")


def means_of(student: np.ndarray, teacher: np.ndarray) -> ClassMeans:
    """All other classes of each class, of tables ``[C, C]``."""
    count = len(student)
    others = [[at for at in range(count) if at != place] for place in range(count)]
    rows = [
        [[float(row[at]) for at in told] for row, told in zip(table, others, strict=True)]
        for table in (student, teacher)
    ]
    return ClassMeans(
        split="test",
        names=[f"class {place}" for place in range(count)],
        counts=[7] * count,
        others=others,
        student=rows[0],
        student_target=[0.5] * count,
        teacher=rows[1],
        teacher_target=[0.9] * count,
    )


def told(tmp_path: Path, student: np.ndarray, teacher: np.ndarray) -> Classes:
    return confusions(recorded(tmp_path, means_of(student, teacher)))


def test_a_student_that_equals_its_teacher_has_learned_all(tmp_path: Path) -> None:
    table = np.random.default_rng(0).random((COUNT, COUNT))
    learned = told(tmp_path, table, table).learned
    assert learned
    assert learned.overlap == 1
    assert learned.correlation == pytest.approx(1)
    assert len(learned.pairs) == 5 * COUNT


def test_a_student_that_knows_nothing_of_its_teacher_is_at_chance(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    learned = told(tmp_path, random.random((COUNT, COUNT)), random.random((COUNT, COUNT))).learned
    assert learned
    assert learned.by_chance == 5 / (COUNT - 1)
    assert learned.overlap == pytest.approx(learned.by_chance, abs=0.04)
    assert learned.correlation == pytest.approx(0, abs=0.1)


def test_the_correlation_of_a_class_is_scipys_over_the_teachers_likeliest(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    teacher = random.random((COUNT, COUNT))
    student = np.round(teacher + random.random((COUNT, COUNT)), 1)  # with ties
    learned = told(tmp_path, student, teacher).learned
    assert learned
    for place in range(COUNT):
        other = np.delete(np.arange(COUNT), place)
        likely = other[np.argsort(-teacher[place, other])[:20]]
        wanted = spearmanr(teacher[place, likely], student[place, likely]).statistic
        assert learned.correlations[place] == pytest.approx(wanted)


def test_what_was_learned_is_named_by_its_classes(tmp_path: Path) -> None:
    teacher, student = np.full((8, 8), 0.001), np.full((8, 8), 0.001)
    teacher[0, [3, 4, 5, 6, 7]] = [0.3, 0.2, 0.1, 0.05, 0.04]
    student[0, [3, 1, 2, 6, 4]] = [0.1, 0.2, 0.3, 0.05, 0.4]
    classes = told(tmp_path, student, teacher)
    assert classes.learned
    assert classes.learned.overlaps[0] == 3 / 5
    assert [pair for pair in classes.learned.pairs if pair[0] == 0] == [(0, 3), (0, 4), (0, 6)]
    first = classes.teacher[0]
    assert (first.source, first.target, first.probability) == (0, 3, 0.3)
    assert classes.learned.correlations[1] is None  # where the teacher prefers nothing
    assert [link.target for link in classes.student[:2]] == [4, 2]


def test_a_class_without_a_picture_says_nothing_and_stops_nothing(tmp_path: Path) -> None:
    table = np.random.default_rng(0).random((4, 4))
    whole = means_of(table, table)
    for column in (whole.others, whole.student, whole.teacher):
        assert column is not None
        column[2].clear()
    classes = confusions(recorded(tmp_path, whole))
    assert classes.learned
    assert classes.learned.overlaps == (1, 1, None, 1)


def test_a_run_without_a_teacher_shows_its_students_confusions_alone(tmp_path: Path) -> None:
    table = np.random.default_rng(0).random((4, 4))
    whole = means_of(table, table)
    alone = ClassMeans(
        split="test",
        names=whole.names,
        counts=whole.counts,
        others=whole.others,
        student=whole.student,
        student_target=whole.student_target,
    )
    classes = confusions(recorded(tmp_path, alone), limit=5)
    assert (classes.teacher, classes.learned, len(classes.student)) == ((), None, 5)


def test_a_run_that_recorded_no_classes_says_why(tmp_path: Path) -> None:
    begun(tmp_path, "half").close()
    with pytest.raises(GraphError, match="unfinished"):
        confusions(read_run(tmp_path / "half"))
    finish(begun(tmp_path, "older"))
    with pytest.raises(GraphError, match="earlier version"):
        confusions(read_run(tmp_path / "older"))
