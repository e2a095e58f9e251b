"""A graph's imports: nothing is lost whatever ends a process, and all of it can be built again."""

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.graph.sources.samples import BIBTEX, OPENALEX
from tutelage.errors import GraphError
from tutelage.graph.home import Home, graph_home
from tutelage.graph.query import Query
from tutelage.graph.store import Place, Store, open_store

PROGRAM = Path(__file__).with_name("importing.py")
SHIPPED = ["shipped:dkd", "shipped:methods"]

Everything = tuple[Sequence[object], Sequence[object]]


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "sqlite":
        return Home(tmp_path / "graph.sqlite")
    return Home(str(request.getfixturevalue("postgres_url")), tmp_path / "graph.imports")


@pytest.fixture
def local(tmp_path: Path) -> Home:
    return Home(tmp_path / "graph.sqlite")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 60 works by 20 authors, who write together."""
    works = [
        {
            **OPENALEX,
            "id": f"https://openalex.org/W{n}",
            "doi": None,
            "locations": [],
            "display_name": f"Work number {n}",
            "authorships": [
                {"author": {"display_name": f"Author {(n + step) % 20}"}} for step in range(3)
            ],
        }
        for n in range(1, 61)
    ]
    path = tmp_path / "works.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, works)).encode()))
    return path


def held(store: Store) -> Everything:
    """Return all nodes and links, derived ones too, without the numbers of this store."""
    nodes = store.members("", limit=10_000)
    keys = {node.id: node.key for node in nodes}
    links, whole = store.among(list(keys))
    assert whole
    return (
        sorted((n.key, n.kind, n.label, n.year or 0, json.dumps(n.facts)) for n in nodes),
        sorted(
            (keys[one.source], one.kind, keys[one.target], round(one.weight, 9), bool(one.origin))
            for one in links
        ),
    )


def opened(home: Home) -> Everything:
    with closing(home.open()) as store:
        return held(store)


def origins(home: Home) -> list[str]:
    with closing(home.open()) as store:
        return sorted(origin.key for origin in store.origins())


def killed(home: Home, what: str, file: str, moment: int) -> tuple[int, str]:
    """Return how a process ended that was to die at a moment, and what it said."""
    words = [str(home.graph), str(home.imports), file, str(moment)]
    told = subprocess.run(
        [sys.executable, PROGRAM, what, *words], capture_output=True, text=True, check=False
    )
    assert told.returncode in (0, -signal.SIGKILL), told.stderr
    return told.returncode, told.stdout.strip()


def test_an_import_is_in_the_graph_and_its_file_beside_it(home: Home, file: Path) -> None:
    report = home.import_file(file)
    assert (report.format, report.skipped) == ("OpenAlex", 0)
    (kept,) = home.kept()
    assert kept.name.endswith("-works.jsonl.gz")
    assert kept.read_bytes() == file.read_bytes()
    nodes, links = opened(home)
    kinds = {link[1] for link in links if isinstance(link, tuple)}
    assert {"authorship", "co_authorship", "cites", "topic_signal"} <= kinds
    assert sum("Work number" in str(node) for node in nodes) == 60


def test_importing_twice_is_the_same_as_once(home: Home, file: Path) -> None:
    home.import_file(file)
    once = opened(home)
    with closing(home.open()) as store:
        version = store.version()
    home.import_file(file)
    assert opened(home) == once
    assert len(home.kept()) == 1
    with closing(home.open()) as store:
        assert store.version() == version


def test_reading_a_file_changes_nothing(local: Home, file: Path, tmp_path: Path) -> None:
    report = local.read_file(file)
    assert (report.nodes, report.links) == (84, 420)
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name]


@pytest.mark.parametrize("home", ["sqlite", "postgres"], indirect=True)
def test_a_kill_at_any_moment_loses_nothing(home: Home, file: Path, tmp_path: Path) -> None:
    reference = Home(tmp_path / "reference.sqlite", tmp_path / "reference.imports")
    before = opened(reference)
    reference.import_file(file)
    after = opened(reference)
    assert opened(home) == before
    steps = int(killed(Home(tmp_path / "count.sqlite"), "import", str(file), 0)[1])
    assert steps > 20
    many = 2 if "postgres" in str(home.graph) else 5
    seen = set()
    for moment in [6, *(steps * part // many for part in range(1, many))]:
        code, _ = killed(home, "import", str(file), moment)
        seen.add(code)
        with closing(open_store(home.graph)) as store:  # as the kill left it
            assert held(store) in (before, after)
        kept = home.kept()
        assert all(path.read_bytes() == file.read_bytes() for path in kept)  # whole or not there
        assert opened(home) == (after if kept else before)
        if kept:
            home.forget(file.name)
            assert opened(home) == before
    assert -signal.SIGKILL in seen
    home.import_file(file)
    assert opened(home) == after


def test_a_kill_while_it_is_forgotten_is_completed_by_forgetting_again(
    local: Home, file: Path
) -> None:
    before = opened(local)
    local.import_file(file)
    after = opened(local)
    seen = 0
    for moment in range(2, 60, 12):
        code, _ = killed(local, "forget", file.name, moment)
        if code == 0:
            break
        seen += 1
        assert opened(local) in (before, after)
    else:
        local.forget(file.name)
    assert seen
    assert opened(local) == before
    assert local.kept() == []


def test_forgetting_knows_an_import_whose_file_is_away(local: Home, file: Path) -> None:
    before = opened(local)
    local.import_file(file)
    local.kept()[0].unlink()
    local.forget(file.name)
    assert opened(local) == before


def test_two_processes_import_at_once(home: Home, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "refs.bib"
    other.write_text(BIBTEX, encoding="utf-8")
    words = [str(home.graph), str(home.imports)]
    both = [
        subprocess.Popen([sys.executable, PROGRAM, "import", *words, str(path), "0"])
        for path in (file, file, other)
    ]
    assert [process.wait(60) for process in both] == [0, 0, 0]
    assert len(home.kept()) == 2
    together = opened(home)
    alone = Home(tmp_path / "alone.sqlite", tmp_path / "alone.imports")
    alone.import_file(file)
    alone.import_file(other)
    assert opened(alone) == together


def test_built_anew_it_is_as_it_grew(home: Home, file: Path, tmp_path: Path) -> None:
    bib = tmp_path / "refs.bib"
    bib.write_text(BIBTEX, encoding="utf-8")
    home.import_file(bib)
    home.import_file(file)
    grown = opened(home)
    built = home.rebuild(tmp_path / "none")
    assert opened(home) == grown
    assert [origin.key for origin, _ in built][:2] == SHIPPED
    assert [origin.label for origin, _ in built][2:] == [path.name[13:] for path in home.kept()]
    assert all(report.skipped == 0 for _, report in built)


def test_a_lost_graph_comes_back_with_what_stood_where(local: Home, tmp_path: Path) -> None:
    exported = tmp_path / "x.json"
    exported.write_text(
        json.dumps({"kind": "work", "key": "doi:10.1000/a", "label": "A", "x": 3.0, "y": 4.0})
    )
    local.import_file(exported)
    grown = opened(local)
    scene = Query(within=origins(local)[0]).scene
    for again in (local.open, lambda: local.rebuild(tmp_path / "none")):
        for path in tmp_path.glob("graph.sqlite*"):
            path.unlink()
        if isinstance(found := again(), list):
            assert len(found) == 3
        else:
            found.close()
        assert opened(local) == grown
        with closing(local.open()) as store:
            assert store.places(scene) == {"doi:10.1000/a": Place(3.0, 4.0)}
            store.put_places(scene, {"doi:10.1000/a": Place(5.0, 5.0)})
        local.rebuild(tmp_path / "none")
        with closing(local.open()) as store:  # somebody moved it
            assert store.places(scene) == {"doi:10.1000/a": Place(5.0, 5.0)}


def test_a_dry_rebuild_changes_nothing(local: Home, file: Path, tmp_path: Path) -> None:
    local.import_file(file)
    with closing(local.open()) as store:
        version = store.version()
    built = local.rebuild(tmp_path / "none", dry_run=True)
    assert [report.nodes for _, report in built][2] == 84
    with closing(local.open()) as store:
        assert store.version() == version


def test_half_of_what_comes_with_the_toolkit_is_completed(local: Home) -> None:
    whole = opened(local)
    with closing(open_store(local.graph)) as store:
        store.remove("shipped:methods")
    assert opened(local) == whole


def test_a_broken_file_is_not_kept_and_the_graph_is_as_it_was(home: Home, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    works = [{**OPENALEX, "id": f"https://openalex.org/W{n}"} for n in range(9)]
    bad.write_text(json.dumps(works, indent=1)[:-3])
    before = opened(home)
    with pytest.raises(GraphError, match=r"line [\d,]+ of .*/bad\.json is no JSON"):
        home.import_file(bad)
    assert home.kept() == []
    assert opened(home) == before


def test_an_error_nobody_thought_of_does_not_stay_in_the_way(
    local: Home, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    before = opened(local)
    with monkeypatch.context() as patch:
        patch.setattr("tutelage.graph.sources.apart.read_large", fail)
        with pytest.raises(ZeroDivisionError):
            local.import_file(file)
    assert local.kept() == []
    assert opened(local) == before


def test_a_damaged_import_is_told_stays_out_and_can_be_mended(
    local: Home, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    local.import_file(file)
    grown = opened(local)
    (kept,) = local.kept()
    with closing(open_store(local.graph)) as store:
        store.remove(f"import:{kept.name}")
    with kept.open("ab") as grows:
        grows.write(b"x")
    with caplog.at_level(logging.WARNING):
        assert origins(local) == SHIPPED
    assert f"{kept} is kept but not in the graph" in caplog.text
    assert "is not the file that was imported" in caplog.text
    assert f"`tutelage graph forget {kept.name}` takes it away" in caplog.text
    built = local.rebuild(tmp_path / "none")
    assert "is not the file that was imported" in built[2][1].problems[0][1]
    local.import_file(file)
    assert opened(local) == grown
    assert kept.read_bytes() == file.read_bytes()


def test_what_a_killed_copy_left_is_swept_and_what_another_is_writing_is_not(
    local: Home, file: Path
) -> None:
    local.imports.mkdir()
    old, young = local.imports / ".a.1.draft", local.imports / ".b.2.draft"
    for draft in (old, young):
        draft.write_bytes(b"half a file")
    os.utime(old, (0, 0))
    local.import_file(file)
    assert not old.exists()
    assert young.exists()
    assert len(local.kept()) == 1


def test_a_kept_file_that_is_no_import_does_not_shut_the_graph(
    local: Home, caplog: pytest.LogCaptureFixture
) -> None:
    local.imports.mkdir()
    (local.imports / "notes.txt").write_text("mine")
    assert origins(local) == SHIPPED
    assert "notes.txt is not the file that was imported" in caplog.text
    local.forget("notes.txt")
    assert local.kept() == []


def test_forgetting_names_what_there_is(local: Home, file: Path, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"0 are named 'x': there are none"):
        local.forget("x")
    local.import_file(file)
    with pytest.raises(GraphError, match=r"Did you mean '[0-9a-f]{12}-works\.jsonl\.gz'"):
        local.forget(local.kept()[0].name[:-1])
    file.write_bytes(gzip.compress(json.dumps(OPENALEX).encode()))
    local.import_file(file)
    with pytest.raises(GraphError, match="2 are named"):
        local.forget(file.name)
    for kept in local.kept():
        local.forget(kept.name)
    assert origins(local) == SHIPPED


@pytest.mark.parametrize(
    "name",
    ["文" * 80 + ".json", "a b;c&d.json", ".json", "-rf"],
    ids=["long", "marks", "dot", "dash"],
)
def test_a_file_of_any_name_can_be_kept(local: Home, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(OPENALEX), encoding="utf-8")
    local.import_file(path)
    assert len(local.kept()) == 1
    local.forget(local.kept()[0].name)
    assert local.kept() == []


def test_a_file_that_is_not_there_or_a_folder_is_told(local: Home, tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="none cannot be read: No such file"):
        local.import_file(tmp_path / "none")
    with pytest.raises(GraphError, match="cannot be read: Is a directory"):
        local.import_file(tmp_path)


def test_where_a_graph_lives(tmp_path: Path) -> None:
    assert graph_home(tmp_path).graph == str(tmp_path / "graph.sqlite")
    assert graph_home(tmp_path).imports == tmp_path / "graph.imports"
    assert graph_home(tmp_path, "x/mine.db").imports == Path("x/mine.imports")
    assert graph_home(tmp_path, "postgresql://h/d").imports == tmp_path / "graph.imports"
