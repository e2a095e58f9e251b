"""Every command of the README is one that exists, and every Python block runs."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from tutelage.cli._common import read_recipe
from tutelage.cli.main import app
from tutelage.config import dumps, load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line
    for language, text in BLOCKS
    if language == "bash"
    for line in text.replace("\\\n", " ").splitlines()
    if line.startswith("tutelage ")
]


@pytest.mark.parametrize("text", PYTHON)
def test_a_python_block_runs(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A day's work becomes a second's: the same call on few pictures.
    text = text.replace('{"method.beta": 4.0}', '{"method.beta": 4.0, **QUICK}')
    teacher = load("glyphs100-teacher", ["train.epochs=1", "data.limit=3000"])
    (tmp_path / "teacher.toml").write_text(dumps(teacher), encoding="utf-8")
    quick = {"train.epochs": 1, "data.limit": 300, "teacher.recipe": str(tmp_path / "teacher.toml")}
    exec(compile(text, "README.md", "exec"), {"__name__": "readme", "QUICK": quick})


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_that_exists(line: str) -> None:
    _, name, *arguments = shlex.split(line, comments=True)
    group = typer.main.get_command(app)
    command = group.commands[name]  # type: ignore[attr-defined]
    context = command.make_context(name, list(arguments))
    if name in {"distill", "train", "compare", "doctor"} and "RECIPE" not in line:
        read_recipe(context.params["recipe"], context.params["overrides"])


def test_there_is_something_to_test() -> None:
    assert len(PYTHON) >= 3
    assert len(COMMANDS) >= 8
