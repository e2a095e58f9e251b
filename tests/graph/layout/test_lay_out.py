"""What every layout of a view promises, and what each of them adds."""

import time
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.graph.graphs import REFERENCE_KEYS, REFERENCE_KINDS, links_of, planted, reference
from tutelage.errors import GraphError
from tutelage.graph.layout import lay_out
from tutelage.graph.model import LINK_CODES, Layout, Links
from tutelage.graph.store import Place

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
KINDS = ("work", "person", "topic", "method", "model", "data", "run")


def view(
    count: int, *, seed: int = 0, alone: int = 5
) -> tuple[list[str], Links, list[str], list[int | None]]:
    """Return keys, links, kinds and years of a mixed graph, some of its nodes without a link."""
    pairs, _ = planted(count - alone, 1 + count // 40, degree=4, mixed=0.2, seed=seed)
    links = links_of(pairs, [LINK_CODES[place % len(LINK_CODES)] for place in range(len(pairs))])
    kinds = [KINDS[place % 7] for place in range(count)]
    years = [1990 + place * 7 % 35 if place % 3 else None for place in range(count)]
    return [f"n{place:04}" for place in range(count)], links, kinds, years


def array(places: dict[str, Place], keys: list[str]) -> NDArray[np.float64]:
    return np.array([(places[key].x, places[key].y) for key in keys])


def least_distance(places: NDArray[np.float64]) -> float:
    between = places[:, None] - places
    return float((np.hypot(between[..., 0], between[..., 1]) + 9 * np.eye(len(places))).min())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [2, 8, 60, 300, 700])
def test_every_node_stands_somewhere_and_none_on_another(layout: Layout, count: int) -> None:
    keys, links, kinds, years = view(count, alone=count // 8)
    found = lay_out(keys, links, layout=layout, pinned={}, kinds=kinds, years=years)
    assert list(found) == keys
    places = array(found, keys)
    assert np.isfinite(places).all()
    assert least_distance(places) >= 0.6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_node_that_stands_moves_when_others_come(layout: Layout) -> None:
    keys, links, kinds, years = view(300)
    old = 240
    inside = (links.source < old) & (links.target < old)
    columns = ("source", "kind", "target", "weight", "count", "strength")
    few = Links(**{name: getattr(links, name)[inside] for name in columns})
    before = lay_out(
        keys[:old], few, layout=layout, pinned={}, kinds=kinds[:old], years=years[:old]
    )
    after = lay_out(keys, links, layout=layout, pinned=before, kinds=kinds, years=years)
    assert {key: after[key] for key in keys[:old]} == before
    assert least_distance(array(after, keys)) >= 0.6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_places_do_not_depend_on_the_order_of_nodes_and_links(layout: Layout) -> None:
    keys, links, kinds, years = view(90)
    random = np.random.default_rng(3)
    order, turned = random.permutation(90), random.permutation(len(links))
    number = np.argsort(order)  # where each node is now
    other = Links(
        source=number[links.source[turned]],
        kind=links.kind[turned],
        target=number[links.target[turned]],
        weight=links.weight[turned],
        count=links.count[turned],
        strength=links.strength[turned],
    )
    assert lay_out(
        keys, links, layout=layout, pinned={}, kinds=kinds, years=years
    ) == lay_out(
        [keys[place] for place in order],
        other,
        layout=layout,
        pinned={},
        kinds=[kinds[place] for place in order],
        years=[years[place] for place in order],
    )  # fmt: skip


def test_new_nodes_come_to_stand_beside_those_they_are_linked_with() -> None:
    keys = [*REFERENCE_KEYS, "new"]
    kinds, links = [*REFERENCE_KINDS, "work"], reference()
    pinned = {key: Place(4.0 * place, 0.0) for place, key in enumerate(REFERENCE_KEYS)}
    joined = links_of(
        [*zip(links.source.tolist(), links.target.tolist(), strict=True), (8, 7)],
        [*(LINK_CODES[kind] for kind in links.kind), "topic_signal"],
    )
    found = lay_out(keys, joined, layout="force", pinned=pinned, kinds=kinds, years=[None] * 9)
    distances = {key: np.hypot(found[key].x - found["new"].x, found[key].y) for key in pinned}
    assert min(distances, key=distances.__getitem__) == "T2"
    assert 0.6 <= distances["T2"] <= 4.0


def test_the_first_case_has_its_paper_in_the_middle_people_left_and_topics_right() -> None:
    found = lay_out(
        REFERENCE_KEYS,
        reference(),
        layout="force",
        pinned={},
        kinds=REFERENCE_KINDS,
        years=[2022, *[None] * 7],
    )
    places = array(found, REFERENCE_KEYS)
    paper, people, topics = places[0], places[1:6], places[6:]
    assert people[:, 0].mean() < paper[0] < topics[:, 0].min()
    wide, high = np.ptp(places, axis=0)
    assert wide > high
    assert np.abs(paper - places.min(axis=0) - (wide / 2, high / 2)).max() < 0.25 * wide
    lengths = np.hypot(*(places[1:] - paper).T)
    assert 0.7 <= lengths.min() <= lengths.max() <= 1.8


def test_linked_nodes_are_nearer_than_others_and_planted_groups_apart() -> None:
    pairs, group = planted(300, 6, degree=8, mixed=0.1)
    keys = [f"n{place:04}" for place in range(300)]
    found = lay_out(
        keys,
        links_of(pairs),
        layout="force",
        pinned={},
        kinds=["work"] * 300,
        years=[None] * 300,
    )
    places = array(found, keys)
    between = places[:, None] - places
    distance = np.hypot(between[..., 0], between[..., 1])
    assert distance[pairs[:, 0], pairs[:, 1]].mean() < 0.6 * distance.mean()
    same = group[:, None] == group
    assert distance[same].mean() < 0.45 * distance[~same].mean()


def test_every_link_of_a_lineage_without_cycles_leads_to_the_right() -> None:
    # teacher -> run -> student -> run -> student; runs use a method of a paper, train on data.
    keys = ["teacher", "run1", "student1", "run2", "student2", "method", "paper", "data"]
    kinds = ["model", "run", "model", "run", "model", "method", "work", "data"]
    onward = [(0, 1), (1, 2), (2, 3), (3, 4), (6, 5)]
    backward = [(1, 5), (3, 5), (1, 7), (3, 7)]  # uses and trains on: from later to earlier
    names = ["teaches", "produces", "teaches", "produces", "describes"]
    links = links_of([*onward, *backward], [*names, "uses", "uses", "trains_on", "trains_on"])
    found = lay_out(keys, links, layout="layered", pinned={}, kinds=kinds, years=[None] * 8)
    for before, after in [*onward, *((later, earlier) for earlier, later in backward)]:
        assert found[keys[before]].x < found[keys[after]].x - 1


def test_a_cycle_is_laid_out_all_the_same() -> None:
    links = links_of([(0, 1), (1, 2), (2, 0), (2, 3)], "teaches")
    found = lay_out(
        list("abcd"), links, layout="layered", pinned={}, kinds=["model"] * 4, years=[None] * 4
    )
    assert found["a"].x < found["b"].x < found["c"].x < found["d"].x


def test_a_ladder_that_can_be_drawn_without_crossings_has_none() -> None:
    # Keys are such that their own order would cross every rung.
    links = links_of([(place, 11 - place) for place in range(6)], "produces")
    keys = [f"n{place:02}" for place in range(12)]
    kinds = ["run"] * 6 + ["model"] * 6
    found = lay_out(keys, links, layout="layered", pinned={}, kinds=kinds, years=[None] * 12)
    for place in range(6):
        assert found[keys[place]].y == pytest.approx(found[keys[11 - place]].y)


def test_a_timeline_is_in_the_order_of_years_in_lanes() -> None:
    keys, links, kinds, years = view(200)
    found = lay_out(keys, links, layout="timeline", pinned={}, kinds=kinds, years=years)
    dated = [place for place in range(200) if years[place] is not None]
    for one in dated:
        for other in dated:
            if (years[one] or 0) < (years[other] or 0):
                assert found[keys[one]].x < found[keys[other]].x
    lanes = [
        [found[key].y for key, has in zip(keys, kinds, strict=True) if has == kind]
        for kind in KINDS
    ]
    for upper, lower in pairwise(lanes):
        assert min(upper) > max(lower)


def test_who_has_no_year_stands_at_that_of_the_neighbours() -> None:
    links = links_of([(2, 0), (2, 1)], "authorship")
    found = lay_out(
        ["one", "other", "author"],
        links,
        layout="timeline",
        pinned={},
        kinds=["work", "work", "person"],
        years=[2010, 2020, None],
    )
    assert found["author"].x == pytest.approx((found["one"].x + found["other"].x) / 2)


def test_two_thousand_nodes_take_seconds() -> None:
    keys, links, kinds, years = view(2000, alone=100)
    for layout in LAYOUTS:
        began = time.process_time()
        found = lay_out(keys, links, layout=layout, pinned={}, kinds=kinds, years=years)
        assert time.process_time() - began < 10, layout
        assert least_distance(array(found, keys)) >= 0.6


def test_what_cannot_be_laid_out_is_told() -> None:
    nothing = links_of([])
    assert lay_out([], nothing, layout="force", pinned={}, kinds=[], years=[]) == {}
    with pytest.raises(GraphError, match="each node once"):
        lay_out(["a", "a"], nothing, layout="force", pinned={}, kinds=["work"] * 2, years=[1, 2])
    with pytest.raises(GraphError, match="one length, got 1, 2, 1"):
        lay_out(["a"], nothing, layout="force", pinned={}, kinds=["work"] * 2, years=[1])
    with pytest.raises(GraphError, match="from 0 to 0, got 0 to 1"):
        lay_out(["a"], links_of([(0, 1)]), layout="force", pinned={}, kinds=["work"], years=[1])
