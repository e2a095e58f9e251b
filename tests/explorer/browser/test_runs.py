"""One's own runs in the graph: their course, comparison and classes, while they are written."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from tests.explorer.browser.conftest import Site
from tests.explorer.browser.test_reference import part
from tests.explorer.runs import STUDENT, begin_run, write_run, write_student
from tests.explorer.serving import serving

HEIGHT = "() => document.querySelector('.sigma-names').clientHeight"
DRAWN = """() => [...document.querySelectorAll('.sigma-names, .sigma-nodes')].every(
    ({ height, clientHeight }) => Math.abs(height - clientHeight * devicePixelRatio) < 2)"""
RUN = "/?at=run:glyphs-dkd&pick=run:glyphs-dkd"


def test_a_paper_leads_to_its_method_and_that_to_the_runs(watched: Any) -> None:
    page = watched.open("/?at=arxiv:2203.08679&within=shipped:dkd")
    part(page, "Details").get_by_role("button", name=re.compile("^DKD Method")).click()
    expect(part(page, "Details").get_by_role("heading", level=2)).to_have_text("DKD")
    part(page, "Details").get_by_role("button", name=re.compile("^DKD on glyphs100")).click()
    expect(part(page, "Details")).to_contain_text("Run")


def test_a_run_tells_its_course_and_how_to_repeat_it(watched: Any, runs: Path) -> None:
    page = watched.open(RUN)
    part(page, "Details").get_by_role("button", name="Curves").click()
    sheet = part(page, "Run")
    for text in ("90.30", "94.80", "Loss terms", "Share of the gradient", "75"):
        expect(sheet).to_contain_text(text)
    expect(sheet).to_contain_text(f"tutelage distill {runs / 'glyphs-dkd'} run.name=again")
    assert watched.axe() == []
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_two_runs_stand_beside_each_other(watched: Any) -> None:
    page = watched.open(f"{RUN}&compare=run:glyphs-dkd&compare=run:glyphs-kd&sheet=compare")
    sheet = part(page, "Compare")
    for text in ("90.30", "89.20", "1.10", "method.name"):
        expect(sheet).to_contain_text(text)
    assert watched.axe() == []


def test_a_comparison_begins_with_one_run_and_offers_others(watched: Any) -> None:
    page = watched.open(RUN)
    part(page, "Details").get_by_role("button", name="Compare").click()
    sheet = part(page, "Compare")
    expect(sheet.get_by_role("list", name="Runs compared")).to_contain_text("glyphs-dkd")
    sheet.get_by_role("button", name=re.compile("^KD on glyphs100")).click()
    expect(sheet).to_contain_text("1.10")


def test_a_canvas_that_a_sheet_makes_smaller_is_drawn_anew(watched: Any) -> None:
    page = watched.open(RUN)
    page.wait_for_function(DRAWN)
    before = page.evaluate(HEIGHT)
    part(page, "Details").get_by_role("button", name="Curves").click()
    expect(part(page, "Run")).to_contain_text("90.30")
    page.wait_for_function(f"({HEIGHT})() < {before}")
    page.wait_for_function(DRAWN)


def test_what_a_student_learned_of_the_classes(watched: Any) -> None:
    page = watched.open(f"{RUN}&sheet=classes")
    sheet = part(page, "Classes")
    for text in ("one", "seven", "Learned"):
        expect(sheet).to_contain_text(text)
    assert watched.axe() == []


def test_a_run_appears_and_grows_while_it_is_written(
    opener: Any, chromium: Browser, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    with serving(runs) as start:
        watched = opener(site=(site := Site(start, chromium)), storage_state=None)
        watched.page.context.add_cookies(site.cookie["cookies"])
        page = watched.open("/?within=")
        assert not page.get_by_role("checkbox", name=re.compile("Runs")).count()
        teacher = write_run(
            runs / "teacher",
            STUDENT.format(teacher="none", method="ce"),
            0.9,
            teacher=runs / "none",
        )
        with begin_run(
            runs / "live", STUDENT.format(teacher=teacher.as_posix(), method="dkd"), 0.6
        ):
            expect(page.get_by_role("checkbox", name="Runs 2")).to_be_visible(timeout=30_000)
        write_student(runs / "third", teacher, "kd", 0.7)
        expect(page.get_by_role("checkbox", name="Runs 3")).to_be_visible(timeout=30_000)


def test_a_server_that_is_gone_is_told(chromium: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as start:
        context = chromium.new_context(reduced_motion="reduce")
        page = context.new_page()
        page.goto(start)
        page.get_by_text("visible /").first.wait_for()
    expect(page.get_by_text(re.compile("does not answer")).first).to_be_visible(timeout=30_000)
    context.close()
