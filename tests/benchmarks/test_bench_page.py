"""The benchmark of the page runs, in small, in a real browser."""

import shutil

import pytest

from hatch_build import must_build
from tests.benchmarks.conftest import Small


@pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("chromium-browser")),
    reason="there is no chromium: apt install chromium",
)
@pytest.mark.skipif(must_build(), reason="the page is not built of these sources: pip install -e .")
def test_it_opens_the_reference_page_and_a_map(small: Small) -> None:
    lines = {line["case"]: line for line in small("page")}
    for case in ("the reference page", "a map of 500 nodes and 1,500 links"):
        assert 0 < float(lines[case]["p50_ms"]) <= float(lines[case]["worst_ms"])
