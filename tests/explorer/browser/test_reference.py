"""The page that opens first: the paper, its people and topics, to the count."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

FIRST = "/?at=arxiv:2203.08679&within=shipped:dkd"
PEOPLE = ["Borui Zhao", "Quan Cui", "Renjie Song", "Yiyu Qiu", "Jiajun Liang"]
CAPTION = "8 visible / 8 total nodes / 19 links"


@pytest.fixture
def page(watched: Any) -> Page:
    return watched.open(FIRST)  # type: ignore[no-any-return]


def part(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


def test_the_start_address_opens_the_paper(opener: Any, site: Any) -> None:
    page = opener().open("/")
    expect(page.get_by_role("heading", name="Graph explorer", level=1)).to_be_visible()
    expect(page.locator("#caption")).to_have_text(CAPTION)


def test_the_paper_is_told_with_its_abstract_and_its_overview(page: Page) -> None:
    overview = part(page, "Overview")
    expect(overview.get_by_role("heading")).to_have_text("Decoupled Knowledge Distillation")
    expect(overview).to_contain_text("splits the")
    expect(overview.get_by_role("button", name="Overview preview")).to_contain_text(
        "8 nodes / 9 links"
    )


def test_the_picked_paper_is_told(page: Page) -> None:
    details = part(page, "Details")
    for text in ("Paper", "Signal 10", "7 links", "preprint / 2022"):
        expect(details).to_contain_text(text)
    link = details.get_by_role("link", name="Open")
    expect(link).to_have_attribute("href", "https://arxiv.org/abs/2203.08679")
    expect(link).to_have_attribute("rel", re.compile("noopener"))


def test_kinds_of_nodes_and_links_are_counted(page: Page) -> None:
    filters = part(page, "Filters")
    for name in ("Papers 1", "Researchers 5", "Topics 2"):
        expect(filters.get_by_role("checkbox", name=name, exact=True)).to_be_checked()
    for name in (
        "Authorship 5",
        "Topic signal 2",
        "Co-authorship 10",
        "Works on 1",
        "Related context 1",
    ):
        expect(filters.get_by_role("checkbox", name=name, exact=True)).to_be_checked()


def test_every_node_stands_in_the_list_with_what_stands_beneath_it(page: Page) -> None:
    page.get_by_text("All 8 nodes of this view").click()
    listed = part(page, "Neighbours")
    for name in PEOPLE:
        expect(listed.get_by_role("button", name=f"{name} Researcher")).to_be_visible()
    for name in (
        "Artificial Intelligence Topic, 22915 works",
        "Computer Vision Topic, 30606 works",
    ):
        expect(listed.get_by_role("button", name=name)).to_be_visible()


def test_the_overview_folds_co_authorship_away_and_back_unfolds_it(page: Page) -> None:
    page.get_by_role("button", name="Overview", exact=True).click()
    expect(page.locator("#caption")).to_have_text("8 visible / 8 total nodes / 9 links")
    page.go_back()
    expect(page.locator("#caption")).to_have_text(CAPTION)


def test_the_page_is_there_in_time(watched: Any) -> None:
    page = watched.open(FIRST)
    took = page.evaluate("performance.now()")
    assert took < 8000, f"{took:.0f} ms"  # the benchmark holds it to its bar


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [(1280, 800), (390, 844)], ids=["wide", "phone"])
def test_axe_finds_nothing(opener: Any, scheme: str, viewport: tuple[int, int]) -> None:
    watched = opener(color_scheme=scheme, viewport={"width": viewport[0], "height": viewport[1]})
    page = watched.open(FIRST)
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert watched.axe() == []
