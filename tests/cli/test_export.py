from pathlib import Path

import pytest
import typer
from safetensors import safe_open
from typer.testing import CliRunner

from tutelage.cli.export import export
from tutelage.config import RunConfig, override
from tutelage.engine import run
from tutelage.errors import ConfigError, ModelError, RecordError
from tutelage.record import Run

app = typer.Typer()
app.command()(export)


@pytest.fixture
def finished(config: RunConfig) -> Run:
    return run(override(config, ["train.epochs=1"]))


def ask(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.output


def test_an_export_tells_where_it_is_and_how_it_was_checked(finished: Run, tmp_path: Path) -> None:
    out = tmp_path / "student.pt2"
    printed = ask(str(finished.path), "--format", "pt2", "--out", str(out))
    assert f"Wrote {out} ({out.stat().st_size:,} bytes)" in printed
    assert "64 pictures of the test split of npz." in printed
    assert "every class is the same" in printed


def test_a_run_is_found_by_its_name_in_the_folder_of_runs(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ask(finished.id, "--format", "safetensors", "--out", "by_name.safetensors")
    (tmp_path / "runs").rename(tmp_path / "elsewhere")
    ask(finished.id, "--format", "safetensors", "--dir", "elsewhere", "--which", "best")
    with safe_open(tmp_path / f"{finished.id}-best.safetensors", "pt") as file:
        assert list(file.metadata()) == ["tutelage"]
    with pytest.raises(RecordError, match="there is no run"):
        ask(finished.id, "--format", "safetensors")


def test_without_its_data_a_picture_size_is_asked_for(finished: Run, tmp_path: Path) -> None:
    told = [str(finished.path), "--format", "safetensors", "--out", str(tmp_path / "s.safetensors")]
    gone = ["--set", "data.root=/nowhere.npz"]
    printed = ask(*told, *gone, "--input", "1x12x12")
    assert "of random numbers, because data.root must name an npz file" in printed
    for size in ("12x12", "axbxc", "1x12x0"):
        with pytest.raises(ConfigError, match="such as 3x32x32"):
            ask(*told, *gone, "--input", size)
    with pytest.raises(ModelError, match="do not fit"):
        ask(*told, *gone, "--input", "3x12x12")


def test_help_imports_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from tutelage.cli import doctor, export; "
        "sys.exit(bool({'torch', 'safetensors', 'rich', 'numpy'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
