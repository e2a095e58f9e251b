from pathlib import Path

import pytest
from typer.testing import CliRunner

from tutelage.cli.main import app, main
from tutelage.config import RunConfig, dumps, override
from tutelage.engine import run
from tutelage.record import read_run


@pytest.fixture
def recipe_path(config: RunConfig, tmp_path: Path) -> str:
    """A recipe by DKD under a teacher that is there."""
    teacher = run(config)
    path = tmp_path / "taught.toml"
    taught = override(config, ["method.name=dkd", f"teacher.weights={teacher.path}"])
    path.write_text(dumps(taught), encoding="utf-8")
    return str(path)


def told(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


def test_what_it_tells_leads_to_a_run_that_uses_the_cache(recipe_path: str, tmp_path: Path) -> None:
    said = told("teach", recipe_path, "--views", "2", "--form", "top2", "--verify")
    (folder,) = (tmp_path / "runs" / "teachers").iterdir()
    assert f"{folder} holds what glyph_student says of 2 views of 240 pictures: 0.0 MB" in said
    assert "Every file is as it was written." in said
    use = said.partition("Learn from it: tutelage ")[2].split()
    assert use[-3:] == ["teacher.cache=auto", "teacher.form=top2", "data.views=2"]
    taught = told(*use, "run.name=taught")
    assert "The teacher's answers came from a cache, which saved" in taught
    assert "Asking the teacher" not in taught
    assert "Asking the teacher" not in told("teach", recipe_path, "--views", "2", "--form", "top2")
    follows = told("distill", recipe_path, "teacher.cache=auto", "teacher.form=top2", "-q")
    assert follows == ""
    assert read_run(tmp_path / "runs" / "taught").config.data.views == 2


def test_a_place_that_was_named_is_kept_beside_a_form(recipe_path: str, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    own = [f"teacher.cache={place}", "data.limit=100"]
    said = told("teach", recipe_path, *own, "--form", "int8", "--views", "1")
    assert f"{place} holds" in said
    keys = f"data.limit=100 teacher.cache={place} teacher.form=int8 data.views=1"
    assert f"Learn from it: tutelage distill {recipe_path} {keys}" in said


def test_a_broken_file_is_an_error_that_says_what_to_do(
    recipe_path: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told("teach", recipe_path, "--views", "1", "-q")
    (file,) = (tmp_path / "runs" / "teachers").glob("*/1-0.bin")
    file.write_bytes(file.read_bytes()[::-1])
    monkeypatch.setattr("sys.argv", ["tutelage", "teach", recipe_path, "--views", "1", "--verify"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "1-0.bin has changed since it was written" in capsys.readouterr().err
    file.unlink()
    assert "Every file is as it was written." in told(
        "teach", recipe_path, "--views", "1", "--verify"
    )
