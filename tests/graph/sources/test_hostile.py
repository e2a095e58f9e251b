"""Broken files and traps: what each gets is in the table of docs/how-to/graph.md."""

import csv
import gzip
import io
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph.sources.samples import (
    BIBTEX,
    CROSSREF,
    LINKS_CSV,
    OPENALEX,
    SCHOLAR,
    links,
    nodes,
    taken,
)
from tutelage.errors import GraphError
from tutelage.graph.model import NodeClaim
from tutelage.graph.sources import _reading, read
from tutelage.graph.sources import csv as tables
from tutelage.graph.sources._reading import KEPT, Report

GOOD = json.dumps({"id": "https://openalex.org/W1", "display_name": "Good"})
DOCTYPE = '<?xml version="1.0"?>\n<!DOCTYPE graphml {}>\n<graphml><graph>{}</graph></graphml>'
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(9))
GRAPHML = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
HEAD = "source_kind,source,link,target_kind,target,weight\n"

REFUSED = {
    "empty": (b"", "it is empty"),
    "blank": (b" \n\n ", "it is empty"),
    "prose": (b"Dear editor,\nplease find", "is in no format that can be imported: it begins"),
    "zip": (b"PK\x03\x04\x00\x00rest", "no UTF-8 text: unpack it"),
    "utf-16 table": ("title,year\nA,2000\n".encode("utf-16"), "save it as UTF-8"),
    "latin-1 header": (b"title,ann\xe9e\nA,2000\n", "line 1 of .* is no UTF-8, and names"),
    "no records": (b"[]", "it has no nodes"),
    "other json": (b'{"a": 1}', "in line 1, the record is none of OpenAlex"),
    "trailing comma": (b'{\n"kind": "work",\n"key": "doi:10.1000/a",\n}', "line 4 of .* is no"),
    "cut document": (b'{"results": [\n' + GOOD.encode() + b",\n", "line 3 .* the end of the file"),
    "nan": (b'[\n{"id": NaN}]', "line 2 of .* NaN is no number that JSON has"),
    "deep list": (b"[\n" * 200_000, "nested too deeply"),
    "deep envelope": (b'{"message":\n' * 9_000 + b"1" + b"}" * 9_000, "line 3 .*nested too deeply"),
    "deep xml": (GRAPHML.encode() + b"\n<a>" * 100, "line 65 of .* nested too deeply"),
    "entity bomb": (DOCTYPE.format(f"[{BOMB}]", "&e8;").encode(), "can be a trap"),
    "external entity": (
        DOCTYPE.format('[<!ENTITY x SYSTEM "file:///etc/passwd">]', "&x;").encode(),
        "can be a trap",
    ),
    "external dtd": (DOCTYPE.format('SYSTEM "http://127.0.0.1:9/x.dtd"', "").encode(), "a trap"),
    "undeclared entity": (GRAPHML.encode() + b"\n&x;</graphml>", "line 2 of .* undefined entity"),
    "unknown encoding": (b'<?xml version="1.0" encoding="none"?><graphml/>', "encoding that"),
    "wide encoding": (b'<?xml version="1.0" encoding="UTF-7"?><graphml/>', "encoding that"),
    "nul in xml": (GRAPHML.encode() + b"\n\0</graphml>", "line 2 of .* is no XML"),
    "cut xml": (GRAPHML.encode() + b"\n<graph>", "line 2 of .* is no XML"),
    "cut gzip": (gzip.compress(GOOD.encode() * 99)[:-12], "breaks off"),
    "bad gzip": (b"\x1f\x8b\x08\x00" + b"\xff" * 99, "breaks off"),
    "gzip in gzip": (gzip.compress(gzip.compress(GOOD.encode())), "no format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_broken_as_a_whole_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(GraphError, match=f"(?s){reason}"):
        taken(tmp_path, content)


def test_a_gzip_that_breaks_off_late_says_after_which_line(tmp_path: Path) -> None:
    import random

    letters = random.Random(0)  # that do not compress, so that the cut lies late
    lines = [json.dumps({**json.loads(GOOD), "x": str(letters.random())}) for _ in range(5000)]
    packed = gzip.compress("\n".join(lines).encode())
    with pytest.raises(GraphError, match=r"line [1-4],\d{3} of .* is where the file breaks off"):
        taken(tmp_path, packed[: len(packed) * 3 // 4])


KEPT_OUT = {  # content, line, reason, nodes that are read all the same
    "broken line": (GOOD + '\n{"id":\n' + GOOD.replace("W1", "W2"), 2, "is no JSON", 2),
    "broken first line": ("{nonsense}\n" + GOOD, 1, "is no JSON", 1),
    "deep line": (GOOD + "\n" + '{"a":' * 100_000, 2, "nested too deeply", 1),
    "line that is no UTF-8": (GOOD.encode() + b'\n{"id": "\xff"}\n', 2, "no UTF-8", 1),
    "nul in a line": (GOOD + '\n{"id": "a\0"}', 2, "is no JSON", 1),
    "a number for a record": (f"[{GOOD},\n42]", 2, "a record is an object, not '42'", 1),
    "not a work": (GOOD + '\n{"id": "https://openalex.org/F3"}', 2, "no work, author or topic", 1),
    "no doi": (GOOD + '\n{"DOI": "11.1/x"}', 2, "'11.1/x' is no DOI", 1),
    "no id": (GOOD + '\n{"paperId": null}', 2, "has no paperId", 1),
    "unknown kind": (GOOD + '\n{"kind": "cat", "key": "doi:10.1000/a"}', 2, "not 'cat'", 1),
    "no namespace": (GOOD + '\n{"kind": "work", "key": "a"}', 2, "'a' is no id", 1),
    "id of another kind": (
        GOOD + '\n{"kind": "person", "key": "doi:10.1000/a"}',
        2,
        "doi:10.1000/a names a work, and cannot be a person",
        1,
    ),
    "infinite weight": (
        GOOD
        + '\n{"kind": "cites", "source": "doi:10.1/a", "target": "doi:10.1/b", "weight": 1e999}',
        2,
        "finite number, not inf",
        1,
    ),
    "row too long": (HEAD + "person,A,,,\nperson,B,,,,,,,\n", 3, "9 cells for 6 columns", 1),
    "row with no kind": (HEAD + "person,A,,,\ncat,B,,,\n", 3, "not 'cat'", 1),
    "negative weight": (
        HEAD + "person,A,,,\nperson,A,authorship,work,T,-1\n",
        3,
        "a positive weight, got -1.0",
        2,
    ),
    "link to itself": (
        HEAD + "work,doi:10.1000/a,cites,work,doi:10.1000/a,\n",
        2,
        "ends where it begins",
        1,
    ),
    "wrong way round": (
        HEAD + "work,doi:10.1000/a,authorship,person,Ann,\n",
        2,
        "wants a person, and doi:10.1000/a is a work",
        2,
    ),
    "open quote": (HEAD + 'person,A,,,\nperson,"B,,,\n', 3, "unexpected end of data", 1),
    "row that is no UTF-8": (HEAD.encode() + b"person,A,,,\nperson,\xe9,,,\n", 3, "no UTF-8", 1),
}


@pytest.mark.parametrize("name", KEPT_OUT)
def test_what_is_broken_in_part_is_left_out_with_its_line(tmp_path: Path, name: str) -> None:
    content, line, reason, read_all_the_same = KEPT_OUT[name]
    _, report = taken(tmp_path, content)
    assert [number for number, _ in report.problems] == [line]
    assert reason in report.problems[0][1]
    assert (report.skipped, report.nodes) == (1, read_all_the_same)


def test_a_link_into_nowhere_is_left_out(tmp_path: Path) -> None:
    link = {"kind": "authorship", "source": "name:ann", "target": "doi:10.1000/a"}
    _, report = taken(tmp_path, {"nodes": [json.loads(GOOD)], "links": [link]})
    assert report.links == 0
    assert "name:ann, which is nowhere in the file" in report.problems[0][1]


@pytest.mark.parametrize("kind", ["co_authorship", "works_on", "related_context", "taught"])
def test_derived_links_are_counted_and_not_taken(tmp_path: Path, kind: str) -> None:
    people = [{"kind": "person", "key": f"name:{name}", "label": name} for name in ("ann", "bob")]
    link = {"kind": kind, "source": "name:ann", "target": "name:bob"}
    claims, report = taken(tmp_path, {"nodes": people, "links": [link]})
    assert (report.derived, report.links, report.skipped) == (1, 0, 0)
    assert not links(claims, kind)


def test_what_is_said_twice_counts_once(tmp_path: Path) -> None:
    once, report = taken(tmp_path, GOOD)
    twice, again = taken(tmp_path, f"{GOOD}\n{GOOD}")
    assert twice == once
    assert again.nodes == report.nodes == 1


@pytest.mark.parametrize("year", [-5, 0, 999, 2101, 10**400, 1e9, "9999", None, True, [2000], {}])
def test_an_absurd_year_is_none(tmp_path: Path, year: object) -> None:
    claims, _ = taken(tmp_path, {**json.loads(GOOD), "publication_year": year})
    assert nodes(claims, "work")[0].year is None


def test_script_and_what_turns_text_round_do_not_come_in(tmp_path: Path) -> None:
    title = (
        "<script>alert(1)</script>Kn\u202eow\u200bledge<img src=x onerror=alert(1)> \ud800&lt;b>"
    )
    location = {"landing_page_url": "javascript:alert(1)"}
    record = {**OPENALEX, "display_name": title, "locations": [], "primary_location": location}
    (work, *_) = nodes(taken(tmp_path, record)[0], "work")
    assert work.label == "alert(1) Knowledge <b>"
    assert work.facts["url"] == "https://doi.org/10.1109/CVPR52688.2022.01165"
    for url in (
        "javascript:alert(1)",
        "data:text/html,x",
        "//host",
        "https://u:p@host/",
        "file:///",
    ):
        claims, _ = taken(tmp_path, {"kind": "work", "key": "doi:10.1000/a", "facts": {"url": url}})
        assert claims[0].facts == {}
        (work, *_) = nodes(taken(tmp_path, f"@misc{{a, title={{A}}, url={{{url}}}}}")[0], "work")
        assert "url" not in work.facts


def test_texts_are_bounded(tmp_path: Path) -> None:
    record = {**json.loads(GOOD), "display_name": "long " * 100_000}
    record["abstract_inverted_index"] = {"word": list(range(10**6)), "far": [10**12]}
    (work,) = nodes(taken(tmp_path, record)[0], "work")
    assert len(work.label) == 1_000
    assert len(str(work.facts["abstract"])) <= 10_000


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(GOOD.encode() + b"\n")
        for _ in range(80):
            file.write(b" " * (1 << 20) + b"\n")
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(GraphError, match=r"line 6\d of .* that is no text but a trap"):
            list(read(path, Report()))
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD + "\n" + GOOD + " " * 3_000, "line 2 of .* is longer than"),
        (HEAD + "person,A,,,\n" + '"\n",' * 900, r"line \d+ of .* a row of more than"),
    ],
    ids=["line", "row"],
)
def test_lines_and_rows_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, reason: str
) -> None:
    for module in ("_reading", "csv", "_json"):
        monkeypatch.setattr(f"tutelage.graph.sources.{module}.MOST_LINE", 2_000)
    with pytest.raises(GraphError, match=reason):
        taken(tmp_path, content)


@pytest.mark.parametrize(
    ("limit", "content"),
    [("MOST_BYTES", f"{GOOD}\n" * 99), ("MOST_DOCUMENT", f"[{GOOD}\n" + f",{GOOD}" * 99 + "]")],
)
def test_files_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, content: str
) -> None:
    monkeypatch.setattr(_reading, limit, 2_000)
    monkeypatch.setattr(_reading, "LOOK", 1)
    with pytest.raises(GraphError, match=r"that one file may hold\. Split it"):
        taken(tmp_path, content)


def test_the_report_keeps_the_first_reasons_and_counts_all(tmp_path: Path) -> None:
    _, report = taken(tmp_path, GOOD + "\n{nonsense" * 200)
    assert report.skipped == 200
    assert [line for line, _ in report.problems] == list(range(2, KEPT + 2))


def test_a_record_longer_than_the_head_is_still_a_line(tmp_path: Path) -> None:
    long = {**json.loads(GOOD), "x": "y" * (2 << 20)}
    _, report = taken(tmp_path, json.dumps(long) + "\n{nonsense\n" + GOOD.replace("W1", "W2"))
    assert (report.nodes, report.problems[0][0]) == (2, 2)


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="none cannot be read: No such file"):
        list(read(tmp_path / "none", Report()))
    with pytest.raises(GraphError, match="cannot be read"):
        list(read(tmp_path, Report()))


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3)
    ),
    max_leaves=6,
)
NODE = {"key": "doi:10.1000/a", "kind": "work", "label": "A", "year": 2000, "x": 1.0, "y": 2.0}
RECORDS = [
    OPENALEX,
    CROSSREF,
    SCHOLAR,
    {**NODE, "facts": {"url": "https://a.org", "ids": ["arxiv:2203.08679"], "seed": 1}},
    {
        "kind": "cites",
        "source": "doi:10.1000/a",
        "target": "doi:10.1000/b",
        "weight": 1,
        "facts": {},
    },
]


@st.composite
def spoilt(draw: st.DrawFn) -> object:
    """Draw a good record with some of its values, at any depth, put in place of by others."""

    def spoil(value: object) -> object:
        if draw(st.integers(0, 9)) == 0:
            return draw(JSON)
        if isinstance(value, dict):
            return {name: spoil(each) for name, each in value.items()}
        return [spoil(each) for each in value] if isinstance(value, list) else value

    return spoil(draw(st.sampled_from(RECORDS)))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(record=spoilt())
def test_no_value_in_a_record_is_more_than_refused(tmp_path: Path, record: object) -> None:
    try:
        claims, report = taken(tmp_path, f"{json.dumps(record)}\n{GOOD}")
    except GraphError:
        return
    assert report.nodes >= 1
    for claim in claims:
        json.dumps(claim.facts, allow_nan=False).encode("utf-8")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_byte_in_a_file_is_more_than_refused(tmp_path: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([BIBTEX, LINKS_CSV, f"{GRAPHML}<graph/></graphml>", GOOD]))
    content = bytearray(file.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=3))
        if not content:
            break
    try:
        _, report = taken(tmp_path, bytes(content))
    except GraphError:
        return
    assert report.nodes > 0


CELLS = st.one_of(
    st.sampled_from(["", "person", "work", "topic", "cites", "authorship", "arxiv:2203.08679"]),
    st.sampled_from(["doi:10.1/x", "Ann", "0.5", "-1", "Lee; Ann", "1999", " padded ", "'=1+1"]),
    st.sampled_from(["two\nlines", 'a "word"', "\u2028"]),
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, max_size=9), max_size=30),
    ending=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([16, 100, 1 << 15]),
)
def test_rows_mean_the_same_in_quotes_and_without_and_however_many_are_read_at_once(
    rows: list[list[str]], ending: str, block: int
) -> None:
    header = ["source_kind", "source", "link", "target_kind", "target", "weight", "source_year"]
    good = ["person", "Ann", "authorship", "work", "arxiv:2203.08679", "", ""]
    told = []
    ways: list[tuple[Literal[0, 1], int]] = [(csv.QUOTE_ALL, 1 << 15), (csv.QUOTE_MINIMAL, block)]
    for quoting, size in ways:
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=quoting, lineterminator=ending)
        writer.writerows([header, good, *(row or ["", ""] for row in rows)])
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr(tables, "BLOCK", size)
            claims, report = taken(Path(folder), text.getvalue())
        told.append((sorted(map(repr, claims)), report.links, sorted(report.problems)))
    assert told[0] == told[1]


def test_an_empty_line_of_a_table_of_titles_says_nothing(tmp_path: Path) -> None:
    claims, report = taken(tmp_path, "title\nOne paper\n\nAnother\n")
    assert [claim.label for claim in claims if isinstance(claim, NodeClaim)] == [
        "One paper",
        "Another",
    ]
    assert report.skipped == 0


def test_a_year_beside_a_separator_of_old_tapes_is_a_year(tmp_path: Path) -> None:
    claims, _ = taken(tmp_path, BIBTEX.replace("= 2022", "= 202\x1c"))
    assert {claim.year for claim in claims if isinstance(claim, NodeClaim)} == {None}
    claims, _ = taken(tmp_path, BIBTEX.replace("= 2022", "= {2022\x1f}"))
    assert 2022 in {claim.year for claim in claims if isinstance(claim, NodeClaim)}


def test_lines_of_a_table_of_links_are_told_right_whatever_stands_between(tmp_path: Path) -> None:
    rows = [
        'person,"Ann\nLee",authorship,work,arxiv:2203.08679\n',  # line 2 and 3
        "person,B,authorship,work,arxiv:2203.08679,6,7\n",
        "\n",
        'person,"C" D,authorship,work,arxiv:2203.08679\n',
        "person,E,knows,work,arxiv:2203.08679\n",
        "person,F,authorship,work,\n",
        "work,arxiv:2203.08679,cites,work,arxiv:2203.08679\n",
        "person,G,authorship,topic,T\n",
        "person,Ann Lee,authorship,work,arxiv:2203.08679",
    ]
    content = (HEAD + "".join(rows)).encode().replace(b"B,", b"B\xff,")
    claims, report = taken(tmp_path, content)
    assert sorted(report.problems) == [
        (4, "the line is no UTF-8"),
        (6, "the row is no CSV: ',' expected after '\"'"),
        (7, "there is no kind of link 'knows'"),
        (8, "a work needs an id with its namespace or a name, not ''"),
        (9, "the link cites ends where it begins, in arxiv:2203.08679"),
        (10, "the link authorship wants a work, and topic:t is a topic"),
    ]
    assert report.skipped == 6
    assert [each.ids for each in claims if isinstance(each, NodeClaim)] == [
        ("name:ann lee",),
        ("arxiv:2203.08679",),
        ("name:g",),
        ("topic:t",),
    ]
    assert report.links == 2
