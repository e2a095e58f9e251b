"""Whatever stands in an address gets an answer that says what is wrong, never a defect."""

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutelage.errors import GraphError
from tutelage.explorer.operations import OPERATIONS
from tutelage.explorer.questions import Question, field_types, parameter
from tutelage.graph.query import Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked(Question):
    key: str
    kind: tuple[str, ...] = ()
    limit: int = 20
    bounds: ClassVar = {"limit": (1, 200)}


def test_a_question_is_read_by_its_fields() -> None:
    pairs = [("kind", "work"), ("key", "a"), ("kind", "topic"), ("limit", "200")]
    assert Asked.parse(pairs) == Asked(key="a", kind=("work", "topic"), limit=200)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], "key is wanted, and is missing"),
        ([("key", "a"), ("key", "b")], "key is wanted once"),
        ([("key", "a"), ("limti", "1")], "no 'limti' to ask for. Did you mean 'limit'?"),
        ([("key", "a"), ("limit", "0")], "limit wants 1 to 200, got 0"),
        ([("key", "a"), ("limit", "1e9")], "limit wants a whole number, got '1e9'"),
        ([("key", "a" * 2001)], "key wants at most 2,000 characters, got 2,001"),
        ([("key", "a\0")], "no NUL"),
    ],
)
def test_a_question_that_does_not_fit_is_told(pairs: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(GraphError, match=said.replace("?", r"\?")):
        Asked.parse(pairs)


NAMES = sorted(
    {
        parameter(name)
        for operation in OPERATIONS
        for name in [*field_types(operation.question), *field_types(Query)]
    }
)
VALUES = st.one_of(
    st.sampled_from(
        ["arxiv:2203.08679", "work", "authorship", "shipped:dkd", "run:long", "svg", "force"]
    ),
    st.sampled_from(['"', "*", "a AND", "c++", "teacher-student", "(", "O'Brien", "NEAR(", "%"]),
    st.sampled_from(["nan", "inf", "-1", "1e999", "9" * 30, "0x1", "\u0661", "-0", "2" * 5000]),
    st.text(max_size=30),
)


@pytest.mark.parametrize("path", sorted({each.path for each in OPERATIONS}))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pairs=st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6))
def test_no_question_meets_a_defect(server: Any, path: str, pairs: list[tuple[str, str]]) -> None:
    answer = server.ask("GET", path, urlencode(pairs, errors="surrogatepass"))
    if path not in {each.path for each in OPERATIONS if each.method == "GET"}:
        assert answer.status == 405
    assert answer.status in (200, 400, 404, 405, 409, 414), answer.content
    assert str(server.settings.runs.parent).encode() not in answer.content or path == "/api/run"
    if answer.status >= 400:
        assert answer.json["error"]


@pytest.mark.parametrize("query", ["q=%ff", "q=%ed%a0%80", "q=\xff", "%", "&&&", "q", "=", "q=%00"])
def test_bytes_that_are_no_text_are_told(server: Any, query: str) -> None:
    assert server.ask("GET", "/api/search", query).status in (200, 400)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=200))
def test_no_body_meets_a_defect(server: Any, body: bytes) -> None:
    for path in ("/api/views", "/api/places"):
        assert server.ask("POST", path, body=body).status == 400
