"""What every store promises, of SQLite and of a real PostgreSQL alike."""

import math
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import networkx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tutelage.errors import GraphBusyError, GraphError
from tutelage.graph.model import (
    LINK_CODES,
    LINK_KINDS,
    Claim,
    Claims,
    LinkClaim,
    LinkClaims,
    NodeClaim,
)
from tutelage.graph.store import Origin, Place, Store, _write, open_store
from tutelage.graph.store._sql import SqlStore

ALL = 100_000


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is kept."""
    if request.param == "sqlite":
        return str(tmp_path / "graph.sqlite")
    return cast(str, request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    with closing(open_store(where)) as opened:
        yield opened


def origin(key: str) -> Origin:
    return Origin(key=key, label=key)


def work(*ids: str, label: str = "", year: int | None = None, **facts: object) -> NodeClaim:
    return NodeClaim(kind="work", ids=ids, label=label or f"On {ids[0]}", year=year, facts=facts)


def person(name: str) -> NodeClaim:
    return NodeClaim(kind="person", ids=(f"openalex:A{name}",), label=f"Person {name}")


def topic(name: str) -> NodeClaim:
    return NodeClaim(kind="topic", ids=(f"topic:{name}",), label=name)


def wrote(who: str, what: str) -> LinkClaim:
    return LinkClaim(kind="authorship", source=f"openalex:A{who}", target=what)


def cites(source: str, target: str, weight: float = 1.0) -> LinkClaim:
    return LinkClaim(kind="cites", source=source, target=target, weight=weight)


def one(store: Store, key: str) -> int:
    """Return the number of the node that a key names."""
    (node,) = store.nodes([key])
    return node.id


def told(store: Store, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return all that a store says, without the numbers that are its own affair."""
    nodes = {node.id: node for node in store.members("", limit=ALL)}
    links, whole = store.among(list(nodes), limit=ALL)
    assert whole
    keyed = []
    for link in links:
        ends = [nodes[link.source].key, nodes[link.target].key]
        if not LINK_KINDS[link.kind].directed:
            ends.sort()
        facts = sorted(
            (name, round(value, 6) if isinstance(value, float) else value)
            for name, value in link.facts.items()
        )
        keyed.append((*ends, link.kind, round(link.weight, 6), str(facts), link.origin))
    kinds, counts = store.count()
    assert kinds == Counter(node.kind for node in nodes.values())
    assert counts == Counter(link.kind for link in links)
    return {
        "nodes": {
            node.key: (node.kind, node.label, node.year, node.facts, round(node.importance, 6))
            for node in nodes.values()
        },
        "links": sorted(link for link in keyed if link[2] not in without),
        "origins": {each.key: (each.nodes, each.links) for each in store.origins()},
        "claimed": {node.key: store.claimed_by(node.id) for node in nodes.values()},
    }


# -------------------------------------------------------------------------- claims
def test_claims_that_share_an_id_are_one_node_with_all_they_say(store: Store) -> None:
    store.apply(origin("import:a"), [work("doi:10.1000/x", label="Long title", venue="CVPR")])
    store.apply(origin("import:b"), [work("doi:10.1000/x", "arxiv:2203.00001", cited_by=7)])
    (node,) = store.nodes(["arxiv:2203.00001"])
    assert node.key == "doi:10.1000/x"
    assert (node.facts["venue"], node.facts["cited_by"]) == ("CVPR", 7)
    assert store.claimed_by(node.id) == ["import:a", "import:b"]
    assert store.claimed_by(node.id + 1) == []


def test_what_an_origin_joined_comes_apart_when_it_goes_and_links_find_back(store: Store) -> None:
    store.apply(
        origin("import:a"), [work("doi:10.1000/x"), person("1"), wrote("1", "doi:10.1000/x")]
    )
    store.apply(
        origin("import:b"), [work("arxiv:2203.00001"), person("2"), wrote("2", "arxiv:2203.00001")]
    )
    before = told(store)
    store.apply(origin("import:c"), [work("doi:10.1000/x", "arxiv:2203.00001")])
    together = one(store, "doi:10.1000/x")
    assert one(store, "arxiv:2203.00001") == together
    assert store.count()[1] == {"authorship": 2, "co_authorship": 1}
    store.remove("import:c")
    assert one(store, "arxiv:2203.00001") != one(store, "doi:10.1000/x")
    assert told(store) == before


def test_two_origins_that_say_the_same_make_one_link_that_stays_until_both_go(store: Store) -> None:
    claims: list[Claim] = [
        work("doi:10.1000/x"),
        work("doi:10.1000/y"),
        cites("doi:10.1000/x", "doi:10.1000/y"),
    ]
    store.apply(origin("import:a"), claims)
    store.apply(origin("import:b"), [*claims[:2], cites("doi:10.1000/x", "doi:10.1000/y", 2.0)])
    node = one(store, "doi:10.1000/x")
    (group,) = store.neighbours(node)
    assert (group.total, group.links[0].weight, group.links[0].origin) == (1, 2.0, "import:b")
    assert store.degrees([node]) == {node: {"cites": 1}}
    store.remove("import:b")
    assert store.neighbours(node)[0].links[0].weight == 1.0
    store.remove("import:a")
    assert told(store) == {"nodes": {}, "links": [], "origins": {}, "claimed": {}}


def test_replace_leaves_just_what_is_claimed_and_says_whether_that_changed(store: Store) -> None:
    claims: list[Claim] = [
        work("doi:10.1000/x"),
        work("doi:10.1000/y"),
        cites("doi:10.1000/x", "doi:10.1000/y"),
    ]
    assert store.replace(origin("import:a"), claims)
    before, version = told(store), store.version()
    assert not store.replace(origin("import:a"), claims)
    assert (told(store), store.version()) == (before, version)
    assert store.replace(origin("import:a"), claims[:1])
    assert set(told(store)["nodes"]) == {"doi:10.1000/x"}


def test_an_error_leaves_everything_as_it_was(store: Store) -> None:
    store.apply(origin("import:a"), [work("doi:10.1000/x")])
    before, version = told(store), store.version()
    lost = cites("doi:10.1000/z", "doi:10.1000/nowhere")
    with pytest.raises(GraphError, match="nobody claims a node"):
        store.apply(origin("import:b"), [work("doi:10.1000/z"), lost])
    assert (told(store), store.version()) == (before, version)


def columns(claims: Sequence[Claim]) -> list[Claims]:
    """Return the claims with all links that have no facts as columns, which come first."""
    links = [each for each in claims if isinstance(each, LinkClaim) and not each.facts]
    ids = sorted({end for each in links for end in (each.source, each.target)})
    together = LinkClaims(
        ids=ids,
        kind=np.array([LINK_CODES.index(each.kind) for each in links], np.int64),
        source=np.array([ids.index(each.source) for each in links], np.int64),
        target=np.array([ids.index(each.target) for each in links], np.int64),
        weight=np.array([each.weight for each in links], np.float64),
        line=np.arange(len(links)),
    )
    return [together, *(each for each in claims if each not in links)]


@pytest.mark.parametrize("compared", [1000, 0], ids=["compared", "all anew"])
def test_links_as_columns_are_what_they_are_one_by_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compared: int
) -> None:
    monkeypatch.setattr(_write, "COMPARED", compared)
    monkeypatch.setattr(_write, "SLICE", 7)
    random = np.random.default_rng(0)
    claims: list[Claim] = [work(f"doi:10.1000/{n}", label=f"Paper {n}") for n in range(30)]
    claims += [person(str(n)) for n in range(9)]
    claims += [
        cites(f"doi:10.1000/{a}", f"doi:10.1000/{b}", 1.0 + a)
        for a, b in random.integers(0, 30, (60, 2)).tolist()
    ]
    claims += [
        wrote(str(a), f"doi:10.1000/{b}") for a, b in random.integers(0, 9, (20, 2)).tolist()
    ]
    with closing(open_store(tmp_path / "other.sqlite")) as other:
        for some in (claims, claims[:70], [*claims[:70], *claims[75:]]):
            assert store.replace(origin("import:a"), columns(some))
            assert other.replace(origin("import:a"), some)
            assert told(store) == told(other)
            assert store.replace(origin("import:a"), columns(some)) == (compared == 0)


def test_columns_are_written_while_more_of_them_come(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_write, "CHUNK", 20)
    monkeypatch.setattr(_write, "POUR", 20)
    poured: list[int] = []
    pour = _write.Writing._pour

    def pouring(self: _write.Writing) -> None:
        poured.append(self._waiting)
        pour(self)

    monkeypatch.setattr(_write.Writing, "_pour", pouring)

    def coming() -> Iterator[Claims]:
        yield from (work(f"doi:10.1000/{n}") for n in range(20))
        for _ in range(5):
            yield from columns([cites(f"doi:10.1000/{n}", "doi:10.1000/19") for n in range(19)])
        assert sum(poured) >= 19  # what came is not held until the end

    store.apply(origin("import:a"), coming())
    assert store.count()[1]["cites"] == 19


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (cites("doi:10.1000/x", "doi:10.1000/nowhere"), "nobody claims a node 'doi:10.1000/now"),
        (cites("doi:10.1000/x", "doi:10.1000/y", math.nan), "a finite weight of at least 0"),
        (
            LinkClaim(kind="co_authorship", source="doi:10.1000/x", target="doi:10.1000/y"),
            "a kind that a source can claim",
        ),
    ],
    ids=["dangling", "weight", "derived"],
)
def test_columns_are_refused_for_one_bad_link(store: Store, link: LinkClaim, reason: str) -> None:
    papers = [work("doi:10.1000/x"), work("doi:10.1000/y")]
    good = cites("doi:10.1000/y", "doi:10.1000/x")
    with pytest.raises(GraphError, match=reason):
        store.apply(origin("import:a"), columns([*papers, good, link]))
    assert told(store)["nodes"] == {}


def test_versions_rise_with_every_change_and_with_nothing_else(store: Store) -> None:
    found = [store.version()]
    changes: list[Callable[[], object]] = [
        lambda: store.apply(origin("import:a"), [work("doi:10.1000/x")]),
        lambda: store.apply(origin("import:a"), [work("doi:10.1000/y")]),
        lambda: store.replace(origin("import:a"), [work("doi:10.1000/y")]),
        lambda: store.remove("import:a"),
    ]
    for change in changes:
        change()
        found.append(store.version())
    assert found == sorted(set(found))
    store.put_places("a scene", {"doi:10.1000/x": Place(1.0, 2.0)})
    store.save_view("mine", "?depth=2")
    store.remove("import:nothing")
    assert store.version() == found[-1]


def test_what_a_large_change_leaves_for_later_is_told_and_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.apply(origin("import:a"), [work("doi:10.1000/x", label="The first")])
    assert not store.is_late()
    monkeypatch.setattr(_write, "FEW_NODES", 3)
    papers: list[Claim] = [work(f"doi:10.1000/{n}", label=f"Paper {n}") for n in range(9)]
    store.apply(origin("import:b"), [*papers, cites("doi:10.1000/7", "doi:10.1000/8")])
    assert store.is_late()
    assert [node.label for node in store.search("the first")] == ["The first"]
    version = store.version()
    store.refresh()
    assert not store.is_late()
    assert store.version() > version
    assert {node.label for node in store.search("paper")} == {f"Paper {n}" for n in range(9)}
    assert store.search("paper")[0].label in ("Paper 7", "Paper 8")


def test_a_key_that_a_stronger_id_took_over_still_names_its_node(store: Store) -> None:
    store.apply(origin("import:a"), [work("openalex:W1")])
    number = one(store, "openalex:W1")
    store.put_places("scene", {"openalex:W1": Place(1.0, 2.0)})
    store.apply(origin("import:b"), [work("openalex:W1", "doi:10.1000/x")])
    (node,) = store.nodes(["openalex:W1"])
    assert (node.id, node.key) == (number, "doi:10.1000/x")
    assert store.places("scene") == {"doi:10.1000/x": Place(1.0, 2.0)}


def test_numbers_and_keys_stay_when_something_is_imported_again(store: Store) -> None:
    claims = [work(f"doi:10.1000/{n}", label=f"Paper {n}") for n in range(50)]
    store.replace(origin("import:a"), claims)
    before = {node.key: node.id for node in store.members("", limit=ALL)}
    changed = [work(f"doi:10.1000/{n}", label=f"Paper {n}, revised") for n in range(50)]
    store.replace(origin("import:a"), changed[::-1])
    assert {node.key: node.id for node in store.members("", limit=ALL)} == before


# -------------------------------------------------------------------------- any sequence
WORKS = [f"{space}{n}" for n in range(3) for space in ("doi:10.1000/", "openalex:W")]
PEOPLE, TOPICS = ["1", "2", "3"], ["vision", "language"]


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    """Papers, some of several ids, by people, on topics, citing each other."""
    papers = draw(st.lists(st.lists(st.sampled_from(WORKS), min_size=1, max_size=2), max_size=4))
    claims: list[Claim] = [work(*dict.fromkeys(ids)) for ids in papers]
    for ids in papers:
        for who in draw(st.sets(st.sampled_from(PEOPLE), max_size=3)):
            claims += [person(who), wrote(who, ids[-1])]
        for name in draw(st.sets(st.sampled_from(TOPICS), max_size=2)):
            about = LinkClaim(kind="topic_signal", source=ids[0], target=f"topic:{name}")
            claims += [topic(name), about]
        other = draw(st.sampled_from(papers))
        if not set(other) & set(ids) and draw(st.booleans()):
            claims.append(cites(ids[0], other[0]))
    return claims


CHANGES = st.lists(
    st.tuples(st.sampled_from(["import:a", "import:b", "run:c"]), st.none() | claim_lists()),
    min_size=1,
    max_size=6,
)


def try_changes(store: Store, fresh: Store, changes: list[tuple[str, list[Claim] | None]]) -> None:
    """Demand that a store where much went before is as one that heard only what holds now."""
    for each in (store, fresh):
        for known in each.origins():
            each.remove(known.key)
    final: dict[str, list[Claim]] = {}
    for key, claims in changes:
        if claims is None:
            store.remove(key)
            final.pop(key, None)
        else:
            store.replace(origin(key), claims)
            final[key] = claims
    for key in sorted(final, reverse=True):
        fresh.apply(origin(key), final[key])
    # How related two topics are waits for `refresh` where not all is derived at once.
    late = ("related_context",) if _write.SMALL == 0 else ()
    assert told(store, without=late)["links"] == told(fresh, without=late)["links"]
    fresh.refresh()
    before = told(store, without=late)
    assert before == told(fresh, without=late)
    store.refresh()
    assert told(store) == told(fresh)


def test_people_of_one_name_stay_apart_and_keep_their_numbers(store: Store) -> None:
    everybody = [
        NodeClaim(kind="person", ids=(f"openalex:A{n}",), label="Wei Zhang") for n in range(40)
    ]
    nameless = NodeClaim(kind="person", ids=("name:wei zhang",), label="Wei Zhang")
    store.replace(origin("import:a"), everybody[:30])
    store.replace(origin("import:b"), [nameless])
    before = {node.key: node.id for node in store.members("", limit=ALL)}
    assert len(before) == 30  # who has no id of their own is taken for the first of them
    store.replace(origin("import:a"), [replace(each, facts={"orcid": 1}) for each in everybody])
    after = {node.key: node.id for node in store.members("", limit=ALL)}
    assert len(after) == 40
    assert before.items() <= after.items()
    (found,) = store.nodes(["name:wei zhang"])
    assert found.key == "openalex:A0"


def test_an_origin_counts_its_nodes_anew_when_another_no_longer_makes_them_one(
    store: Store,
) -> None:
    apart = [work("doi:10.1000/0"), work("openalex:W0")]
    store.replace(origin("import:a"), apart)
    store.replace(origin("import:b"), [work("doi:10.1000/0", "openalex:W0")])
    assert {each.key: each.nodes for each in store.origins()} == {"import:a": 1, "import:b": 1}
    store.remove("import:b")
    assert {each.key: each.nodes for each in store.origins()} == {"import:a": 2}


@pytest.mark.parametrize("derived", ["at once", "near what changed"])
def test_any_changes_leave_what_the_claims_that_stand_come_to(
    where: str, tmp_path: Path, derived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if derived != "at once":
        monkeypatch.setattr(_write, "SMALL", 0)
    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(where)))
        fresh = stack.enter_context(closing(open_store(tmp_path / "fresh.sqlite")))
        examples = 40 if "://" not in str(where) else 20

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(CHANGES)
        def tried(changes: list[tuple[str, list[Claim] | None]]) -> None:
            try_changes(store, fresh, changes)

        tried()


# -------------------------------------------------------------------------- questions
@pytest.fixture
def random_graph(store: Store) -> tuple[Store, "networkx.DiGraph[int]", dict[int, int]]:
    """A graph of 60 papers with one hub and some that stand alone; node n -> its number."""
    random = np.random.default_rng(0)
    pairs = {(int(a), int(b)) for a, b in random.integers(0, 50, (70, 2)) if a != b}
    pairs |= {(n, 0) for n in range(1, 30)}
    claims: list[Claim] = [work(f"doi:10.1000/{n}") for n in range(60)]
    claims += [cites(f"doi:10.1000/{a}", f"doi:10.1000/{b}") for a, b in sorted(pairs)]
    store.apply(origin("import:a"), claims)
    graph: networkx.DiGraph[int] = networkx.DiGraph(pairs)
    graph.add_nodes_from(range(60))
    return store, graph, {n: one(store, f"doi:10.1000/{n}") for n in range(60)}


RandomGraph = tuple[Store, "networkx.DiGraph[int]", dict[int, int]]


def test_neighbours_and_degrees_are_those_of_networkx(random_graph: RandomGraph) -> None:
    store, graph, number = random_graph
    degrees = store.degrees(list(number.values()))
    for n, node in number.items():
        groups = {group.outward: group for group in store.neighbours(node)}
        for outward, near in ((True, graph.successors(n)), (False, graph.predecessors(n))):
            wanted = {number[other] for other in near}
            group = groups.get(outward)
            assert wanted == ({each.id for each in group.nodes} if group else set())
            assert group is None or group.total == len(wanted)
        assert degrees.get(node, {}).get("cites", 0) == graph.degree(n)


def test_pages_of_a_hub_together_are_all_its_neighbours_in_order(random_graph: RandomGraph) -> None:
    store, graph, number = random_graph
    pages = [
        next(g for g in store.neighbours(number[0], limit=7, offset=offset) if not g.outward)
        for offset in range(0, graph.in_degree(0), 7)
    ]
    found = [node.id for page in pages for node in page.nodes]
    assert sorted(found) == sorted(number[n] for n in graph.predecessors(0))
    assert {page.total for page in pages} == {graph.in_degree(0)}
    ranked = [node.importance for page in pages for node in page.nodes]
    assert len(set(found)) == len(found) == len(ranked)


def test_among_gives_the_links_of_a_subgraph_and_says_when_there_are_more(
    random_graph: RandomGraph,
) -> None:
    store, graph, number = random_graph
    some = list(range(0, 60, 2))
    wanted = {(number[a], number[b]) for a, b in graph.subgraph(some).edges}
    links, whole = store.among([number[n] for n in some])
    assert {(link.source, link.target) for link in links} == wanted
    assert whole
    links, whole = store.among([number[n] for n in some], limit=len(wanted) - 1)
    assert (len(links), whole) == (len(wanted) - 1, False)


def test_paths_are_as_short_as_those_of_networkx(random_graph: RandomGraph) -> None:
    store, graph, number = random_graph
    flat = graph.to_undirected()
    random = np.random.default_rng(1)
    for a, b in random.integers(0, 60, (150, 2)).tolist():
        path = store.path(number[a], number[b])
        if not networkx.has_path(flat, a, b):
            assert path is None
            continue
        assert path is not None
        ends = [node.id for node in path.nodes]
        assert (ends[0], ends[-1]) == (number[a], number[b])
        assert len(path.links) == networkx.shortest_path_length(flat, a, b) == len(ends) - 1
        for here, there, link in zip(ends, ends[1:], path.links, strict=False):
            assert {link.source, link.target} == {here, there}
    assert store.path(number[1], number[2], link_kinds=["authorship"]) is None
    assert store.path(number[1], number[2], longest=0) is None


@pytest.fixture
def library(store: Store) -> Store:
    store.apply(
        origin("import:a"),
        [
            work("doi:10.1000/1", label="Decoupled Knowledge Distillation", abstract="Why teach?"),
            work("doi:10.1000/2", label="Knowledge", cited_by=3),
            work("doi:10.1000/3", label="Distilling the knowledge in a neural network"),
            NodeClaim(kind="person", ids=("openalex:A1",), label="Łukasz Müller-Straße"),
            NodeClaim(kind="topic", ids=("topic:knowledge",), label="Knowledge"),
        ],
    )
    return store


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("decoup", {"doi:10.1000/1"}),
        ("knowledge dist", {"doi:10.1000/1", "doi:10.1000/3"}),
        ("DISTILLATION, knowledge!", {"doi:10.1000/1"}),
        ("lukasz muller strasse", {"openalex:A1"}),
        ("Müller-Str", {"openalex:A1"}),
        ("why te", {"doi:10.1000/1"}),
        ("10.1000/3", {"doi:10.1000/3"}),
        ("nowhere", set()),
        ("", set()),
    ],
)
def test_search_finds_all_words_the_last_as_a_prefix(
    library: Store, text: str, wanted: set[str]
) -> None:
    assert {node.key for node in library.search(text)} == wanted


def test_search_puts_the_label_that_is_equal_first_then_one_that_begins_so(library: Store) -> None:
    found = [node.key for node in library.search("knowledge")]
    assert set(found[:2]) == {"doi:10.1000/2", "topic:knowledge"}
    assert len(library.search("knowledge", limit=1)) == 1
    assert {node.key for node in library.search("knowledge", kinds=["topic"])} == {
        "topic:knowledge"
    }


def test_without_a_word_search_finds_the_most_important_of_the_kinds(library: Store) -> None:
    works = [node for node in library.members("", limit=ALL) if node.kind == "work"]
    for text in ("", " - "):
        assert library.search(text, kinds=["work"], limit=2) == works[:2]
        assert library.search(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *('"', '""', '"a', "a NEAR b", "NEAR(a b, 2)", "*", "a*", "OR", "a OR", "NOT a", "AND"),
        *("label:a", "(", ")", "^a", "a-b", "-", "'", "\\", "a & b", "a | !b", ":*", "<->", "§0"),
        *("\0", "\ud800", "a\0b", "≡", "•", "%", "_", "{}", "a" * 100_000, "a " * 10_000),
        *("'; DROP TABLE node; --", "🙂", "\u202e", "١٢", "$$"),
    ],
)
def test_search_takes_whatever_is_typed(library: Store, text: str) -> None:
    assert isinstance(library.search(text), list)
    assert library.search(text, kinds=["work"]) is not None
    assert library.search("decoupled")


def test_members_come_the_most_important_first(random_graph: RandomGraph) -> None:
    store, _, number = random_graph
    store.refresh()
    found = store.members("import:a", limit=10)
    assert found[0].id == number[0]
    ranked = [node.importance for node in found]
    assert (len(ranked), ranked) == (10, sorted(ranked, reverse=True))
    assert store.members("import:none", limit=10) == []


# -------------------------------------------------------------------------- views and places
def test_views_and_places_are_kept(store: Store, where: str) -> None:
    store.save_view("b", "?first")
    kept = store.save_view("b", "?second")
    store.save_view("a", "?third")
    assert [view.name for view in store.views()] == ["a", "b"]
    assert store.views()[1] == kept
    store.delete_view("a")
    store.delete_view("never there")
    store.put_places("scene", {"x": Place(0.0, 1.0), "y": Place(2.0, 3.0)})
    store.put_places("scene", {"y": Place(4.0, 5.0)})
    with closing(open_store(where)) as again:
        assert again.views() == [kept]
        assert again.places("scene") == {"x": Place(0.0, 1.0), "y": Place(4.0, 5.0)}
        assert again.places("other") == {}


def test_the_map_holds_what_was_put_on_it(store: Store) -> None:
    store.apply(
        origin("import:a"),
        [work("doi:10.1000/x"), work("doi:10.1000/y"), cites("doi:10.1000/x", "doi:10.1000/y")],
    )
    x, y = one(store, "doi:10.1000/x"), one(store, "doi:10.1000/y")
    store.put_map({x: Place(1.0, 2.0), y: Place(3.0, 4.0)}, {x: 0, y: 1})
    spots, links = store.map(limit=10)
    assert sorted((each.key, each.kind, each.label, each.importance) for each in spots) == [
        ("doi:10.1000/x", "work", "On doi:10.1000/x", 1.0),
        ("doi:10.1000/y", "work", "On doi:10.1000/y", 1.0),
    ]
    assert sorted((each.x, each.y, each.community) for each in spots) == [(1, 2, 0), (3, 4, 1)]
    assert (links.source.tolist(), links.target.tolist()) == ([x], [y])


# -------------------------------------------------------------------------- time and processes
def test_a_question_past_its_deadline_says_so_and_the_next_is_answered(
    random_graph: RandomGraph,
) -> None:
    store, _, number = random_graph
    assert isinstance(store, SqlStore)
    slow = "SELECT count(*) FROM link a, link b, link c, link d"
    store.deadline_seconds = 0.05  # type: ignore[attr-defined]
    with pytest.raises(GraphBusyError, match=r"longer than 0\.05 s"), store.reading() as talk:
        talk.rows(slow)
    store.deadline_seconds = 5.0  # type: ignore[attr-defined]
    assert store.neighbours(number[0])


WRITER = """
import sys, time
from tutelage.graph.model import NodeClaim
from tutelage.graph.store import Origin, open_store

where, name, doing = sys.argv[1:]
store = open_store(where)

def work(n):
    return NodeClaim(kind="work", ids=(f"doi:10.1000/{name}.{n}",), label=f"On {n}")

def endless():
    for n in range(25_000):  # the first 20,000 are written by then
        yield work(n)
    print("amid", flush=True)
    time.sleep(600)

print("open", flush=True)
if doing == "die":
    store.apply(Origin(key=f"import:{name}", label=name), endless())
for n in range(15):
    store.apply(Origin(key=f"import:{name}{n}", label=name), [work(n), work("shared")])
"""


def writer(where: str, name: str, doing: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, where, name, doing]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def test_two_processes_that_write_at_once_both_get_their_turn(store: Store, where: str) -> None:
    both = [writer(where, name, "write") for name in ("a", "b")]
    for each in both:
        each.communicate(timeout=60)
        assert each.returncode == 0
    assert len(store.origins()) == 30
    assert store.count()[0] == {"work": 32}
    assert len(store.claimed_by(one(store, "doi:10.1000/a.shared"))) == 15


def test_a_writer_that_is_killed_leaves_everything_as_it_was(store: Store, where: str) -> None:
    store.apply(origin("import:a"), [work("doi:10.1000/x")])
    before, version = told(store), store.version()
    doomed = writer(where, "b", "die")
    assert doomed.stdout
    assert [doomed.stdout.readline().strip() for _ in range(2)] == ["open", "amid"]
    assert told(store) == before  # readers do not wait for a writer
    doomed.kill()
    doomed.communicate()
    store.apply(origin("import:c"), [work("doi:10.1000/y")])
    assert store.version() == version + 1
    assert set(told(store)["nodes"]) == {"doi:10.1000/x", "doi:10.1000/y"}


# -------------------------------------------------------------------------- what is no graph
def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(GraphError, match=r"cannot be opened as a graph.*graph rebuild"):
        open_store(path)
    assert path.read_bytes().startswith(b"Dear diary")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (cake TEXT)")
    with pytest.raises(GraphError, match="is a database, but no graph"):
        open_store(path)


def test_tables_of_a_newer_toolkit_are_refused(store: Store, where: str) -> None:
    assert isinstance(store, SqlStore)
    with store.writing() as talk:
        if "://" in where:
            talk.run("UPDATE fact SET value = 99 WHERE name = 'tables'")
        else:
            talk.run("PRAGMA user_version = 99")
    with pytest.raises(GraphError, match="newer toolkit"):
        open_store(where)
