"""OpenAlex asked over a real connection, its place taken by a server here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.graph.sources.samples import OPENALEX
from tutelage.errors import GraphError
from tutelage.graph.sources import fetch as module
from tutelage.graph.sources.fetch import LONGEST_WAIT, TRIES, fetch

KEY = "secret-key-of-ours"


class Server(ThreadingHTTPServer):
    answers: list[tuple[int, dict[str, str], bytes]]
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers
        status, headers, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("OPENALEX_API_KEY", "OPENALEX_MAILTO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as served:
        served.answers = [(200, {}, json.dumps(OPENALEX).encode())]
        served.asked = []
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield served
        served.shutdown()


def ask(server: Server, wanted: str, slept: list[float] | None = None) -> dict[str, object]:
    sleep = (slept if slept is not None else []).append
    return fetch(wanted, api=f"http://127.0.0.1:{server.server_address[1]}", sleep=sleep)


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("10.1109/CVPR52688.2022.01165", "/works/doi:10.1109/cvpr52688.2022.01165"),
        ("https://doi.org/10.1000/a#b?c%20", "/works/doi:10.1000/a%23b%3Fc"),
        (
            "10.1002/(SICI)1097<1::AID>3.0.CO;2-#",
            "/works/doi:10.1002/(sici)1097%3C1::aid%3E3.0.co%3B2-%23",
        ),
        ("arXiv:2203.08679v2", "/works/doi:10.48550/arxiv.2203.08679"),
        ("https://openalex.org/W42", "/works/W42"),
    ],
)
def test_a_work_is_asked_for_by_any_id(server: Server, wanted: str, path: str) -> None:
    assert ask(server, wanted)["id"] == OPENALEX["id"]
    assert server.asked == [path]


def test_a_title_finds_the_work_that_has_these_words_and_no_other(server: Server) -> None:
    other = {**OPENALEX, "id": "https://openalex.org/W9", "display_name": "Another Distillation"}
    server.answers[:] = [(200, {}, json.dumps({"results": [other, OPENALEX]}).encode())]
    assert ask(server, "decoupled knowledge, DISTILLATION!")["id"] == OPENALEX["id"]
    query = parse_qs(urlsplit(server.asked[0]).query)
    assert query == {
        "filter": ["title.search:decoupled knowledge distillation"],
        "per_page": ["10"],
    }
    with pytest.raises(GraphError, match=r"no work of the title 'Distil'\. It has Another Dist"):
        ask(server, "Distil")
    with pytest.raises(GraphError, match="is a DOI, an arXiv id or a title, not '!!'"):
        ask(server, "!!")


def test_the_key_and_the_address_are_sent_where_they_are_set(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", KEY)
    monkeypatch.setenv("OPENALEX_MAILTO", "me@example.org")
    ask(server, "W42")
    query = parse_qs(urlsplit(server.asked[0]).query)
    assert query == {"api_key": [KEY], "mailto": ["me@example.org"]}


def test_a_work_that_was_merged_is_followed(server: Server) -> None:
    server.answers.insert(0, (301, {"Location": "/works/W4226426325"}, b""))
    assert ask(server, "W42")["id"] == OPENALEX["id"]
    assert server.asked == ["/works/W42", "/works/W4226426325"]


def test_it_waits_as_long_as_it_is_told_and_then_gives_up(server: Server) -> None:
    slept: list[float] = []
    server.answers[:] = [(429, {"Retry-After": "3"}, b""), (429, {"Retry-After": "9999"}, b"")]
    server.answers += [(429, {}, b""), (200, {}, json.dumps(OPENALEX).encode())]
    assert ask(server, "W42", slept)["id"] == OPENALEX["id"]
    assert slept == [3.0, LONGEST_WAIT, 4.0]
    server.answers[:] = [(429, {}, b"")]
    server.asked.clear()
    with pytest.raises(GraphError, match=r"answers 429 .* Wait a while"):
        ask(server, "W42")
    assert len(server.asked) == TRIES


@pytest.mark.parametrize(
    ("status", "content", "reason"),
    [
        (404, b"", "OpenAlex has no work 'W42'"),
        (401, b"", "answers 401 .*openalex.org gives one"),
        (403, b"", "answers 403 .*Is the key in OPENALEX_API_KEY right"),
        (500, b"", r"answers 500 when asked for 'W42'\.$"),
        (200, b"<html>", "answer is no JSON"),
        (200, b"[" * 200_000, "answer is no JSON"),
    ],
)
def test_an_answer_that_is_no_work_is_told_without_the_key(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int, content: bytes, reason: str
) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", KEY)
    server.answers[:] = [(status, {}, content)]
    with pytest.raises(GraphError, match=reason) as error:
        ask(server, "W42")
    assert KEY not in str(error.value)


def test_an_answer_without_end_is_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINE", 1_000)
    server.answers[:] = [(200, {}, b" " * 2_000)]
    with pytest.raises(GraphError, match="answer is longer than"):
        ask(server, "W42")


def test_without_a_network_that_is_what_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", KEY)
    server.shutdown()
    server.server_close()
    with pytest.raises(GraphError, match=r"cannot be reached .* Is there a network\?") as error:
        ask(server, "W42")
    assert KEY not in str(error.value)
