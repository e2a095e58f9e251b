"""A part of the graph as it is shown: what is reached and let through, where it stands and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tutelage.errors import GraphError
from tutelage.graph.brief import Brief, brief
from tutelage.graph.communities import communities
from tutelage.graph.derive import derive
from tutelage.graph.layout import lay_out
from tutelage.graph.model import LINK_CODES, LINK_KINDS, Link, Links, Node
from tutelage.graph.query import Query
from tutelage.graph.reach import reach, start_of
from tutelage.graph.reasons import reason
from tutelage.graph.sift import sift
from tutelage.graph.signal import signal
from tutelage.graph.store import Place, Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A node in a view."""

    brief: Brief
    signal: int  # 0 to 10
    links: int  # in this view
    place: Place
    community: int  # from 0, the largest first
    more: Mapping[str, int]  # links that the view does not show, by kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """A link in a view, between keys of nodes."""

    source: str
    target: str
    kind: str
    label: str
    weight: float
    derived: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How much a view shows of what there is. Those by kind and year count what is hidden too."""

    nodes: int
    total_nodes: int
    links: int
    overview_links: int  # without projections
    nodes_by_kind: Mapping[str, int]
    links_by_kind: Mapping[str, int]
    years: Mapping[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a query shows. `unplaced` are the nodes whose places nobody keeps yet."""

    version: int
    query: Query
    title: str
    nodes: tuple[Seen, ...]
    links: tuple[Tie, ...]
    counts: Counts
    truncated: bool
    unplaced: tuple[str, ...]

    @property
    def caption(self) -> str:
        """How many nodes and links are shown."""
        told = self.counts
        return f"{told.nodes} visible / {told.total_nodes} total nodes / {told.links} links"


def view(store: Store, query: Query) -> View:
    """Return what a query shows.

    Raises:
        GraphError: the graph does not hold what the query names.
        GraphBusyError: it took longer than it may.
    """
    version = store.version()
    title = _title(store, query)
    start = start_of(store, query)
    everything = reach(store, start, replace(query, hide=()))
    wanted = reach(store, start, query) if query.hide else everything
    pool = everything.nodes | wanted.nodes
    links, whole = _links(store, pool, query.within)
    nodes, shown = sift(
        store,
        {n: node for n, node in wanted.nodes.items() if node.kind not in query.hide},
        [link for link in links if link.kind not in query.hide],
        [node.id for node in start],
        query,
    )
    drawn = [
        link for link in shown if query.links == "full" or not LINK_KINDS[link.kind].projection
    ]
    scene = store.places(query.scene)
    return View(
        version=version,
        query=query,
        title=title or ", ".join(node.label for node in start[:3]),
        nodes=_seen(store, nodes, drawn, query, {n.id for n in start if query.at}, scene),
        links=tuple(_tie(link, pool) for link in drawn),
        counts=Counts(
            nodes=len(nodes),
            total_nodes=len(pool),
            links=len(drawn),
            overview_links=sum(not LINK_KINDS[link.kind].projection for link in shown),
            nodes_by_kind=Counter(node.kind for node in pool.values()),
            links_by_kind=Counter(link.kind for link in links),
            years=Counter(node.year for node in pool.values() if node.year is not None),
        ),
        truncated=everything.truncated or wanted.truncated or not whole,
        unplaced=tuple(node.key for node in nodes if node.key not in scene),
    )


def _title(store: Store, query: Query) -> str:
    labels = {origin.key: origin.label for origin in store.origins()}
    if query.within and query.within not in labels:
        raise GraphError(
            f"nothing in the graph is from {query.within!r}; it has {', '.join(labels) or 'none'}."
        )
    return "" if query.at else labels.get(query.within, "Everything")


def _links(store: Store, nodes: Mapping[int, Node], within: str) -> tuple[list[Link], bool]:
    """Return the links between nodes: of one origin its own, and what follows from those alone."""
    links, whole = store.among(list(nodes), origin=within)
    if not within:
        return links, whole
    topics = sorted((node.key, number) for number, node in nodes.items() if node.kind == "topic")
    found = derive(_columns(links), [number for _, number in topics])
    there = {(link.source, link.kind, link.target) for link in links}
    derived = (
        Link(
            source=int(found.source[i]),
            kind=LINK_CODES[found.kind[i]],
            target=int(found.target[i]),
            weight=float(found.weight[i]),
            facts={"count": int(found.count[i]), "strength": float(found.strength[i])},
            origin="",
        )
        for i in range(len(found))
    )
    return links + [d for d in derived if (d.source, d.kind, d.target) not in there], whole


def _columns(links: Sequence[Link]) -> Links:
    def numbers(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    return Links(
        source=numbers([link.source for link in links]),
        kind=numbers([LINK_CODES.index(link.kind) for link in links]),
        target=numbers([link.target for link in links]),
        weight=np.array([link.weight for link in links], dtype=np.float64),
        count=numbers([0] * len(links)),
        strength=np.zeros(len(links), dtype=np.float64),
    )


def _seen(
    store: Store,
    nodes: Sequence[Node],
    links: Sequence[Link],
    query: Query,
    seeds: set[int],
    scene: Mapping[str, Place],
) -> tuple[Seen, ...]:
    position = {node.id: i for i, node in enumerate(nodes)}
    columns = _columns(
        [
            replace(link, source=position[link.source], target=position[link.target])
            for link in links
        ]
    )
    places = lay_out(
        [node.key for node in nodes],
        columns,
        layout=query.layout,
        pinned=scene,
        kinds=[node.kind for node in nodes],
        years=[node.year for node in nodes],
    )
    signals = signal(len(nodes), columns, [position[seed] for seed in seeds if seed in position])
    groups = communities(len(nodes), columns)
    drawn: dict[int, Counter[str]] = {node.id: Counter() for node in nodes}
    for link in links:
        drawn[link.source][link.kind] += 1
        drawn[link.target][link.kind] += 1
    all_of = store.degrees([node.id for node in nodes], origin=query.within)
    return tuple(
        Seen(
            brief=brief(node),
            signal=int(signals[i]),
            links=drawn[node.id].total(),
            place=places[node.key],
            community=int(groups[i]),
            more=Counter(all_of.get(node.id, {})) - drawn[node.id],
        )
        for i, node in enumerate(nodes)
    )


def _tie(link: Link, nodes: Mapping[int, Node]) -> Tie:
    source, target = nodes[link.source], nodes[link.target]
    return Tie(
        source=source.key,
        target=target.key,
        kind=link.kind,
        label=LINK_KINDS[link.kind].label,
        weight=link.weight,
        derived=not link.origin,
        reason=reason(link.kind, link.weight, link.facts, source.label, target.label),
    )
