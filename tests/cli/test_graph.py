"""`tutelage graph`."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.graph.sources.samples import BIBTEX, CROSSREF, OPENALEX
from tutelage.cli.main import app
from tutelage.errors import ConfigError, GraphError
from tutelage.graph.home import graph_home
from tutelage.graph.sources import fetch as fetching

WIDE = {"COLUMNS": "400"}


def ask(runs: Path, command: str, *words: str) -> str:
    """Return what a command prints; its error is raised."""
    told = CliRunner(env=WIDE).invoke(
        app, ["graph", command, *words, "--runs", str(runs)], catch_exceptions=False
    )
    assert told.exit_code == 0, told.output
    return told.output


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def bib(tmp_path: Path) -> Path:
    path = tmp_path / "refs.bib"
    path.write_text(BIBTEX + "@misc{none, author={Nobody}}\n", encoding="utf-8")
    return path


def cells(table: str) -> list[list[str]]:
    return [line.split("│")[1:-1] for line in table.splitlines() if "│" in line]


def test_an_import_says_what_it_gave_and_which_lines_gave_nothing(runs: Path, bib: Path) -> None:
    told = ask(runs, "import", str(bib))
    assert told.splitlines() == [
        "refs.bib (BibTeX) gave 6 nodes and 5 links, 1 left out.",
        "  line 15: the entry none has no title",
    ]
    (kept,) = (runs / "graph.imports").iterdir()
    assert kept.name.endswith("-refs.bib")


def test_after_a_large_import_search_finds_it(
    runs: Path, bib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.graph.store._write.FEW_NODES", 3)
    ask(runs, "import", str(bib))
    with closing(graph_home(runs).open()) as store:
        assert not store.is_late()
        (work,) = store.nodes(["doi:10.1109/cvpr52688.2022.01165"])
        assert work in store.search(work.label)


def test_an_edited_file_is_another_import_and_that_is_told(runs: Path, bib: Path) -> None:
    ask(runs, "import", str(bib))
    assert "files called" not in ask(runs, "import", str(bib))
    bib.write_text(BIBTEX, encoding="utf-8")
    told = ask(runs, "import", str(bib))
    old, new = sorted(path.name for path in (runs / "graph.imports").iterdir())
    assert f"2 files called refs.bib are in the graph: {old}, {new}. `tutelage graph forget" in told


def test_a_dry_run_says_it_would_and_does_not(runs: Path, bib: Path) -> None:
    assert "would give 6 nodes and 5 links" in ask(runs, "import", str(bib), "--dry-run")
    assert not runs.exists()


def test_derived_links_of_a_file_are_told(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "dkd.json"
    told = ask(runs, "export", "json", "--within", "shipped:dkd", "-o", str(out))
    assert told == f"Wrote {out}, {out.stat().st_size:,} bytes.\n"
    told = ask(runs, "import", str(out))
    assert told == (
        "dkd.json (JSON) gave 8 nodes and 7 links; 12 derived links are computed anew.\n"
    )


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("json", '{"nodes": ['),
        ("graphml", "<?xml"),
        ("gexf", "<?xml"),
        ("csv", "source_kind,source,link"),
        ("bibtex", "@misc{zhao2022decoupled"),
        ("svg", "<?xml"),
    ],
)
def test_every_format_is_printed(runs: Path, bib: Path, name: str, begins: str) -> None:
    ask(runs, "import", str(bib))
    printed = ask(runs, "export", name, "--at", "arxiv:2203.08679")
    assert printed.startswith(begins)
    assert "José" in printed


def test_a_view_can_be_given_as_the_page_has_it(runs: Path) -> None:
    printed = ask(runs, "export", "json", "?at=method:dkd&depth=1&limit=3")
    found = json.loads(printed)
    assert len(found["nodes"]) == 3
    assert found["nodes"][0]["key"] == "method:dkd"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["json", "depht=2"], "a view has no 'depht'. Did you mean 'depth'?"),
        (["json", "depth=9"], "depth wants 1 to 3, got 9."),
        (["json", "depth=x"], "depth wants a number, got 'x'."),
        (["gexv"], "not 'gexv'. Did you mean 'gexf'?"),
        (["json", "--within", "import:no"], "nothing in the graph is from 'import:no'"),
        (["json", "--at", "doi:10.1000/none"], "doi:10.1000/none"),
        (["json", "-o", "none/x.json"], "none/x.json could not be written: No such file"),
    ],
)
def test_what_cannot_be_exported_is_told(runs: Path, words: list[str], reason: str) -> None:
    with pytest.raises(GraphError) as error:
        ask(runs, "export", *words)
    assert reason in str(error.value)


def test_a_mistake_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tutelage", "graph", "export", "json", "limit=0"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert (told.stdout, told.stderr) == ("", "tutelage: limit wants 1 to 2000 nodes, got 0.\n")


def test_what_is_printed_is_utf_8_whatever_the_terminal_has(tmp_path: Path, bib: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for words in (["import", str(bib)], ["export", "bibtex", "--at", "arxiv:2203.08679"]):
        told = subprocess.run(
            [sys.executable, "-m", "tutelage", "graph", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr
    assert "José Müller" in told.stdout.decode("utf-8")


def test_a_bad_file_stops_with_its_name_after_good_ones_are_in(
    runs: Path, bib: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    with pytest.raises(GraphError, match=r"bad\.json is no JSON"):
        ask(runs, "import", str(bib), str(bad))
    assert [path.name[13:] for path in (runs / "graph.imports").iterdir()] == ["refs.bib"]


def test_nothing_to_import_is_told(runs: Path) -> None:
    with pytest.raises(ConfigError, match="name files to import, or works to --fetch"):
        ask(runs, "import")


def test_fetched_works_are_imported(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(wanted: str) -> dict[str, object]:
        asked.append(wanted)
        return OPENALEX

    monkeypatch.setattr(fetching, "fetch", answer)
    told = ask(runs, "import", "--fetch", "arxiv:2203.08679", "--fetch", "W4226426325")
    assert asked == ["arxiv:2203.08679", "W4226426325"]
    line = "openalex-W4226426325.json (OpenAlex) gave 7 nodes and 6 links.\n"
    assert told == 2 * line
    (kept,) = (runs / "graph.imports").iterdir()  # so that it is there again after a rebuild
    assert json.loads(kept.read_text())["id"] == OPENALEX["id"]


def test_without_a_network_fetching_says_so(tmp_path: Path) -> None:
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "OPENALEX_API_KEY": "secret"}
    told = subprocess.run(
        [sys.executable, "-m", "tutelage", "graph", "import", "--fetch", "10.1000/a"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert told.stderr == (
        "tutelage: OpenAlex cannot be reached (ConnectError). Is there a network?\n"
    )


def test_a_rebuild_is_a_table_of_origins(runs: Path, bib: Path) -> None:
    ask(runs, "import", str(bib))
    before = ask(runs, "stats")
    for words in (["--dry-run"], []):
        rows = cells(ask(runs, "rebuild", *words))
        found = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
        assert found["refs.bib"] == ["6", "5", "1", "the entry none has no title"]
        assert found["Decoupled Knowledge Distillation"][:3] == ["8", "8", "0"]
    assert ask(runs, "stats") == before


def test_stats_count_kinds_and_origins(runs: Path, bib: Path) -> None:
    before = {row[0].strip(): row[1].strip() for row in cells(ask(runs, "stats")) if len(row) == 2}
    ask(runs, "import", str(bib))
    told = ask(runs, "stats")
    after = {row[0].strip(): row[1].strip() for row in cells(told) if len(row) == 2}
    assert int(after["Papers"]) == int(before["Papers"])  # it is the paper that ships
    assert int(after["Topics"]) == int(before["Topics"]) + 2
    assert "-refs.bib" in told
    assert ask(runs, "forget", "refs.bib") == "Forgot refs.bib.\n"
    assert "refs.bib" not in ask(runs, "stats")
    with pytest.raises(GraphError, match="0 are named"):
        ask(runs, "forget", "refs.bib")


def test_the_graph_may_be_elsewhere(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "work.json"
    file.write_text(json.dumps(CROSSREF))
    graph = str(tmp_path / "mine.sqlite")
    ask(runs, "import", str(file), "--graph", graph)
    assert not runs.exists()
    assert (tmp_path / "mine.imports").is_dir()
    assert "work.json" in ask(runs, "stats", "--graph", graph)


@pytest.mark.parametrize("command", ["import", "export", "rebuild", "forget", "stats"])
def test_help_shows_examples(command: str) -> None:
    told = CliRunner(env=WIDE).invoke(app, ["graph", command, "--help"])
    assert f"tutelage graph {command}" in told.output
