"""The examples do what their first lines say."""

import subprocess
import sys
from pathlib import Path

import pytest

from tutelage.config import RunConfig
from tutelage.engine import run
from tutelage.record import list_runs

EXAMPLES = Path(__file__).parent.parent / "examples"


def told(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_loop_of_ones_own_takes_a_step() -> None:
    said = told(str(EXAMPLES / "own_loop.py"))
    assert said.startswith("loss ")
    assert "'nckd'" in said


def test_an_own_network_is_taught_by_an_own_method(
    config: RunConfig, recipe: str, tmp_path: Path
) -> None:
    teacher = run(config)
    path = tmp_path / "patterns.toml"
    path.write_text(recipe, encoding="utf-8")
    imports = [f"--import={EXAMPLES / name}" for name in ("own_method.py", "own_model.py")]
    keys = [
        "method.name=reverse-kd",
        "student.name=own_model:tiny",
        f"teacher.weights={teacher.path}",
    ]
    told("-m", "tutelage", "distill", str(path), *keys, *imports)
    taught = next(one for one in list_runs(teacher.path.parent) if one.id != teacher.id)
    assert set(taught.rows[-1].terms) == {"ce", "reverse"}
    assert taught.rows[-1].loss == pytest.approx(sum(taught.rows[-1].terms.values()))
