"""Who may import whom: the table of the rooms, held by reading every import in the source."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import tutelage

SOURCE = Path(tutelage.__file__).parent
FILES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))

HALL = {"_version", "errors", "paper", "registry", "types"}
MAY_IMPORT: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "paper": set(),
    "registry": {"errors"},
    "types": {"errors", "registry"},
    "config": {"errors"},
    "bridge": {"errors", "config"},
    "losses": {"errors", "types"},
    "methods": {"errors", "paper", "registry", "types", "losses"},
    "models": {"errors", "registry", "types"},
    "data": {"errors", "registry", "types"},
    "record": {"", "errors", "config"},  # "" is the package itself, for its version
    "engine": HALL | {"", "config", "losses", "methods", "models", "data", "record"}
    | {"teachers"},
    "teachers": HALL | {"losses", "data", "record"},
    "detection": HALL
    | {"config", "losses", "methods", "models", "data", "record", "engine", "teachers"},
    "lab": HALL | {"config", "methods", "record", "engine"},
    "graph": {"errors", "paper", "record"},
    "explorer": {"", "errors", "config", "paper", "record", "graph"},
    "api": {"errors", "config", "record", "engine"},
    "__init__": {"_version", "api", "engine"},
    "__main__": {"cli"},
    "cli": HALL | {"", "config", "losses", "methods", "models", "data", "record", "engine"}
    | {"teachers", "detection", "lab", "graph", "explorer", "bridge"},
}  # fmt: skip
TORCHLESS = {"_version", "errors", "paper", "registry", "config", "bridge", "record"}
TORCHLESS |= {"graph", "explorer"}
TORCH = {"torch", "torchvision", "torchmetrics", "lightning_fabric", "timm"}


def room_of(file: Path) -> str:
    return file.parts[0] if len(file.parts) > 1 else file.stem


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import statement, nested ones too, with each module it names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from tutelage import models` names a room, `from tutelage import __version__` none.
            whole = node.module == "tutelage"
            for alias in node.names if whole else [ast.alias("")]:
                yield node, f"{node.module}.{alias.name}" if whole else str(node.module)


def parsed(file: Path) -> ast.Module:
    return ast.parse((SOURCE / file).read_text(encoding="utf-8"))


def ours(module: str) -> str | None:
    """Return the room a module lies in, "" for the package itself, None for what is not ours."""
    package, _, path = module.partition(".")
    if package != "tutelage":
        return None
    room = path.partition(".")[0]
    return room if room in MAY_IMPORT else ""


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_room_imports_only_the_rooms_upstream_of_it(file: Path) -> None:
    room = room_of(file)
    wanted = {ours(module) for _, module in imports(parsed(file))} - {None, room}
    assert wanted <= MAY_IMPORT[room]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_room_has_one_door_and_its_private_modules_stay_inside(file: Path) -> None:
    private = {
        module
        for _, module in imports(parsed(file))
        if ours(module) not in (None, room_of(file)) and "._" in module.replace(".__", ".")
    }
    assert private <= {"tutelage._version"}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_nothing_that_is_installed_imports_what_is_not(file: Path) -> None:
    outside = {"tests", "tools", "examples", "benchmarks"}
    assert not outside & {module.partition(".")[0] for _, module in imports(parsed(file))}


@pytest.mark.parametrize("file", [f for f in FILES if room_of(f) in TORCHLESS], ids=str)
def test_what_lies_outside_the_engine_never_imports_torch(file: Path) -> None:
    named = {module.partition(".")[0] for _, module in imports(parsed(file))}
    assert not named & TORCH


def loaded(program: str) -> set[str]:
    """Return the names of the modules a fresh interpreter holds after running `program`."""
    told = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["tutelage", "tutelage.config", "tutelage.record", "tutelage.api", "tutelage.cli.main"],
)
def test_what_must_start_quickly_loads_no_torch(module: str) -> None:
    there = loaded(f"import {module}")
    assert module in there
    assert not there & (TORCH | {"numpy", "scipy", "matplotlib"})


def test_the_command_line_loads_no_room_before_a_command_is_called() -> None:
    rooms = {ours(module) for module in loaded("import tutelage.cli.main")} - {None, ""}
    assert rooms == {"cli", "errors", "_version"}


def test_a_server_of_the_graph_stands_before_it_loads_arrays_and_layouts(tmp_path: Path) -> None:
    home = f"from tutelage.graph.home import Home; Home({str(tmp_path / 'graph.sqlite')!r}).open()"
    loaded(home)  # what comes with the toolkit is put in once
    there = loaded(f"import tutelage.explorer.serve; {home}.close()")
    assert {"tutelage.explorer.app", "tutelage.graph.store.sqlite"} <= there
    assert not there & (TORCH | {"numpy", "scipy", "tutelage.config", "tutelage.graph.view"})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a child's CPU time")
def test_help_takes_less_than_half_a_second() -> None:
    command = [sys.executable, "-m", "tutelage", "--help"]
    seconds = []
    for _ in range(6):
        before = os.times()
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        after = os.times()
        # CPU time, since a loaded machine stretches the clock on the wall.
        user = after.children_user - before.children_user
        seconds.append(user + after.children_system - before.children_system)
        assert "distill" in told.stdout
    assert median(seconds[1:]) < 0.5  # the first may have had to compile
