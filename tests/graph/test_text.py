"""Texts of strangers: no tags, no trickery, no end."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.graph.text import abstract, plain, safe_url


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<jats:p>One</jats:p><jats:p>two</jats:p>", "One two"),
        ("H<sub>2</sub>O", "H2O"),
        ("p < 0.05 and q > 0.1, a<b", "p < 0.05 and q > 0.1, a<b"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>DKD", "DKD"),
        ("<!-- hidden -->seen", "seen"),
        ("&lt;b&gt; is a tag", "<b> is a tag"),
        ("&amp;lt;b", "&lt;b"),
        ("safe\u202egnp.exe\u202c", "safegnp.exe"),
        ("nul\x00 bell\x07 tab\tend", "nul bell tab end"),
        ("half a pair \ud800", "half a pair"),
        ("e\u0301", "é"),
        (None, ""),
        (["Title"], ""),
    ],
)
def test_a_text_becomes_plain(text: object, told: str) -> None:
    assert plain(text) == told


@given(st.text(), st.integers(2, 40))
def test_a_plain_text_is_bounded_in_one_line_and_can_be_written(text: str, most: int) -> None:
    told = plain(text, most)
    assert len(told) <= most
    assert "\n" not in told
    assert not {"Cc", "Cs"} & {unicodedata.category(letter) for letter in told}
    told.encode()


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//host/path",
        "https:///path",
        "http://user:password@host/",
        "http://[::1",
        'https://host/"onclick=',
        "file:///etc/passwd",
        "https://host/" + "x" * 2_000,
        None,
        7,
    ],
)
def test_what_is_no_plain_web_address_is_dropped(text: object) -> None:
    assert safe_url(text) == ""


def test_an_abstract_is_bounded_whatever_its_positions_say() -> None:
    assert abstract({"far": [10**9], "first": [0, True, -1, 1.5, None], "x": "no list"}) == "first"
    assert abstract([1]) == ""
    assert abstract(None) == ""
