import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tutelage.cli.profile import profile
from tutelage.config import RunConfig, dumps

app = typer.Typer()
app.command()(profile)


@pytest.fixture
def file(config: RunConfig, tmp_path: Path) -> str:
    path = tmp_path / "recipe.toml"
    path.write_text(dumps(config), encoding="utf-8")
    return str(path)


def ask(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_it_prints_every_stage_and_the_pace_and_writes_nothing(file: str, tmp_path: Path) -> None:
    printed = ask(file, "method.name=kd", "teacher.name=glyph_teacher", "--steps", "2")
    for line in ("data", "teacher", "student", "loss", "backward", "optimizer", "in all  "):
        assert f"│ {line}" in printed
    assert "One step of 32 pictures, by 2 of them: cpu, 32-true, channels last, " in printed
    assert "pictures a second." in printed
    assert "GFLOP/s of a large matrix product" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_as_json_it_prints_that_alone(file: str) -> None:
    found = json.loads(ask(file, "--json", "--steps", "2"))
    assert found["steps"] == 2
    assert sum(stage["share"] for stage in found["stages"]) == pytest.approx(1)
    assert found["pace"]["gigaflops"] > 0
