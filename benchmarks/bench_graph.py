"""What the explorer's graph costs at scale: import, search, expansion, paths, start.

    python -m benchmarks graph                          # 1M nodes, 10M links: about 15 minutes
    python -m benchmarks.bench_graph --nodes 100000     # a tenth of it

A synthetic graph of papers, people and topics with 10 links a node, whose targets are half uniform
and half drawn towards few (the cube of a uniform number), is written as a CSV of links and goes in
as users' files do, by `Home.import_file`, into SQLite. `p50` and `p95` are over `n` questions,
asked one after the other by one client with the file in the page cache, after 50 that do not
count. The bars are those that were set before anything was measured.
"""

import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks._harness import Report, parsed, parser
from tutelage.graph.home import Home
from tutelage.graph.model import LINK_CODES
from tutelage.graph.store import Store, open_store
from tutelage.graph.store._ledger import counted_by_kind
from tutelage.graph.store._write import CHUNK
from tutelage.graph.store.sqlite import WRITING, SqliteTalk

SEED = 0
LINKS = 10  # of a node
WORDS = 20_000
WARMUP = 50  # questions
SLICE = 10_000  # rows that are made at a time
HEADER = "source_kind,source,link,target_kind,target,source_label,source_year\n"
SHARES = {"work": 0.70, "person": 0.29, "topic": 0.01}
LETTERS = {"work": "W", "person": "A", "topic": "T"}
KINDS = {  # of link: the share of all, and the kinds at its ends
    "cites": (0.6, "work", "work"),
    "authorship": (0.3, "person", "work"),
    "topic_signal": (0.1, "work", "topic"),
}
SEARCH_BAR, EXPAND_BAR, PATH_BAR, START_BAR = 30.0, 30.0, 150.0, 600.0  # milliseconds, p95
IMPORT_BAR = 150_000  # links a second


def write_graph(path: Path, nodes: int, links: int = LINKS) -> tuple[list[str], list[str]]:
    """Write a CSV of so many nodes and `links` times the links; return all ids and labels."""
    random = np.random.default_rng(SEED)
    counts = {kind: max(2, int(nodes * share)) for kind, share in SHARES.items()}
    vocabulary = _vocabulary(random)
    ids, labels = list[str](), list[str]()
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for kind, count in counts.items():
            mine = [f"openalex:{LETTERS[kind]}{n}" for n in range(count)]
            told = list(_labels(random, vocabulary, count, 2 if kind == "person" else 6))
            years = random.integers(1990, 2027, count).tolist()
            file.writelines(
                f"{kind},{name},,,,{label},{year if kind == 'work' else ''}\n"
                for name, label, year in zip(mine, told, years, strict=True)
            )
            ids += mine
            labels += told
        for kind, (share, source, target) in KINDS.items():
            number = int(nodes * links * share)
            ends = zip(
                _drawn(random, counts[source], number, 0.0),
                _drawn(random, counts[target], number, 0.5),
                strict=True,
            )
            here, there = (
                f"{source},openalex:{LETTERS[source]}",
                f"{target},openalex:{LETTERS[target]}",
            )
            file.writelines(
                f"{here}{a},{kind},{there}{b},,\n" for a, b in ends if source != target or a != b
            )
    return ids, labels


def _drawn(random: np.random.Generator, most: int, number: int, towards_few: float) -> list[int]:
    drawn = random.random(number)
    cubed = np.where(random.random(number) < towards_few, drawn**3, drawn)
    return (cubed * most).astype(int).tolist()  # type: ignore[no-any-return]


def _vocabulary(random: np.random.Generator) -> list[str]:
    """Return pronounceable words, as ambiguous by their first letters as those of a language."""
    parts = [c + v for c in "bcdfghklmnprstvz" for v in "aeiou"]
    return ["".join(random.choice(parts, 2 + n % 3)) for n in range(WORDS)]


def _labels(
    random: np.random.Generator, vocabulary: Sequence[str], count: int, words: int
) -> Iterator[str]:
    """Yield labels of words that are as unevenly common as those of a language."""
    drawn = (random.random((count, words)) ** 3 * len(vocabulary)).astype(int)
    for row in drawn.tolist():
        yield " ".join(vocabulary[word] for word in row).capitalize()


def asked(questions: Sequence[Callable[[], object]]) -> dict[str, Any]:
    """Return the quantiles of what questions take, in milliseconds; the first do not count."""
    for question in questions[:WARMUP]:
        question()
    seconds = []
    for question in questions[WARMUP:]:
        began = time.perf_counter()
        question()
        seconds.append(time.perf_counter() - began)
    return quantiles(seconds)


def quantiles(seconds: Sequence[float]) -> dict[str, Any]:
    """Return quantiles of seconds, in milliseconds."""
    p50, p95, worst = (round(1000 * float(np.quantile(seconds, q)), 2) for q in (0.5, 0.95, 1))
    return {"p50_ms": p50, "p95_ms": p95, "worst_ms": worst, "n": len(seconds)}


def typed(labels: Sequence[str], count: int) -> list[str]:
    """Return what stands in the search box while people type some labels: ever more letters."""
    random = np.random.default_rng(SEED + 1)
    found: list[str] = []
    while len(found) < count:
        label = labels[int(random.integers(len(labels)))][:30]
        found += [label[:length] for length in range(1, len(label) + 1)]
    return found[:count]


@contextmanager
def served(graph: str | Path, runs: Path) -> Iterator[str]:
    """Serve a graph, and give the address that lets a browser in."""
    command = [sys.executable, "-m", "tutelage", "explore", "--no-browser", "--graph", str(graph)]
    server = subprocess.Popen(
        [*command, "--runs", str(runs)], stdout=subprocess.PIPE, text=True, cwd=runs
    )
    try:
        assert server.stdout
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate(timeout=60)


def answered(graph: str | Path, runs: Path) -> float:
    """Return the seconds from the start of `tutelage explore` until its port answers."""
    began = time.perf_counter()
    with served(graph, runs) as address:
        try:
            with urllib.request.urlopen(address, timeout=10) as page:
                page.read(1)
        except urllib.error.HTTPError:
            pass  # a refusal is an answer as well
        return time.perf_counter() - began


@contextmanager
def bare(file: Path) -> Iterator[SqliteTalk]:
    """Give a transaction with SQLite alone in an empty graph, and take the file away afterwards."""
    open_store(file).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for setting in WRITING:
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN IMMEDIATE")
        yield SqliteTalk(connection)
    file.unlink()


def sqlite_alone(file: Path, nodes: int) -> float:
    """Return the seconds in which SQLite by itself keeps as many links, both ways, and counts them.

    They are sorted already, and go into the store's own table and index.
    """
    random = np.random.default_rng(SEED)
    ends = random.integers(1, nodes + 1, (2, nodes * LINKS))
    source, target = ends[:, np.lexsort(ends[::-1])]
    kind = LINK_CODES.index("cites")
    took = 0.0
    with bare(file) as talk:
        talk.drop_back_index()
        for begin in range(0, len(source), SLICE):
            here, there = (end[begin : begin + SLICE].tolist() for end in (source, target))
            rows = [(a, kind, b, 1, a, b, 1.0, "") for a, b in zip(here, there, strict=True)]
            began = time.perf_counter()
            talk.add_links(rows)
            took += time.perf_counter() - began
        began = time.perf_counter()
        talk.build_back_index()
        talk.rows(counted_by_kind())
        talk.run("COMMIT")
        return took + time.perf_counter() - began


def sqlite_nodes_alone(file: Path, nodes: int) -> float:
    """Return the seconds in which SQLite by itself keeps the rows of so many nodes.

    A node is a claim, a name and what the claims of it come to, in the store's own tables and
    indexes; each node here has one of each, and they come in portions as large as an import's.
    """
    random = np.random.default_rng(SEED)
    label, took = "A title of six words or so", 0.0
    with bare(file) as talk:
        for begin in range(0, nodes, CHUNK):
            numbers = range(begin + 1, min(begin + CHUNK, nodes) + 1)
            keys = [f"openalex:W{n}" for n in numbers]
            lists = [f'["{key}"]' for key in keys]
            digests = np.sort(random.integers(-(2**62), 2**62, len(keys))).tolist()
            of = list(zip(numbers, keys, lists, digests, strict=True))
            names = [(n, key, n) for key, n in sorted(zip(keys, numbers, strict=True))]
            shown = [(n, key, 0, label, 2001, 0.0, -n, f'{{"ids":{ids}}}') for n, key, ids, _ in of]
            claims = [(n, 1, digest, n, 0, ids, label, 2001, "{}") for n, _, ids, digest in of]
            began = time.perf_counter()
            for table, rows in (("name", names), ("node", shown), ("claim", claims)):
                talk.insert(table, rows)
            took += time.perf_counter() - began
        began = time.perf_counter()
        talk.run("COMMIT")
        return took + time.perf_counter() - began


def ask_all(
    report: Report, store: Store, ids: Sequence[str], labels: Sequence[str], n: int
) -> None:
    """Measure what the page asks while it is used."""
    random = np.random.default_rng(SEED + 2)
    searches = [lambda text=text: store.search(text) for text in typed(labels, n + WARMUP)]
    report.add("search as you type", **asked(searches), bar=SEARCH_BAR, seed=SEED)

    def numbers(keys: Sequence[str]) -> list[int]:
        return [node.id for node in store.nodes(keys)]

    anywhere = numbers([ids[n] for n in random.integers(0, len(ids), 3 * n + WARMUP).tolist()])
    known = [node.id for node in store.members("", limit=1000)]
    for name, nodes in (("any node", anywhere), ("the 1,000 most important", known)):
        chosen = random.choice(nodes, n + WARMUP).tolist()
        expansions = [lambda node=node: store.neighbours(node) for node in chosen]
        report.add(f"expand {name}", **asked(expansions), bar=EXPAND_BAR, seed=SEED)
    ends = random.choice(anywhere, (n // 2 + WARMUP, 2)).tolist()
    paths = [lambda a=a, b=b: store.path(a, b) for a, b in ends]
    report.add("path", **asked(paths), bar=PATH_BAR, seed=SEED)


def main() -> None:
    """Measure, print and write."""
    flags = parser(__doc__, "graph", rounds=5)
    flags.add_argument("--nodes", type=int, default=1_000_000, help="ten times the links (1000000)")
    flags.add_argument("--folder", type=Path, help="where the graph is made, and stays")
    given = parsed(flags)
    nodes, questions = (2_000, 60) if given.small else (given.nodes, 1_000)
    report = Report("the graph at scale, in SQLite", given.out)
    with TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        file, home = folder / "graph.csv", Home(folder / "graph.sqlite")
        ids, labels = write_graph(file, nodes)
        home.open().close()  # what comes with the toolkit is in
        size = f"{nodes:,} nodes, {nodes * LINKS:,} links"
        began = time.perf_counter()
        links = home.read_file(file).links
        took = time.perf_counter() - began
        report.add(
            f"read alone, {size}", seconds=round(took, 2), links_a_second=round(links / took)
        )
        took = sqlite_alone(folder / "alone.sqlite", nodes)
        report.add(
            "SQLite alone, as many links and no nodes",
            seconds=round(took, 2),
            links_a_second=round(nodes * LINKS / took),
        )
        took = sqlite_nodes_alone(folder / "alone.sqlite", nodes)
        report.add("SQLite alone, the rows of as many nodes", seconds=round(took, 2))
        began = time.perf_counter()
        links = home.import_file(file).links
        took = time.perf_counter() - began
        report.add(
            f"import, {size}",
            seconds=round(took, 2),
            links_a_second=round(links / took),
            n=1,
            bar=IMPORT_BAR,
            seed=SEED,
        )
        began = time.perf_counter()
        home.refresh()
        report.add(
            "derive, weigh, order anew and draw the map",
            seconds=round(time.perf_counter() - began, 2),
        )
        with closing(home.open()) as store:
            ask_all(report, store, ids, labels, questions)
        runs = folder / "runs"
        runs.mkdir(exist_ok=True)
        starts = [answered(home.graph, runs) for _ in range(given.rounds + 1)]
        report.add("start of the server", **quantiles(starts[1:]), bar=START_BAR, seed=SEED)
    report.finish()


if __name__ == "__main__":
    main()
