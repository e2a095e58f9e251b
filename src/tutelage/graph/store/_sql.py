"""A store in tables: what SQLite and PostgreSQL do alike, which is all but their dialects.

Tables: ``origin``; ``claim``, every node claim with the node it stands for; ``name``, every id with
its node; ``node``, what the claims of it come to; ``link``. A link keeps, beside the nodes that it
joins, the names by which it was claimed. So a merge is never a loss: nodes are what claims and
their ids come to, and when the claim that joined two goes (`remove`, `replace`), each link finds
back to the one it named. Derived links have origin 0 and no names.
"""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from tutelage.graph.model import LINK_CODES, LINK_KINDS, NODE_CODES, Claims, Link, Links, Node
from tutelage.graph.store._rows import PROJECTIONS, UNDIRECTED, storable
from tutelage.graph.store._store import Group, Origin, Path, Place, SavedView, Spot
from tutelage.graph.store._talk import Row, Talk
from tutelage.graph.store._words import kind_words, questions

if TYPE_CHECKING:  # a server that starts changes nothing, and needs no arrays
    from tutelage.graph.store._write import Writing

NODE = "node.id, node.key, node.kind, node.label, node.year, node.importance, node.facts"
LINK = "link.source, link.kind, link.target, link.weight, link.facts, link.origin"
PORTION = 256  # nodes that a path looks around at a time
WIDE = 20_000  # nodes of an origin above which its best are looked for among all


class SqlStore(ABC):
    """A `Store` in a database. `reading` and `writing` are its transactions."""

    def __init__(self) -> None:
        self.write_lock = threading.Lock()

    @abstractmethod
    def reading(self) -> AbstractContextManager[Talk]:
        """One consistent look, which ends by `GraphBusyError` past its deadline."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Talk]:
        """One change, kept whole or not at all; others wait for their turn."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""

    # ------------------------------------------------------------------ writing
    @contextmanager
    def _changing(self, origin: Origin) -> "Iterator[Writing]":
        """Change what one origin claims, in a transaction."""
        from tutelage.graph.store._write import Writing

        with self.write_lock, self.writing() as talk, Writing(talk, origin) as work:
            yield work

    def apply(self, origin: Origin, claims: Iterable[Claims]) -> None:
        """See `Store.apply`."""
        with self._changing(origin) as work:
            work.take(claims)

    def replace(self, origin: Origin, claims: Iterable[Claims]) -> bool:
        """See `Store.replace`."""
        with self._changing(origin) as work:
            return work.replace(claims)

    def remove(self, origin: str) -> None:
        """See `Store.remove`. Links of others to a node that goes, go with it."""
        there = {each.key: each for each in self.origins()}
        if origin in there:
            with self._changing(there[origin]) as work:
                work.forget()

    def refresh(self) -> None:
        """See `Store.refresh`."""
        from tutelage.graph.store._refresh import refresh

        with self.write_lock, self.writing() as talk:
            refresh(talk)

    def put_places(self, scene: str, places: Mapping[str, Place]) -> None:
        """See `Store.put_places`."""
        rows = [(scene, key, place.x, place.y) for key, place in places.items()]
        with self.write_lock, self.writing() as talk:
            talk.insert(
                "place (scene, key, x, y)",
                rows,
                "ON CONFLICT (scene, key) DO UPDATE SET x = excluded.x, y = excluded.y",
            )

    def put_map(self, places: Mapping[int, Place], communities: Mapping[int, int]) -> None:
        """See `Store.put_map`."""
        rows = ((node, place.x, place.y, communities[node]) for node, place in places.items())
        with self.write_lock, self.writing() as talk:
            talk.run("DELETE FROM spot")
            talk.insert("spot (node, x, y, community)", rows)

    def save_view(self, name: str, query: str) -> SavedView:
        """See `Store.save_view`."""
        saved = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self.write_lock, self.writing() as talk:
            talk.run(
                "INSERT INTO saved_view (name, query, saved) VALUES (?, ?, ?) ON CONFLICT (name) "
                "DO UPDATE SET query = excluded.query, saved = excluded.saved",
                name,
                query,
                saved,
            )
        return SavedView(name=name, query=query, saved=saved)

    def delete_view(self, name: str) -> None:
        """See `Store.delete_view`."""
        with self.write_lock, self.writing() as talk:
            talk.run("DELETE FROM saved_view WHERE name = ?", name)

    # ------------------------------------------------------------------ reading
    def version(self) -> int:
        """See `Store.version`."""
        with self.reading() as talk:
            return int(talk.one("SELECT value FROM fact WHERE name = 'version'"))

    def is_late(self) -> bool:
        """See `Store.is_late`."""
        with self.reading() as talk:
            return bool(talk.one("SELECT value FROM fact WHERE name = 'late'"))

    def origins(self) -> list[Origin]:
        """See `Store.origins`."""
        with self.reading() as talk:
            found = talk.rows("SELECT key, label, nodes, links FROM origin ORDER BY key")
        return [Origin(key=key, label=label, nodes=n, links=m) for key, label, n, m in found]

    def count(self) -> tuple[dict[str, int], dict[str, int]]:
        """See `Store.count`."""
        with self.reading() as talk:
            found = talk.rows("SELECT what, kind, number FROM tally WHERE number > 0 ORDER BY kind")
        return (
            {NODE_CODES[kind]: number for what, kind, number in found if what == "node"},
            {LINK_CODES[kind]: number for what, kind, number in found if what == "link"},
        )

    def nodes(self, keys: Sequence[str]) -> list[Node]:
        """See `Store.nodes`."""
        with self.reading() as talk:
            found = talk.rows(
                f"SELECT name.text, {NODE} FROM name JOIN node ON node.id = name.node "
                f"WHERE name.text {talk.texts} ORDER BY node.key DESC",
                talk.pack([key for key in keys if storable(key)]),
            )
        by_name = {text: _node(row) for text, *row in found}
        return list({node.id: node for key in keys if (node := by_name.get(key))}.values())

    def numbered(self, ids: Collection[int]) -> list[Node]:
        """See `Store.numbered`."""
        with self.reading() as talk:
            return _numbered(talk, ids)

    def members(self, origin: str, *, limit: int) -> list[Node]:
        """See `Store.members`."""
        with self.reading() as talk:
            whose, given = "", []
            if origin:
                found = talk.rows("SELECT id, nodes FROM origin WHERE key = ?", origin)
                if not found:
                    return []
                number, size = found[0]
                given = [number]
                whose = (
                    "WHERE id IN (SELECT node FROM claim WHERE origin = ?)"
                    if size < WIDE
                    else "WHERE EXISTS "
                    "(SELECT 1 FROM claim WHERE claim.node = node.id AND claim.origin = ?)"
                )
            found = talk.rows(
                f"SELECT {NODE} FROM node {whose} ORDER BY rank LIMIT ?", *given, limit
            )
        return [_node(row) for row in found]

    def claimed_by(self, node: int) -> list[str]:
        """See `Store.claimed_by`."""
        with self.reading() as talk:
            found = talk.rows(
                "SELECT DISTINCT origin.key FROM claim JOIN origin ON origin.id = claim.origin "
                "WHERE claim.node = ? ORDER BY origin.key",
                node,
            )
        return [row[0] for row in found]

    def search(self, text: str, *, kinds: Collection[str] = (), limit: int = 20) -> list[Node]:
        """See `Store.search`."""
        found, wanted = dict[int, None](), kind_words(kinds)
        with self.reading() as talk:
            for terms in questions(text) or ([[]] if wanted else []):
                if len(found) < limit:
                    found |= dict.fromkeys(talk.ask_words(terms, wanted, limit))
            return _numbered(talk, list(found)[:limit])

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
        """See `Store.neighbours`. The heaviest first, then the most important."""
        with self.reading() as talk:
            whose, given = _whose(talk, origin)
            wanted = [
                (kind, outward)
                for kind in _codes(link_kinds)
                for outward in (True, False)
                if not node_kinds or _far_kind(kind, outward) in node_kinds
            ]
            totals = _totals(talk, [node], whose, given).get(node, {})
            return [
                _group(talk, node, kind, outward, total, whose, given, limit, offset)
                for kind, outward in wanted
                if (total := totals.get((kind, outward)))
            ]

    def among(
        self, ids: Collection[int], *, origin: str = "", limit: int = 20_000
    ) -> tuple[list[Link], bool]:
        """See `Store.among`."""
        with self.reading() as talk:
            whose, given = _whose(talk, origin)
            packed = talk.pack(ids)
            found = talk.stream(
                f"SELECT {LINK}, origin.key FROM link LEFT JOIN origin ON origin.id = link.origin "
                f"WHERE source {talk.numbers} AND target {talk.numbers} AND source <> target{whose}"
                " ORDER BY source, link.kind, target",
                packed,
                packed,
                *given,
            )
            links = list(islice(_best(found), limit + 1))
        return links[:limit], len(links) <= limit

    def degrees(self, ids: Collection[int], *, origin: str = "") -> dict[int, dict[str, int]]:
        """See `Store.degrees`."""
        with self.reading() as talk:
            totals = _totals(talk, ids, *_whose(talk, origin))
        found: dict[int, dict[str, int]] = {}
        for node, ways in totals.items():
            counts = found.setdefault(node, {})
            for (kind, _), number in ways.items():
                counts[LINK_CODES[kind]] = counts.get(LINK_CODES[kind], 0) + number
        return found

    def path(
        self, start: int, end: int, *, link_kinds: Collection[str] = (), longest: int = 8
    ) -> Path | None:
        """See `Store.path`."""
        with self.reading() as talk:
            steps = _steps(talk, start, end, list(_codes(link_kinds)), longest)
            if steps is None:
                return None
            links = _along(talk, steps, list(_codes(link_kinds)))
            return Path(nodes=tuple(_numbered(talk, steps)), links=tuple(links))

    def places(self, scene: str) -> dict[str, Place]:
        """See `Store.places`. A node that took another key since stands where it stood."""
        with self.reading() as talk:
            found = talk.rows(
                "SELECT coalesce(node.key, place.key), x, y FROM place "
                "LEFT JOIN name ON name.text = place.key LEFT JOIN node ON node.id = name.node "
                "WHERE scene = ? ORDER BY coalesce(node.key, place.key) = place.key, place.key",
                scene,
            )
        return {key: Place(x, y) for key, x, y in found}

    def map(self, *, limit: int) -> tuple[list[Spot], Links]:
        """See `Store.map`. Links without projections, at most 5 for each of `limit` nodes."""
        from tutelage.graph.store._refresh import columns

        with self.reading() as talk:
            found = talk.rows(
                "SELECT node.id, key, kind, label, importance, x, y, community FROM node "
                "JOIN spot ON spot.node = node.id ORDER BY rank LIMIT ?",
                limit,
            )
            packed = talk.pack([row[0] for row in found])
            links = columns(
                talk,
                f"SELECT source, kind, target, weight FROM link WHERE source {talk.numbers} AND "
                f"target {talk.numbers} AND source <> target AND "
                f"kind NOT IN ({_listed(PROJECTIONS)}) LIMIT ?",
                packed,
                packed,
                5 * limit,
            )
        return [
            Spot(number, key, NODE_CODES[kind], *rest) for number, key, kind, *rest in found
        ], links

    def mapped(self, *, limit: int) -> tuple[list[int], set[int]]:
        """See `Store.mapped`."""
        with self.reading() as talk:
            best = [row[0] for row in talk.rows("SELECT id FROM node ORDER BY rank LIMIT ?", limit)]
            return best, {row[0] for row in talk.rows("SELECT node FROM spot")}

    def views(self) -> list[SavedView]:
        """See `Store.views`."""
        with self.reading() as talk:
            found = talk.rows("SELECT name, query, saved FROM saved_view ORDER BY name")
        return [SavedView(name=name, query=query, saved=saved) for name, query, saved in found]

    def links(self) -> Links:
        """See `Store.links`."""
        from tutelage.graph.store._refresh import columns

        with self.reading() as talk:
            return columns(talk)


# -------------------------------------------------------------------------- parts of answers
def _node(row: Sequence[Any]) -> Node:
    number, key, kind, label, year, importance, facts = row
    return Node(
        id=number,
        key=key,
        kind=NODE_CODES[kind],
        label=label,
        year=year,
        importance=importance,
        facts=json.loads(facts),
    )


def _link(row: Sequence[Any]) -> Link:
    source, kind, target, weight, facts, _, origin = row
    return Link(
        source=source,
        kind=LINK_CODES[kind],
        target=target,
        weight=weight,
        facts=json.loads(facts) if facts else {},
        origin=origin or "",
    )


def _best(found: Iterable[Row]) -> Iterator[Link]:
    """Yield one link for ends and kind, of rows sorted so: the asserted, heaviest, first one."""
    best: Row | None = None
    for row in found:
        if best and row[:3] != best[:3]:
            yield _link(best)
            best = None
        if best is None or _worth(row) > _worth(best):
            best = row
    if best:
        yield _link(best)


def _worth(row: Row) -> tuple[bool, float, str]:
    return row[5] != 0, row[3], row[6] or ""


def _numbered(talk: Talk, ids: Collection[int]) -> list[Node]:
    found = talk.rows(f"SELECT {NODE} FROM node WHERE id {talk.numbers}", talk.pack(ids))
    by_id = {row[0]: row for row in found}
    return [_node(by_id[number]) for number in ids if number in by_id]


def _whose(talk: Talk, origin: str) -> tuple[str, list[int]]:
    """Return what narrows links down to those of an origin."""
    if not origin:
        return "", []
    return " AND link.origin = ?", [talk.one("SELECT id FROM origin WHERE key = ?", origin) or -1]


def _codes(link_kinds: Collection[str]) -> Iterable[int]:
    wanted = link_kinds if link_kinds else LINK_KINDS
    return [code for code, name in enumerate(LINK_CODES) if name in wanted]


def _far_kind(kind: int, outward: bool) -> str:
    """Return the kind of node at the other end."""
    link = LINK_KINDS[LINK_CODES[kind]]
    return link.target if outward else link.source


def _totals(
    talk: Talk, ids: Collection[int], whose: str, given: list[int]
) -> dict[int, dict[tuple[int, bool], int]]:
    """Return how many links each node has, by kind and whether outward."""
    found: dict[int, dict[tuple[int, bool], int]] = {}
    for end, outward in (("source", True), ("target", False)):
        rows = talk.stream(
            f"SELECT {end}, kind, count(*) FROM (SELECT DISTINCT source, kind, target FROM link "
            f"WHERE {end} {talk.numbers} AND source <> target{whose}) AS apart "
            f"GROUP BY {end}, kind",
            talk.pack(list(ids)),
            *given,
        )
        for node, kind, number in rows:
            way = kind, outward or kind in UNDIRECTED
            ways = found.setdefault(node, {})
            ways[way] = ways.get(way, 0) + number
    return found


def _directions(kind: int) -> list[tuple[bool, str, str]]:
    """Return the ways along a kind of link: whether outward, the near and the far column."""
    inward = (kind in UNDIRECTED, "target", "source")
    return [(True, "source", "target"), inward]


def _listed(codes: Iterable[int]) -> str:
    return ", ".join(map(str, codes))


def _group(
    talk: Talk,
    node: int,
    kind: int,
    outward: bool,
    total: int,
    whose: str,
    given: list[int],
    limit: int,
    offset: int,
) -> Group:
    """Return a page of the neighbours along a kind, one way or, without direction, both."""
    ways = [each for each in _directions(kind) if each[0] == outward]
    both = " UNION ALL ".join(
        f"SELECT {there} AS other, weight FROM link WHERE {here} = ? AND kind = ? "
        f"AND {there} <> ?{whose}"
        for _, here, there in ways
    )
    found = talk.rows(
        f"SELECT other FROM (SELECT other, max(weight) AS weight FROM ({both}) AS each_way "
        "GROUP BY other) AS around JOIN node ON node.id = other "
        "ORDER BY weight DESC, rank LIMIT ? OFFSET ?",
        *([node, kind, node, *given] * len(ways)),
        limit,
        offset,
    )
    others = [row[0] for row in found]
    links: dict[int, Link] = {}
    for _, here, there in ways:
        rows = talk.rows(
            f"SELECT {LINK}, origin.key FROM link LEFT JOIN origin ON origin.id = link.origin "
            f"WHERE {here} = ? AND link.kind = ? AND {there} {talk.numbers}{whose} "
            f"ORDER BY {there}",
            node,
            kind,
            talk.pack(others),
            *given,
        )
        links |= {getattr(link, there): link for link in _best(rows)}
    return Group(
        kind=LINK_CODES[kind],
        outward=outward,
        total=total,
        nodes=tuple(_numbered(talk, others)),
        links=tuple(links[other] for other in others),
    )


# -------------------------------------------------------------------------- paths
def _steps(talk: Talk, start: int, end: int, kinds: list[int], longest: int) -> list[int] | None:
    """Return the nodes of a shortest path, searched from both ends, the smaller rim first.

    The first node at which the two searches meet lies on a shortest path, since before it none
    that was reached from one end was reached from the other.
    """
    if start == end:
        return [start]
    came: tuple[dict[int, int], dict[int, int]] = ({start: 0}, {end: 0})  # node -> the one before
    rims = [[start], [end]]
    for _ in range(longest):
        side = 0 if len(rims[0]) <= len(rims[1]) else 1
        rim: list[int] = []
        for here, there in _around(talk, rims[side], kinds):
            if there in came[side]:
                continue
            came[side][there] = here
            rim.append(there)
            if there in came[1 - side]:
                half, other = _back(came[0], there), _back(came[1], there)
                return [*reversed(half), *other[1:]]
        if not rim:
            return None
        rims[side] = rim
    return None


def _back(came: dict[int, int], node: int) -> list[int]:
    steps = [node]
    while came[steps[-1]]:
        steps.append(came[steps[-1]])
    return steps


def _around(talk: Talk, rim: list[int], kinds: list[int]) -> Iterator[Row]:
    """Yield (node of the rim, neighbour)."""
    narrowed = "" if len(kinds) == len(LINK_CODES) else f" AND kind IN ({_listed(kinds) or 'NULL'})"
    for place in range(0, len(rim), PORTION):
        packed = talk.pack(rim[place : place + PORTION])
        yield from talk.stream(
            f"SELECT source, target FROM link WHERE source {talk.numbers}{narrowed} UNION ALL "
            f"SELECT target, source FROM link WHERE target {talk.numbers}{narrowed}",
            packed,
            packed,
        )


def _along(talk: Talk, steps: list[int], kinds: list[int]) -> list[Link]:
    """Return the links between each node and the next: the asserted ones where there are any."""
    found: list[Link] = []
    for here, there in pairwise(steps):
        rows = talk.rows(
            f"SELECT {LINK}, origin.key FROM link LEFT JOIN origin ON origin.id = link.origin "
            f"WHERE link.kind IN ({_listed(kinds)}) AND "
            "((source = ? AND target = ?) OR (source = ? AND target = ?)) "
            "ORDER BY source, link.kind, target",
            here,
            there,
            there,
            here,
        )
        best = max(rows, key=lambda row: (row[5] != 0, -row[1], row[3]))
        found.append(_link(best))
    return found
