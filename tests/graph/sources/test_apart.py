"""A large file, read by a process of its own, gives what it gives when it is read here."""

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.graph.sources.samples import BIBTEX, LINKS_CSV, OPENALEX, took
from tutelage.errors import GraphError
from tutelage.graph.model import Claims, singly
from tutelage.graph.sources import Report, apart

LINKS = LINKS_CSV + "".join(
    f"work,arxiv:2203.{n:05},cites,work,arxiv:2203.08679,\n" for n in range(3_000)
)


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LARGE", 0)


def taken_apart(path: Path) -> tuple[list[Any], Report]:
    report = Report()
    return list(singly(apart.read_large(path, report))), report


@pytest.mark.parametrize(
    "content",
    [
        LINKS.encode(),
        LINKS.replace("2203.00007", "no id").encode(),
        gzip.compress(LINKS.encode()),
        BIBTEX.encode(),
        json.dumps(OPENALEX).encode(),
    ],
    ids=["links", "links and a problem", "gzip", "bibtex", "openalex"],
)
def test_it_claims_and_reports_the_same(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    (claims, report), (wanted, wanted_report) = taken_apart(path), took(path)
    assert len(claims) == len(wanted) > 0
    assert sorted(map(repr, claims)) == sorted(map(repr, wanted))  # nodes of a batch come first
    assert report == wanted_report


def test_it_is_refused_for_the_same_reason(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("nothing that anyone knows")
    with pytest.raises(GraphError) as wanted:
        took(path)
    with pytest.raises(GraphError) as refused:
        taken_apart(path)
    assert str(refused.value) == str(wanted.value)
    with pytest.raises(GraphError, match="cannot be read"):
        taken_apart(tmp_path / "nowhere")


def test_progress_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(LINKS)
    heard: list[tuple[int, int]] = []
    list(apart.read_large(path, Report(), lambda *how_far: heard.append(how_far)))
    assert heard[-1] == (len(LINKS), len(LINKS))


def test_a_process_that_ends_early_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text(LINKS)
    killed = "import os; os.kill(os.getpid(), 9)"
    monkeypatch.setattr(apart, "CHILD", killed)
    with pytest.raises(GraphError, match=r"was not read to its end: .* ended with -9\. Import it"):
        taken_apart(path)


def test_whoever_stops_taking_leaves_no_process_and_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "AHEAD", 1)
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*told: Any, **named: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*told, **named))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    path = tmp_path / "file"
    path.write_text(LINKS.replace("2203.08679", "2203.08680") * 30)
    claims = apart.read_large(path, Report())
    first: Claims = next(claims)
    assert first
    claims.close()  # type: ignore[attr-defined]
    (child,) = started
    assert child.returncode is not None
    assert not [each for each in threading.enumerate() if each.name == "graph import"]


def test_a_reader_that_nobody_listens_to_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(LINKS)
    read, write = os.pipe()
    os.close(read)
    child = subprocess.run(
        [sys.executable, "-c", apart.CHILD, str(path)],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(write)
    assert (child.returncode, child.stderr) == (1, b"")
