"""What hands do with the page: drag, lead the minimap, choose ends of paths, take files away."""

import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor
from playwright.sync_api import Browser, Page, expect

from tests.explorer.browser.conftest import Opener, Site
from tests.explorer.browser.test_graph import METHOD, READS, caption, spots
from tests.explorer.browser.test_reference import FIRST, part
from tests.explorer.serving import serving
from tutelage.graph.home import Home

STEP = 11  # pixels, less than any node is wide


def a_node(page: Page) -> tuple[float, float]:
    """Return a point of the page where a node lies, sought as a hand does: by the pointer."""
    stage = page.locator(".stage")
    box = stage.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    points = [
        (middle[0] + x, middle[1] + y)
        for x in range(-int(box["width"] / 2) + 60, int(box["width"] / 2) - 60, STEP)
        for y in range(-int(box["height"] / 2) + 60, int(box["height"] / 2) - 60, STEP)
    ]
    for point in sorted(points, key=lambda point: math.dist(point, middle)):
        page.mouse.move(*point)
        if stage.evaluate("stage => stage.style.cursor") == "pointer":
            return point
    raise AssertionError("there is no node")


@pytest.mark.parametrize(("address", "least"), [(FIRST, 900), ("/?map=1", 200)])
def test_nodes_are_drawn_in_the_colours_of_their_kinds(
    watched: Any, address: str, least: int
) -> None:
    page = watched.open(address)
    page.wait_for_timeout(300)
    with Image.open(io.BytesIO(page.locator(".stage").screenshot())) as picture:
        colours = Counter(map(tuple, np.asarray(picture.convert("RGB")).reshape(-1, 3).tolist()))
    for kind in ("work", "person", "topic"):
        style = "kind => getComputedStyle(document.documentElement).getPropertyValue('--' + kind)"
        colour = ImageColor.getrgb(page.evaluate(style, kind).strip())
        assert colours[colour[:3]] > least, kind


def test_a_node_that_is_dragged_stays_there_and_is_not_picked(watched: Any) -> None:
    query = "at=method:fitnet"
    page = watched.open(f"/?{query}")
    before = spots(watched, query)
    x, y = a_node(page)
    with page.expect_response(re.compile("/api/places")) as kept:
        page.mouse.down()
        page.mouse.move(x + 30, y + 25, steps=4)
        page.mouse.move(x + 60, y + 50, steps=4)
        page.mouse.up()
    assert kept.value.ok
    after = spots(watched, query)
    moved = [key for key, place in after.items() if math.dist(place, before[key]) > 1e-6]
    assert len(moved) == 1
    assert "pick=" not in page.url
    page.reload()
    expect(caption(page)).to_have_text(re.compile("visible"))
    assert spots(watched, query) == after
    page.mouse.click(*a_node(page))
    expect(page).to_have_url(re.compile("pick="))


def test_the_minimap_leads_and_back_undoes(watched: Any) -> None:
    page = watched.open(METHOD)
    box = page.locator(".minimap").bounding_box()
    assert box
    page.mouse.click(box["x"] + 20, box["y"] + 20)
    expect(page).to_have_url(re.compile("camera="))
    page.get_by_role("button", name="Fit", exact=True).click()
    expect(page).not_to_have_url(re.compile("camera="))


def test_the_ends_of_a_path_are_chosen_by_button_and_search(watched: Any) -> None:
    page = watched.open(FIRST)
    part(page, "Details").get_by_role("button", name=re.compile("^Path")).click()
    page.keyboard.press("/")
    page.keyboard.type("quan cui")
    expect(page.get_by_role("option").first).to_contain_text("Quan Cui")
    page.keyboard.press("Enter")
    expect(part(page, "Path")).to_contain_text("1 link apart")
    expect(part(page, "Path")).to_contain_text("Quan Cui")


def test_communities_colour_the_graph(watched: Any) -> None:
    page = watched.open(METHOD)
    picture = page.locator(".stage").screenshot()
    page.get_by_role("button", name="Community").click()
    expect(page).to_have_url(re.compile("colour=community"))
    page.wait_for_timeout(300)
    assert page.locator(".stage").screenshot() != picture


def test_a_named_view_takes_another_name_and_opens(watched: Any) -> None:
    page = watched.open(METHOD)
    page.get_by_role("button", name="Views", exact=True).click()
    page.get_by_label("Name for this view").fill("first")
    page.get_by_label("Name for this view").press("Enter")
    page.get_by_role("button", name="Rename first").click()
    page.get_by_label("New name for first").fill("second")
    page.keyboard.press("Enter")
    expect(page.get_by_text("first is now second")).to_be_visible()
    assert [view["name"] for view in watched.api("/api/views")] == ["second"]
    page.keyboard.press("Escape")
    page = watched.open(FIRST)
    page.get_by_role("button", name="Views", exact=True).click()
    page.get_by_role("button", name=re.compile("^second")).click()
    expect(page).to_have_url(re.compile("at=method"))
    page.get_by_role("button", name="Delete second").click()
    expect(page.get_by_text("Deleted second")).to_be_visible()


@pytest.mark.parametrize("kind", READS)
def test_a_button_takes_the_view_away(watched: Any, kind: str) -> None:
    page = watched.open(FIRST)
    page.get_by_role("button", name="Export", exact=True).click()
    link = page.get_by_role("dialog", name="Export").locator(f"a[href*='format={kind}']")
    with page.expect_download() as told:
        link.click()
    assert READS[kind](told.value.path().read_bytes())


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Site]:
    """A server with a paper, a person and a topic that are called what could be run."""
    folder = tmp_path_factory.mktemp("hostile")
    nodes = [
        {
            "kind": kind,
            "key": f"{space}:evil-{kind}",
            "label": f"{HOSTILE} {kind}",
            "facts": {"abstract": HOSTILE, "url": "javascript:alert(3)", "venue": HOSTILE},
        }
        for kind, space in (("work", "s2paper"), ("person", "s2author"), ("topic", "topic"))
    ]
    links = [
        {"kind": "authorship", "source": "s2author:evil-person", "target": "s2paper:evil-work"},
        {"kind": "topic_signal", "source": "s2paper:evil-work", "target": "topic:evil-topic"},
    ]
    file = folder / "evil.json"
    file.write_text(json.dumps({"nodes": nodes, "links": links}))
    runs = folder / "runs"
    runs.mkdir()
    report = Home(runs / "graph.sqlite").import_file(Path(file))
    assert (report.nodes, report.links) == (3, 2)
    with serving(runs) as start:
        yield Site(start, chromium)


def test_titles_that_could_be_run_are_read(opener: Opener, hostile_site: Site) -> None:
    watched = opener(site=hostile_site)  # which fails by any dialog and any word of the policy
    page = watched.open("/?at=s2paper:evil-work")
    expect(caption(page)).to_have_text(re.compile("^3 visible"))
    expect(part(page, "Details").get_by_role("heading", level=2)).to_contain_text("<img src=x")
    assert page.locator("[href^='javascript:']").count() == 0
    page.keyboard.press("/")
    page.keyboard.type("img src")
    expect(page.get_by_role("option").first).to_contain_text("onerror=alert(1)")
    page.keyboard.press("Escape")
    page.mouse.move(*a_node(page))
    page.wait_for_timeout(300)
    assert page.locator("img[src='x']").count() == 0
    assert watched.axe() == []
