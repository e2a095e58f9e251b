from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tutelage.cli.doctor import doctor
from tutelage.config import RunConfig, dumps
from tutelage.errors import ConfigError

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def file(config: RunConfig, tmp_path: Path) -> str:
    path = tmp_path / "recipe.toml"
    path.write_text(dumps(config), encoding="utf-8")
    return str(path)


def ask(*arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed, in one line of single spaces."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


def test_a_sound_recipe_exits_with_0_and_writes_nothing(file: str, tmp_path: Path) -> None:
    code, printed = ask(file)
    assert code == 0
    assert "240 pictures in batches of 32: 8 steps an epoch, the last of 16." in printed
    assert "Errors: 0. Warnings: 0." in printed
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_errors_exit_with_2_and_are_all_in_the_table(file: str) -> None:
    code, printed = ask(
        file, "data.root=/nowhere.npz", "student.name=glyph_studnet", "schedule.warmup_epochs=4"
    )
    assert code == 2
    assert "data.root must name an npz file; it is /nowhere.npz." in printed
    assert "Did you mean 'glyph_student'?" in printed
    assert "Errors: 2. Warnings: 1." in printed
    assert "Lower schedule.warmup_epochs." in printed


def test_warnings_alone_exit_with_0(file: str) -> None:
    code, printed = ask(file, "schedule.name=multistep", "schedule.milestones=[150, 180]")
    assert code == 0
    assert "schedule.milestones is [150, 180]" in printed  # no markup was made of the brackets


def test_a_key_that_is_none_is_refused_before_anything_is_looked_at(file: str) -> None:
    with pytest.raises(ConfigError, match="epochs"):
        ask(file, "train.epoch=3")
