"""Every threat, against every route: the table of routes is the tests' own list."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.routing import Route

from tutelage.explorer.app import LARGEST_BODY, ROUTES
from tutelage.explorer.operations import OPERATIONS
from tutelage.explorer.safety import HEADERS, LONGEST_QUERY
from tutelage.explorer.settings import known_as

WORK = "arxiv:2203.08679"
EXAMPLES: dict[tuple[str, str], str | dict[str, Any]] = {
    ("GET", "/api/version"): "",
    ("GET", "/api/kinds"): "",
    ("GET", "/api/origins"): "",
    ("GET", "/api/search"): "q=decoupled",
    ("GET", "/api/view"): "within=shipped:dkd",
    ("GET", "/api/node"): f"key={WORK}",
    ("GET", "/api/neighbours"): f"key={WORK}",
    ("GET", "/api/path"): f"from={WORK}&to={WORK}",
    ("GET", "/api/map"): "limit=100",
    ("GET", "/api/export"): "format=json&within=shipped:dkd",
    ("GET", "/api/picture"): "within=shipped:dkd",
    ("GET", "/api/run"): "key=run:long",
    ("GET", "/api/compare"): "run=run:long&run=run:short",
    ("GET", "/api/classes"): "run=run:long",
    ("GET", "/api/views"): "",
    ("POST", "/api/views"): {"name": "mine", "query": "at=x"},
    ("DELETE", "/api/views"): "name=mine",
    ("POST", "/api/places"): {"scene": "", "places": {WORK: [0, 1.5]}},
    ("GET", "/api/openapi.json"): "",
    ("GET", "/start"): "token=x",
    ("GET", "/"): "",
    ("GET", "/assets/{name}"): "",
}
"""A good request for every route."""

TABLE = [
    (method, route)
    for route in ROUTES
    for method in sorted(route.methods or ())
    if method != "HEAD"  # Starlette adds it; the guard refuses it
]
every_route = pytest.mark.parametrize(
    ("method", "route"), TABLE, ids=lambda it: it if isinstance(it, str) else it.path
)
every_get = pytest.mark.parametrize(
    "route", [route for method, route in TABLE if method == "GET"], ids=lambda route: route.path
)


def ask(server: Any, method: str, route: Route, **headers: str) -> Any:
    """Send the example of a route, with headers set anew ("" = left out)."""
    example = EXAMPLES[method, route.path]
    path = route.path.replace("{name}", "index-Ab12.js")
    if isinstance(example, dict):
        return server.ask(method, path, body=json.dumps(example).encode(), **headers)
    return server.ask(method, path, example, **headers)


def test_the_table_of_examples_knows_every_route() -> None:
    assert {(method, route.path) for method, route in TABLE} == set(EXAMPLES)
    assert {(each.method, each.path) for each in OPERATIONS} <= set(EXAMPLES)


@every_route
def test_a_good_request_is_answered_and_bears_every_header(
    server: Any, method: str, route: Route
) -> None:
    answer = ask(server, method, route)
    assert answer.status == (303 if route.path == "/start" else 200)
    assert {name: answer.header(name.lower()) for name in HEADERS} == HEADERS
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]


HOSTS = {
    "evil.example": 403,
    "evil.example:8765": 403,
    "127.0.0.1": 403,  # no port is port 80
    "127.0.0.1:8766": 403,
    "localhost.evil.example:8765": 403,
    "127.0.0.1:8765.evil.example": 403,
    "user@127.0.0.1:8765": 403,
    "0.0.0.0:8765": 403,
    "[::1": 403,
    "": 400,
}


@every_route
def test_a_name_that_is_not_the_servers_own_is_refused(
    server: Any, method: str, route: Route
) -> None:
    assert {host: ask(server, method, route, host=host).status for host in HOSTS} == HOSTS
    assert ask(server, method, route, host="LOCALHOST:8765").status in (200, 303)
    assert ask(server, method, route, host="[::1]:8765").status in (200, 303)


STRANGERS = [
    ("origin", "http://evil.example"),
    ("origin", "null"),
    ("origin", "https://127.0.0.1:8765"),
    ("origin", "http://127.0.0.1:8766"),
    ("origin", "http://127.0.0.1:8765.evil.example"),
    ("sec_fetch_site", "cross-site"),
    ("sec_fetch_site", "same-site"),  # another port is the same site
    ("sec_fetch_site", "anything"),
    ("cookie", ""),
    ("cookie", "tutelage_8765="),
    ("cookie", "tutelage_8765=wrong"),
    ("cookie", f"tutelage_8766={'s' * 43}"),
    ("cookie", f"tutelage_8765={'s' * 42}"),
    ("cookie", 'tutelage_8765="\u00e9'),
]


@every_route
def test_another_site_and_another_browser_are_refused(
    server: Any, method: str, route: Route
) -> None:
    for name, value in STRANGERS:
        answer = ask(server, method, route, **{name: value})
        assert (name, value, answer.status) == (name, value, 403)
        assert {name: answer.header(name.lower()) for name in HEADERS} == HEADERS
        assert not answer.header("set-cookie")
    assert server.store.views() == []


OWN = [
    ("origin", "http://127.0.0.1:8765"),
    ("origin", "http://[::1]:8765"),
    ("sec_fetch_site", "same-origin"),
    ("sec_fetch_site", "none"),  # a person, by hand
]


@every_route
def test_the_servers_own_page_is_answered(server: Any, method: str, route: Route) -> None:
    for name, value in OWN:
        assert ask(server, method, route, **{name: value}).status in (200, 303)


def test_two_hosts_are_refused(server: Any) -> None:
    twice = [("host", "127.0.0.1:8765"), ("host", "127.0.0.1:8765")]
    assert server.client.get("/api/version", headers=twice).status_code == 400


NEEDLESS = ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "CONNECT", "get", "G\tET"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_a_method_that_a_route_does_not_have_is_refused(server: Any, route: Route) -> None:
    path = route.path.replace("{name}", "index-Ab12.js")
    preflight = {"origin": "http://127.0.0.1:8765", "access_control_request_method": "POST"}
    own = {method for method, known in EXAMPLES if known == route.path}
    for method in {*NEEDLESS, "GET", "POST", "DELETE"} - own:
        answer = server.ask(method, path, **preflight)
        assert (method, answer.status) == (method, 405)
        assert not [name for name, _ in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
@pytest.mark.parametrize("path", [path for method, path in EXAMPLES if method == "POST"])
def test_a_form_of_another_site_is_refused(server: Any, path: str, kind: str) -> None:
    body = b'{"name": "x", "query": ""}'
    assert server.ask("POST", path, body=body, content_type=kind).status == 415
    assert server.store.views() == []


@every_get
def test_a_get_changes_nothing(server: Any, route: Route) -> None:
    def state() -> Any:
        store = server.store
        scenes = ["", "within=shipped%3Adkd&layout=force", "within=&layout=force"]
        return store.version(), store.views(), [store.places(scene) for scene in scenes]

    server.store.save_view("kept", "at=x")
    before = state()
    ask(server, "GET", route)
    assert state() == before


@every_get
def test_a_range_is_not_heeded(server: Any, route: Route) -> None:
    ranges = "bytes=" + ",".join(f"{start}-" for start in range(1000))
    answer = ask(server, "GET", route, range=ranges)
    assert answer.status in (200, 303)
    assert not answer.header("content-range")


@pytest.mark.parametrize(
    "name",
    [
        "../index.html",
        "..%2findex.html",
        "%2e%2e/licenses.md",
        "%2e%2e%2flicenses.md",
        "..%5clicenses.md",
        "%252e%252e%252flicenses.md",
        "index-Ab12.js%00.css",
        "index-Ab12.js%2f",
        "./index-Ab12.js%3f",
        "%2fetc%2fpasswd",
        "C:%5cwindows%5cwin.ini",
        "%5c%5cevil.example%5cshare",
        "licenses.md",
        "INDEX-AB12.JS",
        "",
    ],
)
def test_an_asset_is_what_the_build_made_and_nothing_else(server: Any, name: str) -> None:
    assert server.ask("GET", f"/assets/{name}").status == 404


def test_assets_are_kept_for_good_and_the_page_is_asked_for_again(server: Any) -> None:
    script = server.client.get("/assets/index-Ab12.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    page = server.client.get("/")
    assert page.text == server.page
    again = server.client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_long_query_is_refused(server: Any) -> None:
    assert server.ask("GET", "/api/search", f"q={'a' * LONGEST_QUERY}").status == 414


def test_a_large_body_is_not_read_to_its_end(server: Any) -> None:
    def endless() -> Any:
        for _ in range(10 * LARGEST_BODY // 65536):
            yield b" " * 65536

    kind = {"content-type": "application/json"}
    assert server.client.post("/api/views", content=endless(), headers=kind).status_code == 413


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"name": "x"}',
        b'{"name": "", "query": ""}',
        b'{"name": 1, "query": ""}',
        b'{"name": "x", "query": "", "more": 1}',
        b'{"name": "\\ud800", "query": ""}',
        b'{"name": "a\\u0000", "query": ""}',
        b'{"scene": "", "places": []}',
        b'{"scene": "", "places": {"a": [1]}}',
        b'{"scene": "", "places": {"a": [1, NaN]}}',
        b'{"scene": "", "places": {"a": [1, 1e999]}}',
        b'{"scene": "", "places": {"a": [true, 1]}}',
        b'{"scene": "", "places": {"a": ' + b"[1, " + b"9" * 400 + b"]}}",
    ],
    ids=lambda content: content[:40].decode("latin1"),
)
@pytest.mark.parametrize("path", ["/api/views", "/api/places"])
def test_a_body_that_does_not_fit_is_told(server: Any, path: str, content: bytes) -> None:
    answer = server.ask("POST", path, body=content)
    assert answer.status == 400
    assert answer.json["error"]
    assert server.store.views() == []


def test_a_websocket_is_refused(server: Any) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), server.client.websocket_connect("/api/version"):
        pass


def test_a_hostile_title_reaches_the_page_as_the_text_it_is(server: Any) -> None:
    title = "<script>alert(1)</script>"
    answer = server.client.get("/api/node?key=doi:10.1/0")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["label"] == title
    assert answer.json()["open"] is None  # it was javascript:
    drawn = server.client.get("/api/picture?at=doi:10.1/0")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "<script" not in drawn.text


@pytest.mark.parametrize(
    "key", ["run:../outside", "run:gone", "run:../../etc", "run:secret.txt", "doi:10.1/0", ""]
)
def test_a_run_is_read_only_where_it_is_one_of_the_runs(server: Any, key: str) -> None:
    answer = server.client.get("/api/run", params={"key": key})
    assert answer.status_code in (404, 409)
    assert str(server.settings.runs.parent) not in answer.text


def test_a_broken_record_is_told_without_where_it_lies(server: Any) -> None:
    (server.settings.runs / "long" / "rows.jsonl").write_text("{\n{}\n")
    answer = server.client.get("/api/run?key=run:long")
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "The record of long is broken; `tutelage show long` tells where."
    }


def test_a_defect_is_told_without_its_traceback(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(f"no such file: {server.settings.graph}")

    monkeypatch.setattr(type(server.store), "origins", broken)
    answer = server.client.get("/api/origins")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "The server met a defect; the terminal it runs in tells more."
    }
    assert {name: answer.headers.get(name.lower()) for name in HEADERS} == HEADERS


def test_a_question_that_takes_too_long_is_told_as_that(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tutelage.errors import GraphBusyError

    def slow(*_: object, **__: object) -> None:
        raise GraphBusyError("the search took longer than 5 seconds; ask for less.")

    monkeypatch.setattr(type(server.store), "search", slow)
    assert server.client.get("/api/search?q=a").status_code == 503


def test_the_secrets_are_not_told_by_printing_the_settings(server: Any) -> None:
    settings = replace(server.settings, token="t" * 20)
    assert not re.search("s{43}|t{20}", repr(settings))


def test_a_server_for_every_address_goes_by_the_machines_own_names_alone() -> None:
    assert "evil.example:8765" not in known_as("0.0.0.0", 8765)
    assert known_as("127.0.0.1", 8765) < known_as("0.0.0.0", 8765)
