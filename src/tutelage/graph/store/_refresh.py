"""What follows from claims and is recomputed: derived links, importance, the order of search."""

import json
import math
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import LINK_CODES, LINK_KINDS, NODE_CODES, Facts, Links
from tutelage.graph.store._ledger import Ledger
from tutelage.graph.store._talk import LINK_COLUMNS, SLICE, Row, Talk
from tutelage.graph.store._words import words

PORTION = 5_000  # rows that are held at a time, while they are in a cache
FEW = 1_000_000  # derived links that are compared one by one
ASSERTED = "SELECT source, kind, target, weight FROM link WHERE origin <> 0 AND source <> target"
# Those that depend on the nodes near their ends alone; how related two topics are depends on all.
NEAR_KINDS = [LINK_CODES.index(name) for name in ("co_authorship", "works_on", "taught")]
CORE_KINDS = [NODE_CODES.index(name) for name in ("person", "model")]


def refresh(talk: Talk) -> None:
    """Recompute all of it, for the whole graph."""
    ledger, links = Ledger(talk), columns(talk)
    derive_all(talk, ledger, links)
    ledger.close()
    _rank(talk, links)
    talk.run("UPDATE fact SET value = 0 WHERE name = 'late'")
    talk.run("UPDATE fact SET value = value + 1 WHERE name = 'version'")


def columns(talk: Talk, statement: str = ASSERTED, *given: object) -> Links:
    """Return links (source, kind, target, weight) as columns, one for ends and kind."""
    parts: list[NDArray[np.float64]] = []
    found = talk.stream(statement, *given)
    while portion := list(islice(found, PORTION)):
        flat = np.fromiter(chain.from_iterable(portion), np.float64, 4 * len(portion))
        parts.append(flat.reshape(-1, 4))
    rows = np.concatenate(parts) if parts else np.empty((0, 4))
    source, kind, target = rows[:, :3].T.astype(np.int64)  # numbers of nodes stay below 2^53
    order = np.lexsort((-rows[:, 3], target, kind, source))
    source, kind, target, weight = source[order], kind[order], target[order], rows[order, 3]
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(source) != 0) | (np.diff(kind) != 0) | (np.diff(target) != 0)
    return Links(
        source=source[first],
        kind=kind[first],
        target=target[first],
        weight=weight[first],
        count=np.zeros(int(first.sum()), np.int64),
        strength=np.zeros(int(first.sum())),
    )


# -------------------------------------------------------------------------- importance
def importance(degree: float, facts: Facts) -> float:
    """Return how much a node matters: it grows with what it is linked to and with its fame.

    ``log2(1 + degree) + log10(1 + fame)``: the degree is the sum of the weights of asserted links;
    fame is how often a work is cited, or how many works a person or topic has.
    """
    fame = facts.get("cited_by", facts.get("works_count", 0))
    known = float(fame) if isinstance(fame, int | float) and 0 < fame < math.inf else 0.0
    return math.log2(1 + degree) + math.log10(1 + known)


def weigh(talk: Talk, nodes: Collection[int]) -> None:
    """Recompute the importance of these nodes."""
    packed = talk.pack(list(nodes))
    # One for ends and kind, as `columns` has it: several names of a node may claim the same link.
    ends = " UNION ALL ".join(
        f"SELECT {end} AS id, kind, max(weight) AS weight FROM link WHERE {end} {talk.numbers} "
        "AND origin <> 0 AND source <> target GROUP BY source, kind, target"
        for end in ("source", "target")
    )
    degree: dict[int, float] = {}
    for node, kind, weight in talk.stream(
        f"SELECT id, kind, sum(weight) FROM ({ends}) AS near GROUP BY id, kind", packed, packed
    ):
        degree[node] = degree.get(node, 0.0) + LINK_KINDS[LINK_CODES[kind]].weight * weight
    rows = talk.rows(f"SELECT id, facts FROM node WHERE id {talk.numbers}", packed)
    talk.many(
        "UPDATE node SET importance = ? WHERE id = ?",
        [(importance(degree.get(node, 0.0), json.loads(facts)), node) for node, facts in rows],
    )


def _rank(talk: Talk, links: Links) -> None:
    """Order all nodes by importance, of all asserted links, and search with them."""
    most = int(talk.one("SELECT coalesce(max(id), 0) FROM node"))
    kinds = np.array([LINK_KINDS[name].weight for name in LINK_CODES])
    weight = kinds[links.kind] * links.weight
    degree = np.bincount(links.source, weight, most + 1)
    degree += np.bincount(links.target, weight, most + 1)
    found = [
        (-importance(float(degree[node]), json.loads(facts)), key, node)
        for node, key, facts in talk.stream("SELECT id, key, facts FROM node")
    ]
    found.sort()
    talk.many(
        "UPDATE node SET importance = ?, rank = ? WHERE id = ?",
        ((-less, rank, node) for rank, (less, _, node) in enumerate(found, 1)),
    )
    talk.run("UPDATE fact SET value = 0 WHERE name = 'rank'")
    talk.index_words(_words(talk, [node for *_, node in found]), anew=True)


def _words(talk: Talk, nodes: list[int]) -> Iterator[tuple[int, int, str]]:
    """Yield (number, rank, words) in the order of `nodes`, which is that of ranks."""
    size = 5_000
    for begin in range(0, len(nodes), size):
        rows = talk.rows(
            f"SELECT rank, id, kind, label, facts FROM node WHERE id {talk.numbers}",
            talk.pack(nodes[begin : begin + size]),
        )
        for rank, node, kind, label, facts in sorted(rows):
            yield node, rank, words(NODE_CODES[kind], label, json.loads(facts))


# -------------------------------------------------------------------------- derived links
def derive_all(talk: Talk, ledger: Ledger, asserted: Links) -> None:
    """Let the derived links be those that follow from all `asserted` ones."""
    from tutelage.graph.derive import derive

    kind = NODE_CODES.index("topic")
    topics = talk.rows("SELECT id FROM node WHERE kind = ? ORDER BY key", kind)
    links = derive(asserted, [number for (number,) in topics])
    before = int(talk.one("SELECT count(*) FROM link WHERE origin = 0"))
    if before + len(links) <= FEW:
        _exchange(talk, ledger, links, "")
        return
    ledger.drop_all_of(0, before)
    ledger.add(_rows(links), len(links))


def derive_near(talk: Talk, ledger: Ledger, touched: Collection[int]) -> None:
    """Let the derived links of people and models near these nodes be right again.

    How related two topics are, which depends on all papers, waits for `derive_all`.
    """
    from tutelage.graph.derive import derive

    core = sorted(_near(talk, touched, f"AND node.kind IN ({_listed(CORE_KINDS)})"))
    around = talk.pack(sorted(_near(talk, core, "")))
    links = columns(
        talk,
        f"{ASSERTED} AND source {talk.numbers} UNION {ASSERTED} AND target {talk.numbers}",
        around,
        around,
    )
    found = derive(links)
    mine = np.isin(found.kind, NEAR_KINDS)
    mine &= np.isin(found.source, core) | np.isin(found.target, core)
    kept = Links(
        source=found.source[mine],
        kind=found.kind[mine],
        target=found.target[mine],
        weight=found.weight[mine],
        count=found.count[mine],
        strength=found.strength[mine],
    )
    packed = talk.pack(core)
    inside = f"(source {talk.numbers} OR target {talk.numbers})"
    _exchange(
        talk, ledger, kept, f"AND kind IN ({_listed(NEAR_KINDS)}) AND {inside}", packed, packed
    )


def _exchange(talk: Talk, ledger: Ledger, links: Links, which: str, *given: object) -> None:
    """Replace the derived links of which it is asked by these; write no more than differs."""
    old = set(talk.stream(f"SELECT {LINK_COLUMNS} FROM link WHERE origin = 0 {which}", *given))
    new = set(_rows(links))
    ledger.drop(sorted(old - new))
    ledger.add(sorted(new - old), len(new - old))


def _near(talk: Talk, nodes: Collection[int], which: str) -> set[int]:
    """Return these nodes and their neighbours along asserted links, as far as they are such."""
    packed = talk.pack(list(nodes))
    found = talk.rows(
        f"SELECT node.id FROM node WHERE id IN (SELECT id FROM node WHERE id {talk.numbers} "
        f"UNION SELECT target FROM link WHERE source {talk.numbers} AND origin <> 0 "
        f"UNION SELECT source FROM link WHERE target {talk.numbers} AND origin <> 0) {which}",
        packed,
        packed,
        packed,
    )
    return {row[0] for row in found}


def _rows(links: Links) -> Iterator[Row]:
    """Yield rows of links that are derived, sorted, as `Talk.add_links` takes them."""
    names = ("source", "kind", "target", "weight", "count", "strength")
    order = np.lexsort((links.target, links.kind, links.source))
    for begin in range(0, len(order), SLICE):
        part = order[begin : begin + SLICE]
        for source, kind, target, weight, count, strength in zip(
            *(getattr(links, name)[part].tolist() for name in names), strict=True
        ):
            yield source, kind, target, 0, 0, 0, weight, _facts(count, strength)


@lru_cache(1 << 14)  # most co-authors have one paper together
def _facts(count: int, strength: float) -> str:
    return json.dumps({"count": count, "strength": strength}) if count or strength else ""


def _listed(codes: Sequence[int]) -> str:
    return ", ".join(map(str, codes))
