"""The pages say what is so: their code runs, their recipes load, their tables are complete."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import tutelage
from tutelage.config import describe, loads, recipes
from tutelage.methods import methods
from tutelage.record import ClassMeans, Evaluation, Machine, Result, Row

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
COMMON = {"label_smoothing", "fidelity", "standardise"}  # of every method: docs/methods.md
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [code for kind, code in found if kind == language]


def first_column(text: str) -> list[str]:
    """Return what stands in backquotes in the first column of the tables of a text."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
def test_the_python_on_a_page_runs(page: Path, tmp_path: Path) -> None:
    # In a process of its own: what a page registers must not be there for other tests.
    program = "\n".join(blocks(page, "python"))
    command = [sys.executable, "-W", "error", "-c", program]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")], ids=name)
def test_the_recipes_on_a_page_load(page: Path) -> None:
    for text in blocks(page, "toml"):
        assert loads(text).student.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link.partition("#")[0]).is_file(), link


@pytest.mark.parametrize("method", list(methods))
def test_the_page_of_a_method_tells_its_options_and_their_defaults(method: str) -> None:
    page = ROOT / "docs" / "methods" / f"{method}.md"
    if not page.exists():
        pytest.skip("a method need not have a page")
    rows = re.findall(
        r"^\| `(\w+)` \| `?([^|`]+?)`? \|", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    told = [(name, default) for name, default in rows if name not in COMMON]
    assert told == [
        (key.name, key.default)
        for key in describe(methods[method].Config)
        if key.name not in COMMON
    ]


@pytest.mark.parametrize("cls", [Row, Evaluation, ClassMeans, Result, Machine])
def test_the_page_of_the_record_lists_the_fields_in_their_order(cls: type) -> None:
    text = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")
    section = text.split(f"## {cls.__name__}\n")[1].partition("\n## ")[0]
    assert first_column(section) == [field.name for field in fields(cls)]


def test_every_recipe_stands_on_the_page_of_recipes() -> None:
    told = first_column((ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"))
    assert set(recipes()) <= set(told)


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {tutelage.__version__}\n" in citation


def test_every_bench_stands_on_the_page_of_benchmarks() -> None:
    told = first_column((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"))
    assert told == sorted(path.stem[6:] for path in (ROOT / "benchmarks").glob("bench_*.py"))
