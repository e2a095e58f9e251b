"""The benchmark of the graph runs, in small, over the path that files of users take."""

from pathlib import Path

from benchmarks.bench_graph import typed, write_graph
from tests.benchmarks.conftest import Small
from tutelage.graph.home import Home


def test_it_imports_and_asks_every_question(small: Small) -> None:
    lines = {line["case"]: line for line in small("graph")}
    imported = lines["import, 2,000 nodes, 20,000 links"]
    alone = lines["SQLite alone, as many links and no nodes"]
    assert 0 < float(imported["links_a_second"]) < float(alone["links_a_second"])
    assert float(lines["SQLite alone, the rows of as many nodes"]["seconds"]) > 0
    for case in (
        "search as you type",
        "expand any node",
        "expand the 1,000 most important",
        "path",
        "start of the server",
    ):
        assert 0 < float(lines[case]["p50_ms"]) <= float(lines[case]["p95_ms"])


def test_what_it_writes_is_read_whole(tmp_path: Path) -> None:
    ids, labels = write_graph(tmp_path / "graph.csv", 500)
    report = Home(tmp_path / "graph.sqlite").read_file(tmp_path / "graph.csv")
    assert report.nodes == len(ids) == len(labels)
    assert report.skipped == 0
    assert 4900 < report.links <= 5000


def test_what_is_typed_grows_letter_by_letter() -> None:
    assert typed(["Abcd"], 5) == ["A", "Ab", "Abc", "Abcd", "A"]
