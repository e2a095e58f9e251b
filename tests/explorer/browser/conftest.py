"""The explorer as a person meets it: a real server, real runs, and Debian's Chromium."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Playwright,
    Request,
    StorageState,
    sync_playwright,
)

from hatch_build import FRONTEND, must_build
from tests.explorer.runs import write_runs
from tests.explorer.serving import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",  # which root may not have
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name is ever looked up: what is not of this machine cannot be reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SOFTWARE_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
NO_WEBGL = ["--disable-gpu", "--disable-webgl", "--disable-webgl2", "--disable-3d-apis"]


@pytest.fixture(scope="session", autouse=True)
def _needs() -> None:
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt install chromium")
    if must_build():
        pytest.skip("the page is not built of these sources: pip install -e .")


@pytest.fixture(scope="module")  # its event loop runs until then, and bars others from theirs
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def launch(playwright: Playwright, *flags: str) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    with launch(playwright, *SOFTWARE_WEBGL) as browser:
        yield browser


@pytest.fixture(scope="module")
def chromium_without_webgl(playwright: Playwright) -> Iterator[Browser]:
    with launch(playwright, *NO_WEBGL) as browser:
        yield browser


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a teacher's run and two of its students."""
    return write_runs(tmp_path_factory.mktemp("work") / "runs")


class Site:
    """A server, and what lets a browser in."""

    def __init__(self, start: str, browser: Browser) -> None:
        """Let a browser in by the start address, which is good once, and keep its cookie."""
        address = urlsplit(start)
        self.origin = f"{address.scheme}://{address.netloc}"
        context = browser.new_context()
        context.new_page().goto(start)
        self.cookie: StorageState = context.storage_state()
        context.close()


@pytest.fixture(scope="module")
def site(runs: Path, chromium: Browser) -> Iterator[Site]:
    with serving(runs) as start:
        yield Site(start, chromium)


class Watched:
    """A page whose every complaint is kept, and anything it asks of another host."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        context.on("request", self._request)

    def open(self, address: str) -> Page:
        """Go to an address of the site and wait until the view is there."""
        self.page.goto(self.site.origin + address)
        self.page.get_by_text("visible /").first.wait_for()
        return self.page

    def api(self, address: str) -> Any:
        """Ask the site's API as the page does."""
        return self.page.evaluate("async (address) => (await fetch(address)).json()", address)

    def axe(self) -> list[str]:
        """Return what axe finds wrong with the page as it is, each with where it is."""
        # By the debugger's door: a script tag would not pass the page's policy.
        self.page.evaluate((FRONTEND / "node_modules/axe-core/axe.min.js").read_text("utf-8"))
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    def _console(self, message: ConsoleMessage) -> None:
        # Software WebGL is slow, and the driver says so.
        if message.type in ("error", "warning") and "GPU stall" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site.origin, "data:", "blob:")):
            self.complaints.append(f"asked another host: {request.url}")


Opener = Callable[..., Watched]


@pytest.fixture
def opener(site: Site, chromium: Browser) -> Iterator[Opener]:
    """Make watched pages, in contexts of one's own; none may have complained at the end."""
    made: list[tuple[BrowserContext, Watched]] = []

    def make(*, site: Site = site, browser: Browser = chromium, **options: Any) -> Watched:
        viewport = {"width": 1280, "height": 800}
        context = browser.new_context(
            **{
                "storage_state": site.cookie,
                "viewport": viewport,
                "reduced_motion": "reduce",
                **options,
            }
        )
        watched = Watched(context, site)
        made.append((context, watched))
        return watched

    yield make
    for context, watched in made:
        context.close()
        assert watched.complaints == []


@pytest.fixture
def watched(opener: Opener) -> Watched:
    """A page of 1280 x 800 that fails the test by any complaint."""
    return opener()
