"""What every store can do. Records and imports on disk are the truth: a store can be rebuilt."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tutelage.graph.model import Claims, Link, Links, Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Whose claims: ``shipped:dkd``, ``shipped:methods``, ``run:<id>``, ``import:<name>``."""

    key: str
    label: str  # for people: a file's name, a run's id
    nodes: int = 0
    links: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The neighbours of a node along one kind of link, one way: the strongest, and how many."""

    kind: str  # of link
    outward: bool  # the node is the link's source; True where the kind has no direction
    total: int
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]  # link i joins the node to nodes[i]


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """A shortest path: n + 1 nodes and the n links between them."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands, in units of the usual distance between two linked nodes; y upwards."""

    x: float
    y: float


class Spot(NamedTuple):
    """A node on the map of everything, with what is to be known of 100,000 at a time."""

    number: int
    key: str
    kind: str
    label: str
    importance: float
    x: float
    y: float
    community: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedView:
    """A view that somebody gave a name; `query` is the page's query string."""

    name: str
    query: str
    saved: str  # UTC, ISO 8601


class Store(Protocol):
    """A graph that is kept. Every reading method is one consistent look at it.

    Reading methods raise `tutelage.errors.GraphBusyError` past the deadline of the store's
    connection, and give at most what is asked for: what more there is, they count.
    """

    # ------------------------------------------------------------------ writing
    def apply(self, origin: Origin, claims: Iterable[Claims]) -> None:
        """Add claims: all of them or, after an error, none. Ends of links must be known by then."""

    def replace(self, origin: Origin, claims: Iterable[Claims]) -> bool:
        """Let an origin claim just these; return whether anything changed."""

    def remove(self, origin: str) -> None:
        """Take back what an origin claimed; nodes that nobody claims any more go."""

    def refresh(self) -> None:
        """Recompute derived links, importance and the order of search, after large changes.

        `apply` and `replace` do as much of it as their own claims touch where that is quick, and
        else leave it to be done: `is_late`.
        """

    def put_places(self, scene: str, places: Mapping[str, Place]) -> None:
        """Keep where nodes (by key) stand in a scene; places kept before are overwritten."""

    def put_map(self, places: Mapping[int, Place], communities: Mapping[int, int]) -> None:
        """Keep where nodes (by number) stand on the map of everything."""

    def save_view(self, name: str, query: str) -> SavedView:
        """Keep a view under a name, in place of the one that had it."""

    def delete_view(self, name: str) -> None:
        """Forget a view."""

    def close(self) -> None:
        """Let go of files and connections."""

    # ------------------------------------------------------------------ reading
    def version(self) -> int:
        """A number that rises with every change of nodes or links (not of places or views)."""
        ...

    def is_late(self) -> bool:
        """Whether large changes wait for `refresh`: search does not find yet what they brought."""
        ...

    def origins(self) -> list[Origin]:
        """Everything claims come from, with what each claims."""
        ...

    def count(self) -> tuple[dict[str, int], dict[str, int]]:
        """Nodes and links by kind."""
        ...

    def nodes(self, keys: Sequence[str]) -> list[Node]:
        """The nodes of keys or other ids that name them, in that order; unknown ones left out."""
        ...

    def numbered(self, ids: Collection[int]) -> list[Node]:
        """The nodes of these numbers."""
        ...

    def members(self, origin: str, *, limit: int) -> list[Node]:
        """The nodes that an origin claims ("" = all), the most important first."""
        ...

    def claimed_by(self, node: int) -> list[str]:
        """The keys of the origins that claim a node, sorted; none for a number that has no node."""
        ...

    def search(self, text: str, *, kinds: Collection[str] = (), limit: int = 20) -> list[Node]:
        """Nodes whose label, names, abstract or ids hold all words of a text, the last as a prefix.

        Of the best-named first: a label equal to the text, one that begins with it, then by
        importance. A text without words finds the most important nodes of the kinds, without
        kinds nothing. Never raises for what was typed.
        """
        ...

    def neighbours(
        self,
        node: int,
        *,
        link_kinds: Collection[str] = (),
        node_kinds: Collection[str] = (),
        origin: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> list[Group]:
        """The neighbours of a node, by kind of link; () = all kinds; `limit` is for each group."""
        ...

    def among(
        self, ids: Collection[int], *, origin: str = "", limit: int = 20_000
    ) -> tuple[list[Link], bool]:
        """The links between these nodes, one per ends and kind, and whether that is all of them.

        With an origin, only what it asserts.
        """
        ...

    def degrees(self, ids: Collection[int], *, origin: str = "") -> dict[int, dict[str, int]]:
        """How many links of each kind these nodes have, whichever way, in the whole graph.

        With an origin, only what it asserts.
        """
        ...

    def path(
        self, start: int, end: int, *, link_kinds: Collection[str] = (), longest: int = 8
    ) -> Path | None:
        """A shortest path along links of these kinds in either direction, in the whole graph."""
        ...

    def places(self, scene: str) -> dict[str, Place]:
        """Where nodes (by key) stand in a scene."""
        ...

    def map(self, *, limit: int) -> tuple[list[Spot], Links]:
        """The map: the most important nodes that stand on it, and links between them."""
        ...

    def mapped(self, *, limit: int) -> tuple[list[int], set[int]]:
        """The most important nodes, and all that stand on the map, by their numbers."""
        ...

    def views(self) -> list[SavedView]:
        """The views that have names, by name."""
        ...

    def links(self) -> Links:
        """All asserted links, one per ends and kind."""
        ...
