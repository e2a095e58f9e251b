"""The map of everything is drawn once, and then grows without moving anybody."""

from collections.abc import Iterator
from math import dist
from pathlib import Path

import pytest

from tutelage.graph.atlas import draw_map
from tutelage.graph.literature import shipped_claims
from tutelage.graph.model import Claim, LinkClaim, NodeClaim
from tutelage.graph.store import Origin, Store
from tutelage.graph.store.open import open_store

Spots = dict[str, tuple[float, float, int]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "graph.sqlite")
    for origin, claims in shipped_claims().items():
        opened.replace(origin, claims)
    yield opened
    opened.close()


def spots(store: Store) -> Spots:
    return {spot.key: (spot.x, spot.y, spot.community) for spot in store.map(limit=1_000_000)[0]}


def work(name: str, *cites: str) -> list[Claim]:
    links = [LinkClaim(kind="cites", source=f"doi:10.1/{name}", target=other) for other in cites]
    return [NodeClaim(kind="work", ids=(f"doi:10.1/{name}",), label=name), *links]


def test_everything_has_a_place_of_its_own(store: Store) -> None:
    assert draw_map(store)
    drawn = spots(store)
    assert len(drawn) == sum(store.count()[0].values()) > 100
    assert len({(x, y) for x, y, _ in drawn.values()}) == len(drawn)
    assert not draw_map(store)  # nothing changed since


def test_what_comes_stands_among_its_neighbours_and_nobody_moves(store: Store) -> None:
    draw_map(store)
    before = spots(store)
    seed = "arxiv:2203.08679"
    store.replace(
        Origin(key="import:a", label="a"),
        [*work("a", seed, "doi:10.1/b"), *work("b", "doi:10.1/c"), *work("c"), *work("alone")],
    )
    assert draw_map(store)
    after = spots(store)
    assert {key: after[key] for key in before} == before
    a, b, c, alone = (after[f"doi:10.1/{name}"] for name in ("a", "b", "c", "alone"))
    for one, other in ((a, before[seed]), (b, a), (c, b)):
        assert dist(one[:2], other[:2]) == pytest.approx(0.6)
        assert one[2] == other[2]
    assert alone[2] not in {group for _, _, group in before.values()}
    assert max(map(abs, alone[:2])) > 0.7 * max(max(map(abs, spot[:2])) for spot in before.values())


def test_what_went_is_on_the_map_no_more(store: Store) -> None:
    store.replace(Origin(key="import:a", label="a"), work("a", "arxiv:2203.08679"))
    draw_map(store)
    store.remove("import:a")
    draw_map(store)
    assert "doi:10.1/a" not in spots(store)


def test_a_graph_that_grew_much_is_drawn_anew(store: Store) -> None:
    draw_map(store)
    before = spots(store)
    many = [claim for number in range(300) for claim in work(str(number), "arxiv:2203.08679")]
    store.replace(Origin(key="import:many", label="many"), many)
    draw_map(store)
    after = spots(store)
    assert len(after) == len(before) + 300
    assert {key: after[key] for key in before} != before


def test_an_empty_graph_has_an_empty_map(tmp_path: Path) -> None:
    empty = open_store(tmp_path / "empty.sqlite")
    assert not draw_map(empty)
    empty.close()
