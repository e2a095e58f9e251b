"""Questions to the graph: all of it, one node, its neighbours, the way between two."""

from dataclasses import dataclass
from typing import ClassVar

from tutelage import __version__
from tutelage.explorer.answers import fields_of
from tutelage.explorer.context import Explorer
from tutelage.explorer.questions import Question
from tutelage.graph.brief import Brief, brief
from tutelage.graph.model import (
    LINK_CODES,
    LINK_KINDS,
    NODE_CODES,
    NODE_KINDS,
    Facts,
    Link,
    LinkKind,
    Node,
    NodeKind,
)
from tutelage.graph.query import PAGE
from tutelage.graph.reasons import reason
from tutelage.graph.store import Group, Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class Anything(Question):
    """A question without a value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """`version` rises with every change of nodes or links; `toolkit` is what serves them."""

    version: int
    toolkit: str


def version(explorer: Explorer, question: Anything) -> Version:
    """Say how new the graph is: cheap enough to be asked every few seconds."""
    return Version(version=explorer.store.version(), toolkit=__version__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinds:
    """What the graph is made of; the map's numbers are positions in these lists."""

    nodes: list[NodeKind]
    links: list[LinkKind]


def kinds(explorer: Explorer, question: Anything) -> Kinds:
    """Tell all kinds of nodes and links, and how each link comes about."""
    return Kinds(nodes=list(NODE_KINDS.values()), links=list(LINK_KINDS.values()))


def origins(explorer: Explorer, question: Anything) -> list[Origin]:
    """Tell where everything in the graph comes from."""
    return explorer.store.origins()


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched(Question):
    """Words to search for, the last one perhaps not typed to its end; none finds all of a kind."""

    q: str = ""
    kind: tuple[str, ...] = ()
    limit: int = 20
    bounds: ClassVar = {"limit": (1, 200)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Nodes, the best first."""

    nodes: list[Brief]


def search(explorer: Explorer, question: Searched) -> Found:
    """Find nodes by words of their names, abstracts and ids, of some kinds or of all."""
    found = explorer.store.search(question.q, kinds=question.kind, limit=question.limit)
    return Found(nodes=[brief(node) for node in found])


@dataclass(frozen=True, kw_only=True, slots=True)
class OneNode(Question):
    """A node, by its key or any id that names it."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeDetail(Brief):
    """All that is known of a node.

    `open` is where it can be read. `related` is what it leads to beyond its links: from a paper by
    its methods to the runs that use them.
    """

    facts: Facts
    origins: list[str]
    open: str | None
    bibtex: str | None
    related: list[Brief]


def node(explorer: Explorer, question: OneNode) -> NodeDetail:
    """Tell all that is known of a node."""
    from tutelage.graph.export.bibtex import entry

    found = explorer.node(question.key)
    url = str(found.facts.get("url", ""))
    return NodeDetail(
        **fields_of(brief(found)),
        facts=found.facts,
        origins=explorer.store.claimed_by(found.id),
        open=url if url.startswith(("https://", "http://")) else None,
        bibtex=entry(found) if found.kind == "work" else None,
        related=[brief(other) for other in _related(explorer, found)],
    )


RELATED = {"work": ("describes", "uses"), "method": ("uses",), "model": ("produces", "teaches")}
"""The kinds of link that lead from a node to what belongs to it, one step after the other."""


def _related(explorer: Explorer, found: Node) -> list[Node]:
    """Follow the kinds of `RELATED`, each from all that the one before led to."""
    seen: dict[int, Node] = {}
    reached = [found]
    for kind in RELATED.get(found.kind, ()):
        reached = [
            other
            for start in reached
            for group in explorer.store.neighbours(start.id, link_kinds=[kind], limit=PAGE)
            for other in group.nodes
        ]
        seen.update((other.id, other) for other in reached)
    return list(seen.values())[:PAGE]


@dataclass(frozen=True, kw_only=True, slots=True)
class Around(Question):
    """The neighbours of a node; `hide` names kinds of nodes and of links, `within` an origin."""

    key: str
    hide: tuple[str, ...] = ()
    within: str = ""
    limit: int = PAGE
    offset: int = 0
    bounds: ClassVar = {"limit": (1, 500), "offset": (0, 10_000_000)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour(Brief):
    """A neighbour, and why it is one."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbours:
    """Neighbours along one kind of link, one way; `total` counts those that are not shown too."""

    kind: str
    label: str
    outward: bool
    total: int
    nodes: list[Neighbour]


@dataclass(frozen=True, kw_only=True, slots=True)
class AllNeighbours:
    """The neighbours of a node, by kind of link."""

    groups: list[Neighbours]


def neighbours(explorer: Explorer, question: Around) -> AllNeighbours:
    """List the neighbours of a node with their reasons, by kind of link, the strongest first."""
    start = explorer.node(question.key)
    groups = explorer.store.neighbours(
        start.id,
        link_kinds=[kind for kind in LINK_CODES if kind not in question.hide],
        node_kinds=[kind for kind in NODE_CODES if kind not in question.hide],
        origin=question.within,
        limit=question.limit,
        offset=question.offset,
    )
    return AllNeighbours(groups=[_group(start, group) for group in groups])


def _group(start: Node, group: Group) -> Neighbours:
    return Neighbours(
        kind=group.kind,
        label=LINK_KINDS[group.kind].label,
        outward=group.outward,
        total=group.total,
        nodes=[
            Neighbour(
                **fields_of(brief(other)), reason=_why(link, {start.id: start, other.id: other})
            )
            for other, link in zip(group.nodes, group.links, strict=True)
        ],
    )


def _why(link: Link, ends: dict[int, Node]) -> str:
    source, target = ends[link.source], ends[link.target]
    return reason(link.kind, link.weight, link.facts, source.label, target.label)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way(Question):
    """From one node to another, not along hidden kinds of links."""

    from_: str
    to: str
    hide: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldLink:
    """A link between two keys, and why it is there."""

    source: str
    target: str
    kind: str
    label: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hops:
    """A way as its nodes and the links between them; both are empty where there is none."""

    nodes: list[Brief]
    links: list[ToldLink]


def path(explorer: Explorer, question: Way) -> Hops:
    """Find a shortest way between two nodes in the whole graph, not only in what is shown."""
    start, end = explorer.node(question.from_), explorer.node(question.to)
    shown = [kind for kind in LINK_CODES if kind not in question.hide]
    found = explorer.store.path(start.id, end.id, link_kinds=shown) if shown else None
    if not found:
        return Hops(nodes=[], links=[])
    ends = {hop.id: hop for hop in found.nodes}
    return Hops(
        nodes=[brief(hop) for hop in found.nodes],
        links=[
            ToldLink(
                source=ends[link.source].key,
                target=ends[link.target].key,
                kind=link.kind,
                label=LINK_KINDS[link.kind].label,
                reason=_why(link, ends),
            )
            for link in found.links
        ],
    )
