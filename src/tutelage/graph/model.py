"""What the graph is made of: kinds of nodes and links, claims of them, and what is read back.

A source (a file of literature, a run, the toolkit itself) *claims* nodes and links. Claims that
name the same thing become one node. Links are asserted, because a source claims them, or derived,
because they follow from asserted ones: those are computed, never imported.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a server that starts needs no arrays
    import numpy as np
    from numpy.typing import NDArray

Facts = Mapping[str, object]
"""What is known of a node or a link beside its columns: values that JSON can write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeKind:
    """A kind of node. `letter` stands in the node; colour and shape are the page's own."""

    name: str
    letter: str
    singular: str
    plural: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKind:
    """A kind of link, read from `source` to `target`.

    A derived kind is recomputed, never imported. A projection is a derived kind that links every
    two nodes that share a neighbour: it restates other links, so the overview folds it away.
    """

    name: str
    label: str  # said along the link
    source: str  # kinds of node
    target: str
    directed: bool = True
    derived: bool = False
    projection: bool = False
    weight: float = 1.0  # what a link of this kind counts in the signal, times its own weight
    rule: str = ""  # how it comes about, for people


def _by_name(*kinds: NodeKind) -> dict[str, NodeKind]:
    return {kind.name: kind for kind in kinds}


NODE_KINDS: Mapping[str, NodeKind] = _by_name(
    NodeKind(name="work", letter="W", singular="Paper", plural="Papers"),
    NodeKind(name="person", letter="A", singular="Researcher", plural="Researchers"),
    NodeKind(name="topic", letter="T", singular="Topic", plural="Topics"),
    NodeKind(name="method", letter="M", singular="Method", plural="Methods"),
    NodeKind(name="model", letter="D", singular="Model", plural="Models"),
    NodeKind(name="data", letter="S", singular="Data set", plural="Data sets"),
    NodeKind(name="run", letter="R", singular="Run", plural="Runs"),
)

LINK_KINDS: Mapping[str, LinkKind] = {
    kind.name: kind
    for kind in (
        LinkKind(
            name="authorship",
            label="Authorship",
            source="person",
            target="work",
            rule="The researcher is listed as an author of the paper.",
        ),
        LinkKind(
            name="topic_signal",
            label="Topic signal",
            source="work",
            target="topic",
            rule="The paper's source assigns it the topic, with a score of at least 0.3 if scored.",
        ),
        LinkKind(
            name="cites",
            label="Cites",
            source="work",
            target="work",
            rule="The paper's list of references holds the other.",
        ),
        LinkKind(
            name="co_authorship",
            label="Co-authorship",
            source="person",
            target="person",
            directed=False,
            derived=True,
            projection=True,
            rule="Both wrote at least one paper of at most 25 authors together. The weight is the "
            "sum of 1 / (authors - 1) over those papers (Newman, 2001).",
        ),
        LinkKind(
            name="works_on",
            label="Works on",
            source="person",
            target="topic",
            derived=True,
            weight=0.5,
            rule="At least 2 of the researcher's papers bear the topic, at least half of all their "
            "topic signal is its own, and no topic of theirs has more. Where a source states a "
            "researcher's field itself, it is taken from there.",
        ),
        LinkKind(
            name="related_context",
            label="Related context",
            source="topic",
            target="topic",
            directed=False,
            derived=True,
            weight=0.5,
            rule="Papers bear both topics at least as often as chance would have it (association "
            "strength of at least 1), and each is among the other's three strongest.",
        ),
        LinkKind(
            name="describes",
            label="Describes",
            source="work",
            target="method",
            rule="The paper is the one the method implements.",
        ),
        LinkKind(
            name="builds_on",
            label="Builds on",
            source="method",
            target="method",
            rule="The method changes or extends the other, as its paper says.",
        ),
        LinkKind(
            name="teaches",
            label="Teaches",
            source="model",
            target="run",
            rule="The model was the run's teacher.",
        ),
        LinkKind(
            name="uses",
            label="Uses",
            source="run",
            target="method",
            rule="The run's student was taught by the method.",
        ),
        LinkKind(
            name="trains_on",
            label="Trains on",
            source="run",
            target="data",
            rule="The run's student was trained on the data set.",
        ),
        LinkKind(
            name="produces",
            label="Produces",
            source="run",
            target="model",
            rule="The model is the student after the run's last epoch.",
        ),
        LinkKind(
            name="taught",
            label="Taught",
            source="model",
            target="model",
            derived=True,
            projection=True,
            rule="A run had the first for its teacher and produced the second.",
        ),
    )
}

# Positions in these tuples are the codes that stores keep: append, never reorder.
NODE_CODES: tuple[str, ...] = tuple(NODE_KINDS)
LINK_CODES: tuple[str, ...] = tuple(LINK_KINDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeClaim:
    """What a source says of one thing.

    `ids` name it, strongest first, each with its namespace: ``doi:10.1109/cvpr52688.2022.01165``,
    ``arxiv:2203.08679``, ``openalex:W4226426325``, ``orcid:0000-0002-1825-0097``, ``method:dkd``,
    ``run:<id>``. They are normal already (see `tutelage.graph.identity`). The fields of `facts` are
    those that `tutelage.graph` documents for the kind.
    """

    kind: str
    ids: tuple[str, ...]
    label: str
    year: int | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkClaim:
    """A link that a source asserts; the ends are any of the ids that name them."""

    kind: str
    source: str
    target: str
    weight: float = 1.0
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinkClaims:
    """Many links that a source asserts, as columns of one length: tables of millions come so.

    `source` and `target` are positions in `ids`, `kind` in `LINK_CODES`; there are no facts. One
    list of ids serves a whole stream of claims: it grows, but what stands in it stays. `line` is
    where each link is said, for messages.
    """

    ids: Sequence[str]
    kind: "NDArray[np.int64]"
    source: "NDArray[np.int64]"
    target: "NDArray[np.int64]"
    weight: "NDArray[np.float64]"
    line: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, which: "NDArray[np.bool_]") -> "LinkClaims":
        columns = {
            name: getattr(self, name)[which]
            for name in ("kind", "source", "target", "weight", "line")
        }
        return LinkClaims(ids=self.ids, **columns)

    def singly(self) -> "Iterator[tuple[int, LinkClaim]]":
        """Yield the links one by one, each with its line."""
        names = ("line", "kind", "source", "target", "weight")
        columns = (getattr(self, name).tolist() for name in names)
        for line, kind, source, target, weight in zip(*columns, strict=True):
            yield (
                line,
                LinkClaim(
                    kind=LINK_CODES[kind],
                    source=self.ids[source],
                    target=self.ids[target],
                    weight=weight,
                ),
            )


Claim = NodeClaim | LinkClaim
"""One thing that a source says."""

Claims = Claim | LinkClaims
"""What streams of claims are made of: one thing, or many links at once."""


def size_of(claims: Claims) -> int:
    """Return how many claims one of a stream stands for."""
    return len(claims) if isinstance(claims, LinkClaims) else 1


def singly(claims: Iterable[Claims]) -> Iterator[Claim]:
    """Yield claims one by one, links that come as columns too."""
    for claim in claims:
        if isinstance(claim, LinkClaims):
            yield from (link for _, link in claim.singly())
        else:
            yield claim


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node as a store gives it. `id` is the store's own number, `key` the name that stays."""

    id: int
    key: str
    kind: str
    label: str
    year: int | None
    importance: float
    facts: Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link as a store gives it; the ends are numbers of nodes. `origin` is "" where derived."""

    source: int
    kind: str
    target: int
    weight: float
    facts: Facts
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Links as columns, all of one length, for whole graphs at a time.

    `source` and `target` are numbers of nodes, `kind` is a position in `LINK_CODES`. `count` and
    `strength` say why a derived link is there (papers shared; how much more than chance), 0 where
    they have no meaning.
    """

    source: "NDArray[np.int64]"
    kind: "NDArray[np.int64]"
    target: "NDArray[np.int64]"
    weight: "NDArray[np.float64]"
    count: "NDArray[np.int64]"
    strength: "NDArray[np.float64]"

    def __len__(self) -> int:
        return len(self.source)


Layout = Literal["force", "layered", "timeline"]
