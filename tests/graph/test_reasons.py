"""Why nodes are linked, in words."""

from typing import Any

import pytest

from tutelage.graph.model import LINK_KINDS
from tutelage.graph.reasons import lesson, reason


@pytest.mark.parametrize(
    ("kind", "weight", "facts", "told"),
    [
        ("authorship", 1.0, {"position": 2, "authors": 5}, "author 2 of 5"),
        ("authorship", 1.0, {}, "an author"),
        ("topic_signal", 0.8765, {}, "assigned with a score of 0.88"),
        ("co_authorship", 0.25, {"count": 1}, "1 paper together"),
        ("co_authorship", 2.0, {"count": 1204}, "1,204 papers together"),
        ("works_on", 0.75, {"count": 3}, "3 papers on it; 75% of the researcher's topic signal"),
        ("works_on", 1.0, {"basis": "profile"}, "stated by the source"),
        (
            "related_context",
            3.14,
            {"count": 214, "strength": 3.14},
            "both on 214 works; 3.14 times",
        ),
        ("builds_on", 1.0, {}, "A changes or extends B"),
        ("taught", 2.0, {"count": 2, "strength": 0.0}, "through 2 runs"),
        (
            "taught",
            1.0,
            {"count": 1, "method": "DKD", "data": "glyphs100", "gain": 0.032},
            "DKD on glyphs100: +3.2 points over its teacher",
        ),
    ],
)
def test_the_reason_of_a_link(kind: str, weight: float, facts: dict[str, Any], told: str) -> None:
    assert reason(kind, weight, facts, "A", "B").startswith(told)


@pytest.mark.parametrize("kind", LINK_KINDS)
def test_every_kind_of_link_has_a_reason_without_any_fact(kind: str) -> None:
    assert reason(kind, 1.0, {}, "A", "B")
    assert reason(kind, 1.0, {}, "A {0}", "{B!r}")  # labels are words, whatever they hold


def test_a_lesson_is_that_of_the_best_of_several_runs() -> None:
    worse = {"method": "kd", "data": "glyphs100", "accuracy": 0.7, "accuracy_teacher": 0.75}
    better = {"method": "dkd", "data": "glyphs100", "accuracy": 0.74, "accuracy_teacher": 0.75}
    facts = lesson([worse, {"method": "at"}, better])
    told = reason("taught", 3.0, facts, "A", "B")
    assert told == "dkd on glyphs100: -1.0 points over its teacher; best of 3 runs"


def test_a_lesson_of_runs_that_are_not_at_their_end_has_no_gain() -> None:
    assert lesson([{"method": "dkd", "data": "glyphs100"}]) == {
        "count": 1,
        "method": "dkd",
        "data": "glyphs100",
    }
    assert lesson([]) == {"count": 0}
