"""How long the explorer's page takes to be there, in headless Chromium with software WebGL.

    python -m benchmarks page

For every line a fresh `tutelage explore` answers, and each round opens the page in a new context of
the browser, without its cache. A time is that of the page's own clock, from the navigation to the
second frame after the graph's caption stands: names, links and nodes are drawn and the page takes
input. `busy` is how long the page's thread was held up by single tasks of more than 50 ms. The bars
are those that were set before anything was measured, for a machine of 2 cores.
"""

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._harness import Report, parsed, parser
from benchmarks.bench_graph import quantiles, served, write_graph
from tutelage.graph.atlas import draw_map
from tutelage.graph.home import Home

FLAGS = [
    *("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
]
READY = """
window.busy = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.busy += duration;
}).observe({ type: "longtask", buffered: true });
window.ready = new Promise((told) => {
  const look = () => {
    const caption = document.querySelector("#caption")?.textContent ?? "";
    const drawn = caption.includes("visible") && document.querySelector(".stage canvas");
    requestAnimationFrame(drawn ? () => told(performance.now()) : look);
  };
  requestAnimationFrame(look);
});
"""
REFERENCE_BAR = 1_000.0  # milliseconds
LINKS = 3  # of a node
MAPS = {10_000: 2_000.0, 100_000: 8_000.0}  # nodes -> bar


def opened(graph: Path, runs: Path, address: str, rounds: int) -> dict[str, Any]:
    """Return what it takes until the page of an address is there."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("this wants a Chromium: apt install chromium")
    seconds, busy = [], []
    with served(graph, runs) as start, sync_playwright() as playwright:
        origin = start.partition("/?")[0].rpartition("/start")[0]
        with playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser:
            entered = browser.new_context()
            entered.new_page().goto(start)
            cookie = entered.storage_state()
            entered.close()
            for _ in range(rounds + 1):
                context = browser.new_context(
                    storage_state=cookie, viewport={"width": 1280, "height": 800}
                )
                page = context.new_page()
                page.set_default_timeout(120_000)
                page.add_init_script(READY)
                page.goto(origin + address)
                seconds.append(page.evaluate("window.ready") / 1000)
                busy.append(page.evaluate("window.busy"))
                caption = page.locator("#caption").inner_text()
                context.close()
    print(caption)
    return {**quantiles(seconds[1:]), "busy_ms": round(sorted(busy[1:])[rounds // 2])}


def main() -> None:
    """Measure, print and write."""
    given = parsed(parser(__doc__, "page", rounds=5))
    report = Report("the explorer's page", given.out)
    with TemporaryDirectory() as scratch:
        runs = Path(scratch) / "runs"
        runs.mkdir()
        home = Home(Path(scratch) / "shipped.sqlite")
        home.open().close()
        first = "/?at=arxiv:2203.08679&within=shipped:dkd"
        report.add(
            "the reference page",
            **opened(Path(home.graph), runs, first, given.rounds),
            bar=REFERENCE_BAR,
        )
        for nodes, bar in {500: 2_000.0}.items() if given.small else MAPS.items():
            folder = Path(scratch) / str(nodes)
            folder.mkdir()
            home = Home(folder / "graph.sqlite")
            write_graph(folder / "graph.csv", nodes, LINKS)
            home.import_file(folder / "graph.csv")
            home.refresh()
            with closing(home.open()) as store:
                draw_map(store)
            report.add(
                f"a map of {nodes:,} nodes and {LINKS * nodes:,} links",
                **opened(Path(home.graph), runs, "/?map=1", given.rounds),
                bar=bar,
            )
    report.finish()


if __name__ == "__main__":
    main()
