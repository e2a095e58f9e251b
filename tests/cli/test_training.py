from pathlib import Path

import pytest
from typer.testing import CliRunner

from tutelage import __version__
from tutelage.cli.main import app, main
from tutelage.config import loads, override
from tutelage.record import read_run


@pytest.fixture
def recipe_path(recipe: str, tmp_path: Path) -> Path:
    path = tmp_path / "patterns.toml"
    path.write_text(recipe, encoding="utf-8")
    return path


def told(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> str:
    """What the command says when it exits with code 2."""
    monkeypatch.setattr("sys.argv", ["tutelage", *arguments])
    with pytest.raises(SystemExit) as exited:
        main()
    assert exited.value.code == 2
    return capsys.readouterr().err


def test_a_teacher_and_a_student_are_trained_shown_and_read_again(
    recipe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    teacher = told("train", str(recipe_path), "run.name=teacher")
    assert "glyph_student by ce, last epoch" in teacher
    folder = tmp_path / "runs" / "teacher"
    taught = told(
        "distill",
        str(recipe_path),
        "method.name=dkd",
        f"teacher.weights={folder}",
        "run.labels_alone=true",
        "run.name=student",
    )
    assert "teacher glyph_student" in taught
    assert "by labels alone, last epoch" in taught
    student = read_run(tmp_path / "runs" / "student")
    assert student.result is not None
    assert student.result.last_test is not None
    assert f"{student.result.last_test.top1:.2%}" in taught
    shown = told("show", str(student.path))
    assert "nckd" in shown
    assert student.result.student_sha256 in shown
    read = told("evaluate", str(student.path), "--split", "test")
    assert f"{student.result.last_test.top1:.2%}" in read
    best = told("evaluate", str(student.path), "--split", "test", "--which", "best")
    assert student.result.best_test is not None
    assert f"{student.result.best_test.top1:.2%}" in best
    runs = told("list", "runs", "--dir", str(tmp_path / "runs"))
    assert {"teacher", "student"} <= set(runs.split())


def test_a_recipe_trains_its_teacher_once_and_finds_it_again(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "teacher.toml").write_text(recipe, encoding="utf-8")
    student = override(
        loads(recipe),
        ["method.name=kd", f"teacher.recipe={tmp_path / 'teacher.toml'}", "train.seed=3"],
    )
    from tutelage.config import dumps

    path = tmp_path / "student.toml"
    path.write_text(dumps(student), encoding="utf-8")
    assert "Training the teacher" in told("distill", str(path), "teacher.train=true")
    assert "trained before" in told("distill", str(path), "method.kd_weight=3")


@pytest.mark.parametrize("kind", ["methods", "models", "data", "recipes", "keys", "runs"])
def test_there_is_a_list_of(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    listed = told("list", kind, "--dir", str(tmp_path))
    known = {"methods": "wkd_l", "models": "resnet8x4", "data": "glyphs100", "keys": "data.root"}
    assert known.get(kind, "") in listed


def test_the_version_is_told() -> None:
    assert told("--version").strip() == f"tutelage {__version__}"


@pytest.mark.parametrize(
    "command", ["distill", "train", "compare", "evaluate", "show", "list", "export", "doctor"]
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    assert f"tutelage {command}" in told(command, "--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["distill", "glyps100"], "Did you mean 'glyphs100'?"),
        (["distill", "method.betta=4"], "Did you mean 'beta'?"),
        (["distill", "train.epochs=many"], "train.epochs=many"),
        (["distill", "optimizer.lr=-1"], "above 0"),
        (["show", "nothing"], "there is no run 'nothing'"),
        (["distill", "glyphs100", "data.name=cifar100", "data.root=/nowhere"], "/nowhere"),
    ],
)
def test_a_mistake_is_one_clear_message_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused(capsys, monkeypatch, *arguments)
    assert said.startswith("tutelage: ")
    assert message in said
    assert "Traceback" not in said


def test_an_unfinished_run_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    recipe_path: Path,
) -> None:
    options = [str(recipe_path), "optimizer.lr=1e30", "run.name=bad"]
    assert "training stopped in epoch" in refused(capsys, monkeypatch, "train", *options)
    assert "--resume" in refused(capsys, monkeypatch, "train", *options)
