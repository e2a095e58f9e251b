"""The page of all methods is what the methods say of themselves."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tutelage.methods import methods

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = spec_from_file_location("write_methods_page", ROOT / "tools" / "write_methods_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(tool: ModuleType) -> None:
    written = tool.PAGE.read_text(encoding="utf-8")
    assert written == tool.page(), "run `python tools/write_methods_page.py`"


@pytest.mark.parametrize("method", list(methods))
def test_a_method_has_one_stem_in_every_room(method: str) -> None:
    for place in (f"src/tutelage/methods/{method}.py", f"docs/methods/{method}.md"):
        assert (ROOT / place).is_file(), place


@pytest.mark.parametrize("method", [name for name in methods if methods[name].needs_teacher])
def test_a_method_cites_a_paper_that_can_be_found(method: str) -> None:
    paper = methods[method].paper
    assert paper is not None
    assert paper.authors
    assert 2006 <= paper.year <= 2026
    assert paper.arxiv or paper.doi or paper.venue
