from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tutelage.config import RunConfig, TeacherConfig, override
from tutelage.engine import Reporter
from tutelage.errors import ConfigError, RecordError, TeacherError
from tutelage.lab import Comparison, compare, folder_of, tables


def test_arms_are_compared_seed_by_seed(config: RunConfig, trainer: Any) -> None:
    steps = {("dkd", 5): 0.70, ("dkd", 6): 0.72, ("dkd", 7): 0.74}
    trainer.top1 = lambda run: steps.get((run.method.name, run.train.seed), 0.6)
    comparison = compare(config, ["ce", "kd", "dkd"], 3)
    assert [one.arm.label for one in comparison.summaries] == [
        *("ce", "kd", "dkd", "kd 4.5 (control)"),
    ]
    ce, kd, dkd, control = comparison.summaries
    assert dkd.top1 is not None
    assert dkd.top1.mean == pytest.approx(0.72)
    assert dkd.top1.sd == pytest.approx(0.02)
    for difference in (dkd.to_labels, dkd.to_control):
        assert difference is not None
        assert (difference.n, difference.higher) == (3, 3)
        assert difference.mean == pytest.approx(0.12)
        assert difference.interval is not None
        assert difference.interval.low == pytest.approx(0.12 - 4.302653 * 0.02 / 3**0.5)
    assert kd.to_labels is not None
    assert kd.to_labels.higher == 0
    assert kd.to_control is ce.to_labels is ce.to_control is control.to_control is None


def test_every_seed_of_every_arm_is_one_run_with_its_own_seed(
    config: RunConfig, trainer: Any
) -> None:
    compare(config, ["ce", "dkd"], 2)
    trained = sorted((run.method.name, run.train.seed) for run in trainer.trained)
    assert trained == [("ce", 5), ("ce", 6), ("dkd", 5), ("dkd", 6), ("kd", 5), ("kd", 6)]


def test_a_comparison_takes_the_runs_of_an_earlier_one(config: RunConfig, trainer: Any) -> None:
    compare(config, ["ce", "dkd"], 2)
    trainer.trained.clear()
    comparison = compare(config, ["ce", "kd", "dkd"], 2)
    assert {run.method.options["kd_weight"] for run in trainer.trained} == {0.9}
    assert len(comparison.runs) == 8


def test_the_last_epoch_is_read_unless_the_best_is_asked_for(
    config: RunConfig, trainer: Any
) -> None:
    last = compare(config, ["ce"], 1)
    best = compare(config, ["ce"], 1, reading="best")
    assert (last.top1("ce"), best.top1("ce")) == ({5: 0.5}, {5: 0.51})
    assert (last.summaries[0].last_top1, last.summaries[0].best_top1) == (0.5, 0.51)
    assert last.fingerprint != best.fingerprint


def test_another_task_is_compared_by_its_own_measure(
    config: RunConfig, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = trainer._reading
    monkeypatch.setattr(
        trainer, "_reading", lambda *given: replace(read(*given), mean_iou=0.25, top1=0.9)
    )
    comparison = compare(config, ["ce"], 1)
    assert comparison.top1("ce") == {5: 0.25}
    assert [table.title for table in tables(comparison)] == [
        "Mean IoU on the test split, last epoch, percent",
        "Paired differences of mean IoU, percentage points",
        "Every seed, mean IoU percent",
    ]


def test_without_a_validation_split_there_is_no_best_epoch(config: RunConfig, trainer: Any) -> None:
    trainer.validated = False
    assert compare(config, ["ce"], 1).summaries[0].best_top1 is None
    with pytest.raises(RecordError, match=r"best epoch on the test split.* want of a validation"):
        compare(config, ["ce"], 1, reading="best")


def test_a_failed_run_is_a_hole_and_pairs_keep_to_the_seeds_both_arms_have(
    config: RunConfig, trainer: Any
) -> None:
    trainer.failing = {2: "the disk is full"}  # ce has places 0 and 1, dkd 2 and 3
    comparison = compare(config, ["ce", "dkd"], 2)
    assert comparison.failures == {("dkd", 5): "the disk is full"}
    dkd = comparison.summaries[1]
    assert dkd.failed_seeds == (5,)
    assert dkd.to_labels is not None
    assert (dkd.to_labels.n, dkd.to_labels.interval) == (1, None)
    assert dkd.to_labels.mean == pytest.approx(0.2)


def test_an_arm_without_a_run_has_no_numbers(config: RunConfig, trainer: Any) -> None:
    trainer.failing = {0: "no", 1: "no"}
    ce, dkd, _ = compare(config, ["ce", "dkd"], 2).summaries
    assert (ce.top1, ce.loss, ce.seconds, dkd.to_labels) == (None, None, None, None)


def test_runs_on_other_data_are_not_compared(config: RunConfig, trainer: Any) -> None:
    trainer.data = lambda run: ("a" if run.method.name == "ce" else "b") * 64
    with pytest.raises(RecordError, match=r"must share data.*aaaaaaaaaaaa in .*-ce-s5-.*bbbbbbbb"):
        compare(config, ["ce", "kd"], 1)


def test_runs_of_another_teacher_are_not_compared(config: RunConfig, trainer: Any) -> None:
    trainer.teacher = lambda run: ("a" if run.method.name == "kd" else "b") * 64
    with pytest.raises(RecordError, match="must share a teacher"):
        compare(config, ["kd", "dkd"], 1, control=False)


def test_the_teacher_is_read_from_the_runs_it_taught(config: RunConfig, trainer: Any) -> None:
    comparison = compare(config, ["ce", "kd"], 1)
    assert comparison.teacher == config.teacher
    assert comparison.teacher_reading is not None
    assert comparison.teacher_reading.top1 == pytest.approx(0.8)
    alone = compare(config, ["ce"], 1)
    assert (alone.teacher, alone.teacher_reading) == (None, None)


def test_arms_that_need_a_teacher_want_one_before_anything_is_trained(
    config: RunConfig, trainer: Any
) -> None:
    nobody = override(config, ["teacher.name=", "teacher.weights="])
    assert nobody.teacher == TeacherConfig()
    with pytest.raises(ConfigError, match="the recipe names none"):
        compare(nobody, ["ce", "kd"], 1)
    assert not trainer.trained
    assert compare(nobody, ["ce"], 1).runs


def test_a_teacher_that_is_not_to_be_trained_must_be_there(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    recipe = _teacher_recipe(tmp_path)
    absent = override(config, ["teacher.weights=", f"teacher.recipe={recipe}"])
    with pytest.raises(TeacherError, match="is not among the runs"):
        compare(absent, ["kd"], 1)
    assert not trainer.trained


def test_the_teacher_is_trained_once_and_before_its_students(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    recipe = _teacher_recipe(tmp_path)
    trained = override(
        config, ["teacher.weights=", f"teacher.recipe={recipe}", "teacher.train=true"]
    )
    comparison = compare(trained, ["kd", "dkd"], 2)
    students = [run.student.name for run in trainer.trained]
    assert students == ["glyph_teacher", *["glyph_student"] * 6]
    assert comparison.teacher is not None
    assert comparison.teacher.name == "glyph_teacher"
    assert Path(comparison.teacher.weights).parent == tmp_path / "runs"


def test_a_teacher_whose_training_fails_ends_the_comparison(
    config: RunConfig, trainer: Any, tmp_path: Path
) -> None:
    recipe = _teacher_recipe(tmp_path)
    trained = override(
        config, ["teacher.weights=", f"teacher.recipe={recipe}", "teacher.train=true"]
    )
    trainer.failing = {0: "the disk is full"}
    with pytest.raises(TeacherError, match="could not be trained: the disk is full"):
        compare(trained, ["kd"], 1)


def test_cores_are_shared_out_among_the_runs_at_a_time(
    config: RunConfig, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []

    def carry_out(*given: Any, jobs: int, threads: int, reporter: Reporter) -> dict[int, str]:
        told.append((jobs, threads))
        trainer.carry_out(*given, jobs=jobs, threads=threads, reporter=reporter)
        return {}

    monkeypatch.setattr("tutelage.lab.comparison.carry_out", carry_out)
    monkeypatch.setattr("tutelage.record.provenance._cores", lambda: 8)
    config = override(config, ["fabric.accelerator=cpu"])
    compare(config, ["ce"], 3, jobs=3)
    compare(config, ["ce"], 12)
    compare(config, ["ce"], 2)
    compare(override(config, ["fabric.devices=2"]), ["ce"], 2, jobs=2)
    assert told == [(3, 2), (8, 1), (2, 4), (2, 2)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seeds": 0}, "seeds wants a whole number of at least 1, got 0"),
        ({"jobs": 0}, "jobs wants a whole number of at least 1, got 0"),
        ({"split": "train"}, "split test or validation .* got 'train'"),
        ({"reading": "first"}, "epoch last or best, got 'test' and 'first'"),
    ],
)
def test_a_number_out_of_range_is_told_before_anything_is_trained(
    config: RunConfig, trainer: Any, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        compare(config, ["ce"], **given)
    assert not trainer.trained


def test_the_folder_says_what_was_compared(config: RunConfig, trainer: Any) -> None:
    def folder(comparison: Comparison) -> Path:
        return folder_of(comparison, "glyphs100")

    two, three = (folder(compare(config, ["ce"], seeds)) for seeds in (2, 3))
    assert two.parent == Path(config.run.dir)
    assert two.name.startswith("compare-glyphs100-")
    assert two != three
    assert two == folder(compare(config, ["ce"], 2, jobs=1))


def _teacher_recipe(folder: Path) -> Path:
    recipe = folder / "teacher.toml"
    recipe.write_text('[student]\nname = "glyph_teacher"\n[method]\nname = "ce"\n')
    return recipe
