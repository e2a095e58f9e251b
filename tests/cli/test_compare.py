import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from tutelage.cli.compare import compare
from tutelage.errors import ConfigError
from tutelage.record import Run, RunWriter, list_runs, read_run

app = typer.Typer()
app.command()(compare)

RECIPE = """
[data]
name = "npz"
root = {data}
[student]
name = "{student}"
[method]
name = "{method}"
[optimizer]
lr = 0.1
[train]
epochs = 1
batch_size = 32
"""


def tutelage(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def runs_of(folder: Path, method: str) -> dict[int, Run]:
    return {
        run.config.train.seed: run for run in list_runs(folder) if run.config.method.name == method
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures that show their class by a bright quarter, and two recipes."""
    folder = tmp_path_factory.mktemp("compare")
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in {"train": 256, "val": 64, "test": 128}.items():
        labels = np.arange(count) % 4
        pictures = random.integers(0, 80, (count, 2, 6, 2, 6))
        pictures[range(count), labels // 2, :, labels % 2] += 120
        arrays[f"x_{split}"] = pictures.reshape(count, 12, 12).astype(np.uint8)
        arrays[f"y_{split}"] = labels
    np.savez(folder / "data.npz", **arrays)
    data = json.dumps(str(folder / "data.npz"))
    teacher = json.dumps(str(folder / "teacher.toml"))
    (folder / "teacher.toml").write_text(
        RECIPE.format(data=data, student="glyph_teacher", method="ce")
    )
    (folder / "student.toml").write_text(
        RECIPE.format(data=data, student="glyph_student", method="dkd")
        + f"[teacher]\nrecipe = {teacher}\ntrain = true\n"
        + f"[run]\ndir = {json.dumps(str(folder / 'runs'))}\n"
    )
    return folder


@pytest.fixture(scope="module")
def first(place: Path) -> Result:
    return tutelage(
        place / "student.toml", "method.warmup_epochs=0", "--methods", "dkd", "--seeds", 2
    )


def test_one_command_trains_teacher_arms_and_control_and_compares_them(
    place: Path, first: Result
) -> None:
    assert first.exit_code == 0, first.output
    dkd, kd = runs_of(place / "runs", "dkd"), runs_of(place / "runs", "kd")
    (teacher,) = runs_of(place / "runs", "ce").values()
    assert teacher.config.student.name == "glyph_teacher"
    assert sorted(dkd) == sorted(kd) == [0, 1]
    assert {run.config.method.options["kd_weight"] for run in kd.values()} == {4.5}
    assert {run.config.method.options["warmup_epochs"] for run in kd.values()} == {0.0}
    for run in (*dkd.values(), *kd.values()):
        assert run.result is not None
        assert run.result.teacher_run == str(teacher.path)
    (folder,) = (place / "runs").glob("compare-student-*")
    assert sorted(file.name for file in folder.iterdir()) == [
        *(f"compare.{ending}" for ending in ("csv", "json", "md", "png", "svg")),
        *(f"efficiency.{ending}" for ending in ("png", "svg")),
    ]
    told = json.loads((folder / "compare.json").read_text())
    by_hand = []
    for seed in (0, 1):
        mine, its = dkd[seed].result, kd[seed].result
        assert mine is not None
        assert its is not None
        assert mine.last_test is not None
        assert its.last_test is not None
        by_hand.append(mine.last_test.top1 - its.last_test.top1)
    assert told["arms"][0]["to_control"]["mean"] == pytest.approx(sum(by_hand) / 2)
    assert "kd 4.5 (control)" in first.output
    assert str(folder.name) in first.output.replace("\n", "")


def test_the_same_command_goes_on_after_a_kill_and_marks_what_fails(
    place: Path, first: Result
) -> None:
    dkd, kd = runs_of(place / "runs", "dkd"), runs_of(place / "runs", "kd")
    kept = {run.path: (run.path / "result.json").stat().st_mtime_ns for run in (dkd[1], kd[0])}
    before = dkd[0].result
    (dkd[0].path / "result.json").unlink()  # as a kill during the last run's end would leave it
    (kd[1].path / "result.json").unlink()
    with RunWriter.resume(kd[1].path):  # somebody else is at it
        again = tutelage(
            place / "student.toml", "method.warmup_epochs=0", "--methods", "dkd", "--seeds", 2
        )
    assert again.exit_code == 1
    said = " ".join(again.output.split())  # the terminal breaks lines where it likes
    assert "is being written by process" in said
    assert "1 of 2" in said
    after = read_run(dkd[0].path).result
    assert before is not None
    assert after is not None
    assert after.student_sha256 == before.student_sha256
    assert {path: (path / "result.json").stat().st_mtime_ns for path in kept} == kept


def test_an_interruption_says_how_to_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tutelage.lab.compare", interrupt)
    result = tutelage(place / "student.toml")
    assert result.exit_code == 130
    assert "The same command goes on from here" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "dkdd"), "no method is named 'dkdd'"),
        (("--methods", "dkd:bete=4"), "Did you mean 'beta'"),
        (("--methods", "dkd,"), "an arm wants a method's name"),
        (("--seeds", "0"), "seeds wants a whole number of at least 1, got 0"),
        (("--jobs", "0"), "jobs wants a whole number of at least 1, got 0"),
        (("train.epoch=3",), "Did you mean"),
    ],
)
def test_a_mistake_is_one_clear_message(
    place: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = tutelage(place / "student.toml", *arguments)
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)


@pytest.mark.parametrize("arguments", [("--split", "train"), ("--reading", "first")])
def test_a_split_or_reading_that_is_none_is_refused(
    place: Path, arguments: tuple[str, ...]
) -> None:
    assert tutelage(place / "student.toml", *arguments).exit_code == 2
