"""A small graph, some of it hostile, two runs, and a server with a browser that was let in."""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tutelage.config import RunConfig, RunPlace, StudentConfig, TrainConfig
from tutelage.explorer.app import make_app
from tutelage.explorer.serve import add_shipped
from tutelage.explorer.settings import Settings, known_as
from tutelage.graph.model import NodeClaim
from tutelage.graph.store import Origin, Store
from tutelage.graph.store.open import open_store
from tutelage.record import ClassMeans, Row, RunWriter

PORT = 8765
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title>\u2028\u202e\ufeff${7*7}{{7*7}}",
    "'; DROP TABLE node; --",
)


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Server:
    """A server, and what is behind it."""

    app: ASGIApp
    client: TestClient
    settings: Settings
    store: Store
    page: str  # what index.html holds

    def ask(
        self, method: str, path: str, query: str = "", body: bytes = b"", **headers: str
    ) -> Answer:
        """Ask as no decent client would: every header as given, "" = left out."""
        told = {
            "host": f"127.0.0.1:{PORT}",
            "cookie": f"{self.settings.cookie}={self.settings.session}",
            **({"content-type": "application/json"} if method == "POST" else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode("latin1"),
            "root_path": "",
            "headers": [
                (name.encode(), value.encode("latin1")) for name, value in told.items() if value
            ],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", PORT),
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        async def run() -> None:
            await self.app(scope, receive, send)

        anyio.run(run)
        headers_sent = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], headers_sent, content)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs, "long" with a row of which nothing is a number, and what is no run."""
    folder = tmp_path / "runs"
    for name, lr in (("long", 0.1), ("short", 0.2)):
        config = RunConfig(
            student=StudentConfig(name="resnet8x4"),
            train=replace(TrainConfig(), seed=round(lr * 10)),
            run=replace(RunPlace(), name=name, dir=str(folder)),
        )
        with RunWriter.create(folder / name, config) as writer:
            for step in range(1, 4):
                writer.add_row(
                    Row(
                        epoch=1,
                        step=step,
                        lr=lr,
                        seconds=1.0,
                        images_per_second=9.0,
                        loss=math.nan,
                        terms={"ce": math.inf},
                    )
                )
            if name == "long":
                writer.put_classes(
                    ClassMeans(
                        split="test",
                        names=["cat", HOSTILE[0]],
                        counts=[1, 1],
                        others=[[1], [0]],
                        student=[[0.25], [0.5]],
                        student_target=[0.75, 0.5],
                        teacher=[[0.5], [0.125]],
                        teacher_target=[0.5, 0.875],
                    )
                )
    (folder / "secret.txt").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "run.toml").write_text((folder / "long" / "run.toml").read_text())
    return folder


@pytest.fixture(scope="session")
def made_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph of the shipped one, hostile papers, and nodes of runs."""
    path = tmp_path_factory.mktemp("graph") / "graph.sqlite"
    store = open_store(path)
    add_shipped(store)
    papers = [
        NodeClaim(
            kind="work",
            ids=(f"doi:10.1/{number}",),
            label=title,
            year=2020 + number,
            facts={"abstract": title, "url": "javascript:alert(1)"},
        )
        for number, title in enumerate(HOSTILE)
    ]
    store.apply(Origin(key="import:hostile", label=HOSTILE[0]), papers)
    for name in ("long", "short", "../outside", "gone"):
        run = NodeClaim(kind="run", ids=(f"run:{name}",), label=name, facts={"id": name})
        store.apply(Origin(key=f"run:{name}", label=name), [run])
    store.refresh()
    store.close()
    return path


@pytest.fixture
def graph(made_graph: Path, tmp_path: Path) -> Path:
    """A copy of the graph for one test to change."""
    return Path(shutil.copy(made_graph, tmp_path / "graph.sqlite"))


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A built page of three files, and one beside them that is nobody's business."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Graph explorer</title>")
    (folder / "assets" / "index-Ab12.js").write_text("export {};")
    (folder / "assets" / "index-Ab12.css").write_text("body {}")
    (folder / "licenses.md").write_text("licences")
    return folder


@pytest.fixture
def server(graph: Path, runs: Path, static: Path, tmp_path: Path) -> Iterator[Server]:
    """The whole server in this process, with its page, asked by a browser that was let in."""
    tickets = tmp_path / "tickets"
    tickets.mkdir()
    settings = Settings(
        graph=str(graph),
        runs=runs,
        port=PORT,
        hosts=known_as("127.0.0.1", PORT),
        session="s" * 43,
        tickets=tickets,
    )
    app = make_app(settings, static=static)
    client = TestClient(
        app,
        base_url=f"http://127.0.0.1:{PORT}",
        cookies={settings.cookie: settings.session},
        raise_server_exceptions=False,
        follow_redirects=False,
    )
    store = open_store(graph)
    with client:
        yield Server(app, client, settings, store, (static / "index.html").read_text())
    store.close()
