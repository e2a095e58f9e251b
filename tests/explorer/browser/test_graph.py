"""What can be done with the graph: search, filter, expand, find paths, keep, take away."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.explorer.browser.test_reference import CAPTION, FIRST, part

METHOD = "/?at=method:dkd"


def caption(page: Page) -> Any:
    return page.locator("#caption")


def spots(watched: Any, query: str) -> dict[str, tuple[float, float]]:
    view = watched.api(f"/api/view?{query}")
    return {node["key"]: (node["x"], node["y"]) for node in view["nodes"]}


def test_search_as_you_type_leads_there(watched: Any) -> None:
    page = watched.open(FIRST)
    page.keyboard.press("/")
    page.keyboard.type("reviewk")
    expect(page.get_by_role("option").first).to_contain_text("ReviewKD")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(part(page, "Details").get_by_role("heading", level=2)).to_contain_text("ReviewKD")


def test_kinds_and_links_are_hidden_and_come_back(watched: Any) -> None:
    page = watched.open(FIRST)
    people = part(page, "Filters").get_by_role("checkbox", name=re.compile("Researchers"))
    people.uncheck()
    expect(caption(page)).to_have_text(re.compile(r"^3 visible / 8 total nodes / 3 links"))
    page.go_back()
    expect(caption(page)).to_have_text(CAPTION)
    part(page, "Filters").get_by_role("checkbox", name=re.compile("Co-authorship")).uncheck()
    expect(caption(page)).to_have_text("8 visible / 8 total nodes / 9 links")


def test_a_filter_that_leaves_nothing_offers_a_way_out(watched: Any) -> None:
    page = watched.open("/?at=run:glyphs-dkd&hide=run&hide=model&hide=data&hide=method")
    page.get_by_role("button", name=re.compile("Clear filters")).first.click()
    expect(caption(page)).to_have_text(re.compile("^5 visible"))


def test_years_topic_method_and_accuracy_filter(watched: Any) -> None:
    watched.open(FIRST)
    everything = watched.api("/api/view")["nodes"]
    by = {
        "since=2024": lambda node: node["kind"] != "work" or node["year"] >= 2024,
        "method=method:dkd": lambda node: node["kind"] != "run" or "DKD" in node["label"],
        "accuracy=0.9": lambda node: node["kind"] != "run" or "KD on" not in node["label"][:5],
    }
    for query, holds in by.items():
        nodes = watched.api(f"/api/view?{query}")["nodes"]
        assert 0 < len(nodes) < len(everything), query
        assert all(map(holds, nodes)), query


def test_expand_and_fold_move_nothing(watched: Any) -> None:
    page = watched.open(METHOD)
    before = spots(watched, "at=method:dkd")
    page.get_by_text(re.compile(r"All \d+ nodes of this view")).click()
    part(page, "Neighbours").get_by_role("button", name=re.compile("^KD Method")).last.click()
    part(page, "Details").get_by_role("button", name=re.compile("^Expand")).click()
    expect(caption(page)).not_to_have_text(re.compile(f"^{len(before)} visible"))
    after = spots(watched, "at=method:dkd&open=method:kd")
    assert len(after) > len(before)
    assert {key: after[key] for key in before} == before
    page.reload()
    assert spots(watched, "at=method:dkd&open=method:kd") == after
    part(page, "Details").get_by_role("button", name=re.compile("^Fold")).click()
    expect(caption(page)).to_have_text(re.compile(f"^{len(before)} visible"))


def test_depth_reaches_further(watched: Any) -> None:
    page = watched.open(METHOD)
    near = int(caption(page).inner_text().split()[0])
    page.get_by_role("button", name="2", exact=True).click()
    expect(caption(page)).not_to_have_text(re.compile(f"^{near} visible"))
    assert int(caption(page).inner_text().split()[0]) > near


@pytest.mark.parametrize(("button", "layout"), [("Lineage", "layered"), ("Timeline", "timeline")])
def test_layouts_stand_in_the_address(watched: Any, button: str, layout: str) -> None:
    page = watched.open(METHOD)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page).to_have_url(re.compile(f"layout={layout}"))
    expect(page.get_by_role("button", name=button, exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )


def test_a_path_is_written_out_hop_by_hop(watched: Any) -> None:
    page = watched.open(f"{METHOD}&path=arxiv:2203.08679&path=model:run:glyphs-dkd")
    path = part(page, "Path")
    for text in ("Decoupled Knowledge Distillation", "DKD", "glyph_student"):
        expect(path).to_contain_text(text)
    hops = watched.api("/api/path?from=arxiv:2203.08679&to=model:run:glyphs-dkd")
    assert [link["kind"] for link in hops["links"]] == ["describes", "uses", "produces"]


def test_the_list_picks_what_the_details_tell(watched: Any) -> None:
    page = watched.open(FIRST)
    part(page, "Neighbours").get_by_role("button", name=re.compile("^Borui Zhao")).first.click()
    expect(part(page, "Details").get_by_role("heading", level=2)).to_have_text("Borui Zhao")
    expect(page).to_have_url(re.compile("pick="))
    page.go_back()
    expect(part(page, "Details").get_by_role("heading", level=2)).to_contain_text("Decoupled")


def test_arrows_walk_and_question_mark_helps(watched: Any) -> None:
    page = watched.open(FIRST)
    page.get_by_role("application", name="Graph").focus()
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile("pick="))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Help")).to_be_hidden()


def test_a_view_is_kept_under_a_name(watched: Any) -> None:
    page = watched.open(METHOD)
    page.get_by_role("button", name="Views", exact=True).click()
    page.get_by_label("Name for this view").fill("around DKD")
    page.get_by_label("Name for this view").press("Enter")
    expect(page.get_by_text("Saved as around DKD")).to_be_visible()
    assert [view["name"] for view in watched.api("/api/views")] == ["around DKD"]
    page.get_by_role("button", name="Delete around DKD").click()
    expect(page.get_by_text("Deleted around DKD")).to_be_visible()
    assert watched.api("/api/views") == []


def _xml(root: str) -> Callable[[bytes], bool]:
    return lambda content: ElementTree.fromstring(content).tag.endswith(root)


READS: dict[str, Callable[[bytes], Any]] = {
    "svg": _xml("svg"),
    "graphml": _xml("graphml"),
    "gexf": _xml("gexf"),
    "csv": lambda content: len(list(csv.DictReader(io.StringIO(content.decode())))) >= 19,
    "bibtex": lambda content: content.lstrip().startswith(b"@"),
    "json": json.loads,
}


@pytest.mark.parametrize("kind", READS)
def test_a_view_is_taken_away(watched: Any, kind: str) -> None:
    page = watched.open(FIRST)
    query = FIRST.partition("?")[2]
    text = page.evaluate(
        "async (address) => (await fetch(address)).text()", f"/api/export?format={kind}&{query}"
    )
    assert READS[kind](text.encode())


def test_the_canvas_is_taken_away_as_a_picture(watched: Any) -> None:
    page = watched.open(FIRST)
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as told:
        page.get_by_role("dialog", name="Export").get_by_text(re.compile("PNG")).first.click()
    assert told.value.path().read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_map_shows_everything(watched: Any) -> None:
    page = watched.open("/?map=1")
    total = sum(origin["nodes"] for origin in watched.api("/api/origins"))
    shown = int(caption(page).inner_text().split()[0])
    assert 190 < shown <= total
    assert watched.axe() == []


def test_without_webgl_there_is_a_picture_and_a_list(
    opener: Any, chromium_without_webgl: Browser
) -> None:
    page = opener(browser=chromium_without_webgl).open(FIRST)
    picture = page.get_by_role("application", name="Graph").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    expect(
        part(page, "Neighbours").get_by_role("button", name=re.compile("Quan Cui"))
    ).to_have_count(1)
