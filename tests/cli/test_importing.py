from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tutelage.cli.main import app
from tutelage.config import load, loads
from tutelage.errors import ConfigError

CONFIG = """
EXPERIMENT:
  TAG: "dkd,vgg13,vgg8"
DISTILLER:
  TYPE: "DKD"
  TEACHER: "vgg13"
  STUDENT: "vgg8"
SOLVER:
  WEIGHT_DECAY: 0.0005
DKD:
  BETA: 6.0
"""


def ask(*arguments: str) -> Result:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["import", *arguments])
    if isinstance(result.exception, ConfigError):
        raise result.exception
    return result


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vgg13_vgg8.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_what_is_printed_is_a_recipe_and_nothing_else(source: Path) -> None:
    printed = ask("mdistiller", str(source)).stdout
    assert printed.startswith("# cifar100: vgg8 by dkd from vgg13, as mdistiller's vgg13_vgg8.yaml")
    config = loads(printed)
    assert config.method.options["beta"] == 6.0
    assert config.method.options["fidelity"] == "mdistiller"


def test_a_file_is_written_once_and_over_only_by_force(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.toml"
    told = ask("mdistiller", str(source), "--out", str(out)).output
    assert f"Wrote {out}. Try it: tutelage doctor {out}" in told
    assert "teacher.weights is where that code has them" in told
    assert load(out).student.name == "vgg8"

    out.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml is there already; give another"):
        ask("mdistiller", str(source), "--out", str(out))
    assert out.read_text(encoding="utf-8") == "mine"
    ask("mdistiller", str(source), "--out", str(out), "--force")
    assert load(out).student.name == "vgg8"


def test_a_folder_that_is_not_there_or_a_missing_source_is_told(
    source: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="could not be written: No such file"):
        ask("mdistiller", str(source), "--out", str(tmp_path / "none" / "x.toml"))
    with pytest.raises(ConfigError, match=r"none\.yaml: wanted a YAML file"):
        ask("mdistiller", str(tmp_path / "none.yaml"))
    assert ask("torchdistill", str(source)).exit_code == 2


def test_help_shows_examples() -> None:
    printed = ask("--help").stdout
    assert "tutelage import mdistiller configs/cifar100/crd.yaml --out crd.toml" in printed
