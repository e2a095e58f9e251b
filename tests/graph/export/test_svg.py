"""Pictures of views are XML that shows what there is, safely, and labels that cover nothing."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.graph.graphs import REFERENCE_KEYS, REFERENCE_KINDS, planted, reference
from tutelage.errors import GraphError
from tutelage.graph.export.svg import DARK, LIGHT, Line, Mark, svg
from tutelage.graph.layout import lay_out
from tutelage.graph.model import LINK_CODES, LINK_KINDS, NODE_KINDS
from tutelage.graph.store import Place

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ["Decoupled <Knowledge> Distillation", "Zhao", "Cui", "Song", "Qiu", "Liang", "AI", "CV"]


def first_case() -> tuple[list[Mark], list[Line], dict[str, Place]]:
    links, keys = reference(), REFERENCE_KEYS
    marks = [
        Mark(key=key, kind=kind, label=name, sub=f"{kind} {key}", signal=10 if key == "W" else 5)
        for key, kind, name in zip(keys, REFERENCE_KINDS, NAMES, strict=True)
    ]
    lines = [
        Line(source=keys[source], target=keys[target], kind=LINK_CODES[kind])
        for source, target, kind in zip(links.source, links.target, links.kind, strict=True)
    ]
    places = lay_out(
        keys, links, layout="force", pinned={}, kinds=REFERENCE_KINDS, years=[None] * 8
    )
    return marks, lines, places


def texts(picture: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("dark", [False, True])
def test_the_first_case_shows_each_node_link_and_count(dark: bool) -> None:
    marks, lines, places = first_case()
    picture = svg(marks, lines, places, title="DKD", dark=dark)
    shown = texts(picture)
    for letter, times in (("W", 1), ("A", 5), ("T", 2)):
        assert shown.count(letter) == times
    for name in NAMES[1:]:
        assert name in shown
    assert "8 visible / 8 total nodes / 19 links" in shown
    for entry in ("1 paper", "5 researchers", "2 topics", "Authorship 5", "Co-authorship 10"):
        assert entry in shown
    for name in ("Authorship", "Topic signal", "Works on", "Related context"):
        assert name in shown  # along its link
    titles = [element.text for element in ET.fromstring(picture).iter(f"{SVG}title")]
    assert len(titles) == 1 + 8 + 19
    assert (DARK if dark else LIGHT).paper in picture


def test_it_is_the_same_in_whichever_order_nodes_and_links_come() -> None:
    marks, lines, places = first_case()
    assert svg(marks, lines, places) == svg(marks[::-1], lines[::-1], places)


def test_no_text_becomes_markup_or_breaks_the_document() -> None:
    bad = '</text><script>alert(1)</script>"\x00\x0b\ud800&amp; 😀'
    marks = [Mark(key="a", kind="work", label=bad, sub=bad), Mark(key="b", kind="run", label="")]
    line = Line(source="a", target="b", kind="cites", reason=bad)
    picture = svg(marks, [line], {"a": Place(0, 0), "b": Place(0, 0)}, title=bad)
    root = ET.fromstring(picture)
    known = {"svg", "title", "desc", "rect", "g", "path", "circle", "text"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= known
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("href", "style")}
    assert "😀" in "".join(texts(picture))


def test_labels_of_many_nodes_lie_on_no_other_label() -> None:
    pairs, _ = planted(300, 6, degree=6, mixed=0.2)
    random = iter(range(10**6))
    marks = [
        Mark(
            key=f"n{node:03}",
            kind=[*NODE_KINDS][node % 7],
            label="A label of words",
            signal=node % 10,
        )
        for node in range(300)
    ]
    places = {
        mark.key: Place(next(random) * 7 % 31 * 0.5, next(random) % 19 * 0.3) for mark in marks
    }
    lines = [
        Line(source=f"n{one:03}", target=f"n{other:03}", kind=[*LINK_KINDS][one % 13])
        for one, other in pairs.tolist()
    ]
    picture = svg(marks, lines, places)
    labels = [
        tuple(map(float, re.findall(r'[xy]="(-?[\d.]+)"', text)))
        for text in re.findall(r"<text[^>]*>A label of words", picture)
    ]
    assert 20 < len(labels) < 300
    size, wide = 12 * 0.8, 16 * 9 * 0.5
    for place, (x, y) in enumerate(labels):
        for other_x, other_y in labels[:place]:
            assert abs(x - other_x) > 0.9 * wide or abs(y - other_y) > 0.9 * size


def test_what_cannot_be_drawn_is_told() -> None:
    assert "0 visible / 0 total nodes / 0 links" in texts(svg([], [], {}))
    mark = Mark(key="a", kind="work", label="a")
    with pytest.raises(GraphError, match="not 'a'"):
        svg([mark], [], {})
    with pytest.raises(GraphError, match="not 'b'"):
        svg([mark], [Line(source="a", target="b", kind="cites")], {"a": Place(0, 0)})
