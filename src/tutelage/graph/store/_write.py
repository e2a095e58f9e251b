"""How claims get into a store: checked, told apart, settled into nodes, poured into links."""

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import itemgetter
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import GraphError
from tutelage.graph.identity import key_of, merged, strength
from tutelage.graph.model import (
    LINK_CODES,
    NODE_CODES,
    Claim,
    Claims,
    LinkClaim,
    LinkClaims,
    NodeClaim,
    singly,
    size_of,
)
from tutelage.graph.store._group import Claimed, grouped
from tutelage.graph.store._ledger import Ledger, add_up
from tutelage.graph.store._near import Near
from tutelage.graph.store._refresh import columns, derive_all, derive_near, importance, weigh
from tutelage.graph.store._rows import (
    ASSERTABLE,
    LONGEST_ID,
    LONGEST_LABEL,
    PROJECTIONS,
    UNDIRECTED,
    demand_link,
    demand_text,
    digest_of,
    dumps,
    dumps_texts,
    link_ends,
    link_row,
    node_row,
    storable,
)
from tutelage.graph.store._store import Origin
from tutelage.graph.store._talk import LINK_COLUMNS, SLICE, Row, Talk
from tutelage.graph.store._words import words

FEW_NODES = 10_000  # of a change, that search finds at once
CHUNK = 20_000  # claims that are looked at together
POUR = 1_000_000  # links that are sorted together; while they are written the reader goes on
MOST_NAMES = 5_000_000  # that are remembered during one change
SMALL = 200_000  # asserted links up to which all derived ones are computed with every change
COMPARED = 100_000  # claims up to which `replace` looks whether any differs

Numbers = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.bool_)
Moved = dict[int, tuple[int, int] | None]
"""Number of a name -> the name and node that links claimed by it now have, or None."""


class Writing:
    """What one origin changes within a transaction: `take` claims, `give_back` others, `close`."""

    def __init__(self, talk: Talk, origin: Origin) -> None:
        self.talk, self.origin = talk, origin
        self.next: dict[str, int] = dict(talk.rows("SELECT name, value FROM fact"))
        demand_text("an origin's key", origin.key, LONGEST_ID)
        demand_text("an origin's label", origin.label, LONGEST_LABEL)
        found = talk.one("SELECT id FROM origin WHERE key = ?", origin.key)
        self.anew = found is None
        self.number = found or self._take_number("origin")
        talk.run(
            "INSERT INTO origin (id, key, label, nodes, links) VALUES (?, ?, ?, 0, 0) "
            "ON CONFLICT (id) DO UPDATE SET label = excluded.label",
            self.number,
            origin.key,
            origin.label,
        )
        self.ledger = Ledger(talk)
        self.changed = False
        self.touched: set[int] = set()  # nodes, while they are few
        self.written = 0
        self._seen: set[int] = set()  # digests of claims
        self._names: dict[str, int] = {}
        self._node_of: Numbers = np.zeros(1024, np.int64)  # by number of name
        self._linked = np.zeros(1024, bool)  # names whose links are on record as the origin's
        self._ids: Sequence[str] = ()  # of the links that come as columns
        self._numbers = array("q")  # of the names that `_ids` are, 0 where they are none so far
        self._staged: list[_Staged] = []
        self._waiting = 0  # links in it
        self._recount = {self.number}  # origins
        self._regrouped = set[str]()  # keys of origins whose claims stand for other nodes now

    def __enter__(self) -> "Writing":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if error is None:
            self._close()

    def _take_number(self, what: str) -> int:
        return self._take_numbers(what, 1)[0]

    def _take_numbers(self, what: str, count: int) -> range:
        first = self.next[what] + 1
        self.next[what] += count
        return range(first, first + count)

    # ------------------------------------------------------------------ claims
    def take(self, claims: Iterable[Claims]) -> None:
        """Add claims. A link may come before its ends, if they come."""
        waiting = list[LinkClaim]()
        for nodes, links, tables in _chunks(claims):
            self._settle([], self._enrol(nodes))
            waiting += self._stage(links)
            for part in tables:
                waiting += self._stage_columns(part)
        for lost in self._stage(waiting):
            end = lost.target if lost.source in self._names else lost.source
            raise self._dangling(lost.source, lost.target, lost.kind, end)
        self._pour()

    def replace(self, claims: Iterable[Claims]) -> bool:
        """Let the origin claim just these; return whether anything changed.

        Up to `COMPARED` claims are compared one by one, so that what stays is not touched.
        """
        if self.anew:
            self.take(claims)
            return self.changed
        stream, head, count = iter(claims), list[Claims](), 0
        for claim in stream:
            head.append(claim)
            count += size_of(claim)
            if count >= COMPARED:
                break
        there = self.talk.one("SELECT links FROM origin WHERE id = ?", self.number)
        if count < COMPARED and there <= COMPARED:
            head = [*self.keep_links(list(singly(head)))]
        else:
            self.forget_links()
        self.take(chain(head, stream))
        self.forget_unseen()
        return self.changed

    def forget(self) -> None:
        """Take back all that the origin claims."""
        self.forget_links()
        self.forget_unseen()

    def forget_links(self) -> None:
        """Take back all links that the origin claims."""
        there = self.talk.one("SELECT links FROM origin WHERE id = ?", self.number)
        if there > COMPARED:
            self.ledger.drop_all_of(self.number, there)
        else:
            self._drop([row[1] for row in self._own_links()])
        self.talk.run("DELETE FROM linked WHERE origin = ?", self.number)
        self.changed = self.changed or there > 0

    def keep_links(self, claims: Sequence[Claim]) -> list[Claim]:
        """Take back the links that are not among these claims; return what there is to add."""
        wanted: dict[Row, tuple[Row, LinkClaim]] = {}
        for claim in claims:
            if isinstance(claim, LinkClaim):
                ends, worth = link_row(claim)
                if ends not in wanted or worth > wanted[ends][0]:
                    wanted[ends] = worth, claim
        dropped = []
        for (ends, worth), row in self._own_links():
            if ends in wanted and wanted[ends][0] == worth:
                del wanted[ends]
            else:
                dropped.append(row)
        self._drop(dropped)
        nodes = [claim for claim in claims if not isinstance(claim, LinkClaim)]
        return [*nodes, *(claim for _, claim in wanted.values())]

    def forget_unseen(self) -> None:
        """Take back the claims of nodes that were not taken again."""
        found = self.talk.rows("SELECT id, digest FROM claim WHERE origin = ?", self.number)
        gone = [claim for claim, digest in found if digest not in self._seen]
        for begin in range(0, len(gone), CHUNK):
            self._settle(gone[begin : begin + CHUNK], [])

    def _own_links(self) -> list[tuple[tuple[Row, Row], Row]]:
        """Return what the origin claims of links, beside the rows of them."""
        columns = ", ".join(f"link.{name}" for name in LINK_COLUMNS.split(", "))
        found = self.talk.rows(
            f"SELECT {columns}, here.text, there.text FROM link "
            "JOIN name AS here ON here.id = source_name "
            "JOIN name AS there ON there.id = target_name "
            "WHERE link.origin = ? AND source IN (SELECT node FROM name WHERE id IN "
            "(SELECT name FROM linked WHERE linked.origin = ?))",
            self.number,
            self.number,
        )
        return [((link_ends(row[1], *row[8:]), row[6:8]), row[:8]) for row in found]

    def _drop(self, rows: Sequence[Row]) -> None:
        self.ledger.drop(rows)
        self.changed = self.changed or bool(rows)

    def _dangling(self, source: str, target: str, kind: str, end: str) -> GraphError:
        return GraphError(
            f"{self.origin.key} links {source!r} to {target!r} ({kind}), but nobody claims a node "
            f"{end!r}. Claim it as well, or leave the link out."
        )

    # ------------------------------------------------------------------ nodes
    def _enrol(self, claims: Sequence[NodeClaim]) -> list[Claimed]:
        """Keep the claims that the origin has not made before, each with a number."""
        fresh: dict[int, tuple[NodeClaim, Row]] = {}
        for claim in claims:
            row = node_row(claim)
            digest = digest_of(row)
            if digest not in self._seen:
                fresh[digest] = claim, row
        self._seen.update(fresh)
        if not self.anew:
            there = self.talk.rows(
                f"SELECT digest FROM claim WHERE origin = ? AND digest {self.talk.numbers}",
                self.number,
                self.talk.pack(list(fresh)),
            )
            for (digest,) in there:
                del fresh[digest]
        # In the order of the digests, so that the table and its index are both written in order.
        numbers = dict(zip(sorted(fresh), self._take_numbers("claim", len(fresh)), strict=True))
        return [
            Claimed.of(numbers[digest], self.origin.key, claim, row=(self.number, digest, *row))
            for digest, (claim, row) in fresh.items()
        ]

    def _settle(self, gone: Collection[int], added: Sequence[Claimed]) -> None:
        """Write the nodes that claims come to, with all that share ids with them."""
        self.changed = self.changed or bool(gone or added)
        alone, others = self._apart(added)
        if alone:
            self._begin(alone)
        if gone or others:
            self._regroup(gone, others)

    def _apart(self, added: Sequence[Claimed]) -> tuple[list[Claimed], list[Claimed]]:
        """Tell claims whose ids nobody else has, most of a large import, from the others."""
        names = Counter(chain.from_iterable(each.look for each in added))
        shared = {name for name, count in names.items() if count > 1}
        shared |= self._known_among(list(names))
        alone = [each for each in added if shared.isdisjoint(each.look)]
        return alone, [each for each in added if not shared.isdisjoint(each.look)]

    def _known_among(self, texts: Collection[str]) -> set[str]:
        """Return those of some ids that name a node."""
        found = self.talk.stream(
            f"SELECT text FROM name WHERE text {self.talk.texts}", self.talk.pack(texts)
        )
        return {text for (text,) in found}

    def _begin(self, claims: Sequence[Claimed]) -> None:
        """Write claims each of which is a node of its own."""
        numbers = self._take_numbers("node", len(claims))
        names = sorted(  # as the index has them
            (name, node) for node, each in zip(numbers, claims, strict=True) for name in each.own
        )
        rows = [
            (number, *name)
            for number, name in zip(self._take_numbers("name", len(names)), names, strict=True)
        ]
        self._know((text, number, node) for number, text, node in rows)
        self.talk.insert("name (id, text, node)", rows)
        self._write_nodes([[each] for each in claims], numbers, {})
        self._keep(zip(numbers, claims, strict=True))

    def _keep(self, placed: Iterable[tuple[int, Claimed]]) -> None:
        """Write claims that are new, each with its node."""
        rows = sorted((each.id, node, *each.row) for node, each in placed)
        self.talk.insert("claim (id, node, origin, digest, kind, ids, label, year, facts)", rows)

    def _regroup(self, gone: Collection[int], added: Sequence[Claimed]) -> None:
        """Group claims with all that share ids with them, and write the nodes they come to."""
        talk, near = self.talk, Near(self.talk, gone, added)
        groups = grouped([*near.claims, *added])
        numbers = self._number(groups, near)
        moved = self._write_names(groups, numbers, near)
        moving = self._moving(moved, near)
        vanished = self._write_nodes(groups, numbers, near.nodes)
        placed = [
            (number, each)
            for group, number in zip(groups, numbers, strict=True)
            for each in group
            if each.node != number
        ]
        self._keep((number, each) for number, each in placed if each.row)
        talk.many(
            "UPDATE claim SET node = ? WHERE id = ?",
            [(number, each.id) for number, each in placed if not each.row],
        )
        self._regrouped |= {each.origin for _, each in placed if not each.row}
        talk.many("DELETE FROM claim WHERE id = ?", [(claim,) for claim in gone])
        self._move(moving, moved, near, vanished)

    def _number(self, groups: list[list[Claimed]], near: Near) -> list[int]:
        """Give each group the number of the node that most of it was, or a new one."""
        numbers, taken = [0] * len(groups), set[int]()
        bids: Counter[tuple[int, int]] = Counter()
        for place, group in enumerate(groups):
            for each in group:
                bids[each.node, place] += 2
                for name in each.own:
                    if len(rows := near.names.get(name, {})) == 1:
                        bids[next(iter(rows.values())), place] += 1
        _award(bids, numbers, taken)
        bids.clear()  # a name that many share tells little, and they are many times many
        left = dict[str, list[int]]()  # of names, nodes that no group has
        for place, group in enumerate(groups):
            for name in _ids_of(group) if not numbers[place] else ():
                if name not in left:
                    left[name] = [n for n in near.names.get(name, {}).values() if n not in taken]
                bids.update((node, place) for node in left[name])
        _award(bids, numbers, taken)
        return [number or self._take_number("node") for number in numbers]

    def _write_names(self, groups: list[list[Claimed]], numbers: list[int], near: Near) -> Moved:
        """Let each id name its node; return where old ones lead now."""
        holders = _holders(groups, numbers)
        added = [
            (self._take_number("name"), name, node)
            for name, nodes in holders.items()
            if name not in near.names
            for node in nodes
        ]
        self._know((name, row, node) for row, name, node in reversed(added))
        changed, dropped = list[Row](), list[Row]()
        moved: Moved = {}
        for name, rows in near.names.items():  # number of the name -> its node till now
            nodes = holders.get(name, [])
            # A weak id may name several nodes: it has a row for each, links are of the first.
            free = sorted(rows, key=lambda row: (rows[row] not in nodes[:1], row))
            for place, node in enumerate(nodes):
                row = free.pop(0) if free else self._take_number("name")
                if row not in rows:
                    added.append((row, name, node))
                elif rows[row] != node:
                    changed.append((node, row))
                if place == 0:
                    moved |= {old: (row, node) for old in rows if (old, rows[old]) != (row, node)}
            if not nodes:
                moved |= dict.fromkeys(rows)
            dropped += [(row,) for row in free]
            if free or any(row in moved for row in rows):
                self._names.pop(name, None)
        if moved:
            self._pour()  # what is staged is of the old names
            self._numbers = array("q")
        self.talk.many("DELETE FROM name WHERE id = ?", dropped)
        self.talk.many("UPDATE name SET node = ? WHERE id = ?", changed)
        added.sort(key=itemgetter(1))  # as the index has them
        self.talk.insert("name (id, text, node)", added)
        return moved

    def _moving(self, moved: Moved, near: Near) -> list[Row]:
        """Return the links that were claimed by names which now lead elsewhere."""
        if not moved:
            return []
        names, nodes = self.talk.pack(list(moved)), self.talk.pack(list(near.nodes))
        return self.talk.rows(
            " UNION ".join(
                f"SELECT {LINK_COLUMNS} FROM link WHERE {end} {self.talk.numbers} "
                f"AND {end}_name {self.talk.numbers}"
                for end in ("source", "target")
            ),
            nodes,
            names,
            nodes,
            names,
        )

    def _move(self, rows: Sequence[Row], moved: Moved, near: Near, gone: set[int]) -> None:
        """Let links follow their names, and drop those whose end nobody claims any more."""
        followed: list[Row] = []
        for row in rows:
            source, kind, target, origin, source_name, target_name, *rest = row
            here = moved.get(source_name, (source_name, source))
            there = moved.get(target_name, (target_name, target))
            self._recount.add(origin)
            if here and there:
                ends = here[1], kind, there[1], origin, here[0], there[0]
                followed.append((*_directed(ends), *rest))
            elif origin == self.number:
                source_text, target_text = near.texts[source_name], near.texts[target_name]
                end = target_text if here else source_text
                raise self._dangling(source_text, target_text, LINK_CODES[kind], end)
        packed = self.talk.pack(list(gone))
        derived = (
            self.talk.rows(
                f"SELECT {LINK_COLUMNS} FROM link WHERE origin = 0 AND source {self.talk.numbers} "
                f"UNION SELECT {LINK_COLUMNS} FROM link WHERE origin = 0 "
                f"AND target {self.talk.numbers}",
                packed,
                packed,
            )
            if gone
            else []
        )
        self.ledger.drop([*rows, *derived])
        self.ledger.add(sorted(followed), len(followed))
        self._note_linked({(row[3], row[4]) for row in followed})

    def _note_linked(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Keep of which names an origin claims links, so that they are found when it goes."""
        self.talk.insert("linked (origin, name)", sorted(pairs), "ON CONFLICT DO NOTHING")

    def _write_nodes(
        self, groups: list[list[Claimed]], numbers: Sequence[int], there: dict[int, Row]
    ) -> set[int]:
        """Write what the claims of each node come to; return those of `there` that are no more."""
        rows, indexed, count = list[Row](), list[tuple[int, int, str]](), Counter[int]()
        few = self.written + len(groups) <= FEW_NODES  # else search waits for `refresh`
        for group, number in zip(groups, numbers, strict=True):
            claim, ids = _settled(group)
            facts = {**claim.facts, "ids": ids}
            told = dumps(facts) if claim.facts else f'{{"ids":{dumps_texts(ids)}}}'
            row = (ids[0], NODE_CODES.index(claim.kind), claim.label, claim.year, told)
            old = there.get(number)
            if old and old[:5] == row:
                continue
            count[row[1]] += 1
            rank, weight = (old[6], old[5]) if old else (0, importance(0, facts))
            if old:
                count[old[1]] -= 1
            if few or not old:
                text = words(claim.kind, claim.label, facts) if few else ""
                if not old or text != words(NODE_CODES[old[1]], old[2], json.loads(old[4])):
                    self.next["rank"] = rank = self.next["rank"] - 1
                    indexed.append((number, rank, text))
            rows.append((number, *row, weight, rank))
        gone = there.keys() - set(numbers)
        count.subtract(there[node][1] for node in gone)
        self.talk.insert(
            "node (id, key, kind, label, year, facts, importance, rank)",
            rows,
            "ON CONFLICT (id) DO UPDATE SET key = excluded.key, kind = excluded.kind, "
            "label = excluded.label, year = excluded.year, facts = excluded.facts, "
            "importance = excluded.importance, rank = excluded.rank",
        )
        for table, column in (("node", "id"), ("spot", "node")):
            self.talk.many(f"DELETE FROM {table} WHERE {column} = ?", [(node,) for node in gone])
        add_up(self.talk, "node", count)
        self.written += len(groups)
        if few:
            self.talk.index_words(indexed[::-1], anew=False)
            self.touched |= {row[0] for row in rows}
        return gone

    # ------------------------------------------------------------------ links
    def _stage(self, links: Sequence[LinkClaim]) -> list[LinkClaim]:
        """Put links by that are to be written together; return those without their ends so far."""
        self._remember({end for link in links for end in (link.source, link.target)})
        names, waiting = self._names, list[LinkClaim]()
        try:
            source = [names[link.source] for link in links]
            target = [names[link.target] for link in links]
        except KeyError:
            waiting = [c for c in links if not (c.source in names and c.target in names)]
            links = [c for c in links if c.source in names and c.target in names]
            source = [names[link.source] for link in links]
            target = [names[link.target] for link in links]
        try:
            kind = np.array([ASSERTABLE[link.kind] for link in links], np.int64)
            weight = np.array([link.weight for link in links], np.float64)
            fine = bool(np.all(np.isfinite(weight) & (weight >= 0)))
        except (KeyError, TypeError, ValueError):
            fine = False
        if not fine:
            for link in links:
                demand_link(link)
        facts = [dumps(link.facts) if link.facts else "" for link in links]
        self._put_by(np.array(source, np.int64), kind, np.array(target, np.int64), weight, facts)
        return waiting

    def _stage_columns(self, links: LinkClaims) -> list[LinkClaim]:
        """As `_stage` does."""
        wrong = np.isin(links.kind, PROJECTIONS) | ~(
            np.isfinite(links.weight) & (links.weight >= 0)
        )
        for _, link in links[wrong].singly():
            demand_link(link)
        source, target = self._names_of(links.ids, links.source, links.target)
        here = (source > 0) & (target > 0)
        if here.all():
            self._put_by(source, links.kind, target, links.weight, None)
            return []
        self._put_by(source[here], links.kind[here], target[here], links.weight[here], None)
        return [link for _, link in links[~here].singly()]

    def _names_of(self, ids: Sequence[str], *ends: Numbers) -> tuple[Numbers, ...]:
        """Return the numbers of the names at places in `ids`, 0 where there is none so far."""
        if ids is not self._ids:
            self._ids, self._numbers = ids, array("q")
        if len(self._numbers) < len(ids):
            fresh = ids[len(self._numbers) :]
            self._remember(set(fresh))
            self._numbers.extend(self._names.get(text, 0) for text in fresh)
        found = tuple(np.frombuffer(self._numbers, np.int64)[end] for end in ends)
        absent = {
            place
            for end, numbers in zip(ends, found, strict=True)
            for place in end[numbers == 0].tolist()
        }
        if absent:  # may have come since
            self._remember({ids[place] for place in absent})
            for place in absent:
                self._numbers[place] = self._names.get(ids[place], 0)
            found = tuple(np.frombuffer(self._numbers, np.int64)[end] for end in ends)
        return found

    def _put_by(
        self,
        source: Numbers,
        kind: Numbers,
        target: Numbers,
        weight: NDArray[np.float64],
        facts: list[str] | None,
    ) -> None:
        """Keep links, by the numbers of names, until they are written together."""
        self._staged.append(_Staged(source, target, kind.astype(np.int8), weight, facts))
        self._waiting += len(source)
        if self._waiting >= POUR:
            self._pour()

    def _remember(self, texts: set[str]) -> None:
        """Know the numbers and nodes of names."""
        if len(self._names) > MOST_NAMES:
            self._names.clear()
        unknown = [text for text in texts if text not in self._names]
        if not unknown:
            return
        found = self.talk.rows(
            f"SELECT name.text, name.id, name.node FROM name JOIN node ON node.id = name.node "
            f"WHERE name.text {self.talk.texts} ORDER BY node.key DESC",
            self.talk.pack([text for text in unknown if storable(text)]),
        )
        self._know(found)

    def _know(self, names: Iterable[Row]) -> None:
        """Know names by (text, number, node); of one that names several nodes the last counts."""
        names = list(names)
        if names:
            texts, numbers, nodes = zip(*names, strict=True)
            self._names.update(zip(texts, numbers, strict=True))
            self._node_of = _long_enough(self._node_of, max(numbers))
            self._linked = _long_enough(self._linked, max(numbers))
            self._node_of[list(numbers)] = nodes

    def _pour(self) -> None:
        """Write the links that are staged, in the order in which the table keeps them."""
        staged, self._staged, self._waiting = self._staged, [], 0
        if not sum(len(part.source) for part in staged):
            return
        self.changed = True
        source_name, target_name, kind, weight = (
            np.concatenate([getattr(part, name) for part in staged])
            for name in ("source", "target", "kind", "weight")
        )
        facts = None
        if any(part.facts for part in staged):
            parts = (part.facts or [""] * len(part.source) for part in staged)
            facts = list(chain.from_iterable(parts))
        del staged
        source, target = self._node_of[source_name], self._node_of[target_name]
        swap = np.isin(kind, UNDIRECTED) & (source > target)
        source[swap], target[swap] = target[swap], source[swap]
        source_name[swap], target_name[swap] = target_name[swap], source_name[swap]
        # One number of all that the table is ordered by: whatever it may overflow to is but slower.
        order = np.argsort((source * len(LINK_CODES) + kind) * len(self._node_of) + target)

        def rows() -> Iterator[Row]:
            for begin in range(0, len(order), SLICE):
                part = order[begin : begin + SLICE]
                columns = (each[part].tolist() for each in (source, kind, target))
                others = (each[part].tolist() for each in (source_name, target_name, weight))
                told = map(facts.__getitem__, part.tolist()) if facts else repeat("")
                yield from zip(*columns, repeat(self.number), *others, told)

        self.ledger.add(rows(), len(order))
        before = self._linked.copy()
        self._linked[source_name] = True
        fresh = np.flatnonzero(self._linked & ~before)
        self._note_linked((self.number, name) for name in fresh.tolist())

    # ------------------------------------------------------------------ the end
    def _close(self) -> None:
        """Bring up to date what hangs on the claims, as far as it is quick."""
        if not self.changed:
            self.talk.run("DELETE FROM origin WHERE nodes = 0 AND links = 0")
            return
        asserted = self._count_origins()
        if self.ledger.changed and asserted <= SMALL:
            derive_all(self.talk, self.ledger, columns(self.talk))
        elif self.ledger.changed and self.ledger.few:
            derive_near(self.talk, self.ledger, self.ledger.ends)
        if self.ledger.few and self.written <= FEW_NODES:
            weigh(self.talk, self.touched | self.ledger.ends)
        else:
            self.next["late"] = 1
        self.ledger.close()
        self.next["version"] += 1
        self.talk.many(
            "UPDATE fact SET value = ? WHERE name = ?",
            [(value, name) for name, value in self.next.items()],
        )

    def _count_origins(self) -> int:
        """Count what origins claim where it changed; return the links that anybody asserts."""
        some = (
            " AND source IN (SELECT node FROM name WHERE id IN "
            "(SELECT name FROM linked WHERE linked.origin = link.origin))"
        )
        # The sign keeps databases from the index of digests: many are counted faster by node.
        many = "+" if self.written > FEW_NODES else ""
        nodes = f"SELECT count(DISTINCT node) FROM claim WHERE {many}claim.origin = origin.id"
        for origin in self._recount:
            links = "SELECT count(*) FROM link WHERE origin = ?" + (some if self.ledger.few else "")
            self.talk.run(
                f"UPDATE origin SET nodes = ({nodes}), links = ({links}) WHERE id = ?",
                origin,
                origin,
            )
        self.talk.run(
            f"UPDATE origin SET nodes = ({nodes}) WHERE key {self.talk.texts}",
            self.talk.pack(list(self._regrouped - {self.origin.key})),
        )
        self.talk.run("DELETE FROM origin WHERE nodes = 0 AND links = 0")
        return int(self.talk.one("SELECT coalesce(sum(links), 0) FROM origin"))


@dataclass(slots=True)
class _Staged:
    """Links that wait to be written, by the numbers of names."""

    source: Numbers
    target: Numbers
    kind: NDArray[np.int8]
    weight: NDArray[np.float64]
    facts: list[str] | None  # None where no link has any


_Chunk = tuple[list[NodeClaim], list[LinkClaim], list[LinkClaims]]


def _chunks(claims: Iterable[Claims]) -> Iterator[_Chunk]:
    """Yield claims that are looked at together, nodes, links and columns of links apart."""
    nodes, links, columns = chunk = list[NodeClaim](), list[LinkClaim](), list[LinkClaims]()
    count = 0
    for claim in claims:
        count += size_of(claim)
        if isinstance(claim, NodeClaim):
            nodes.append(claim)
        elif isinstance(claim, LinkClaim):
            links.append(claim)
        else:
            columns.append(claim)
        if count >= CHUNK:
            yield chunk
            nodes, links, columns = chunk = [], [], []
            count = 0
    yield chunk


def _award(bids: Counter[tuple[int, int]], numbers: list[int], taken: set[int]) -> None:
    """Give nodes to the groups at the places that bid most for them, each once."""
    for (node, place), _ in sorted(bids.items(), key=lambda bid: (-bid[1], bid[0])):
        if node and not numbers[place] and node not in taken:
            numbers[place] = node
            taken.add(node)


def _settled(group: list[Claimed]) -> tuple[NodeClaim, list[str]]:
    """Return what the claims of one thing come to, and its ids, the strongest first."""
    if len(group) == 1 and "names" not in group[0].claim.facts:  # most of a large import
        return group[0].claim, sorted(group[0].own, key=strength)
    ordered = sorted(group, key=lambda each: (each.origin, digest_of(node_row(each.claim))))
    claim = merged([(each.origin, each.claim) for each in ordered])
    return claim, list(claim.ids)


def _holders(groups: list[list[Claimed]], numbers: list[int]) -> dict[str, list[int]]:
    """Return the nodes that each id names, the one with the first key first."""
    found: dict[str, list[int]] = defaultdict(list)
    ids = [_ids_of(group) for group in groups]
    by_key = sorted(zip(map(key_of, ids), numbers, ids, strict=True), key=itemgetter(0, 1))
    for _, number, names in by_key:
        for name in names:
            found[name].append(number)
    return found


def _ids_of(group: list[Claimed]) -> Collection[str]:
    """Return the ids that the claims of one thing register, each once."""
    return group[0].own if len(group) == 1 else {name for each in group for name in each.own}


def _long_enough(array: NDArray[Number], most: int) -> NDArray[Number]:
    if most < len(array):
        return array
    return np.concatenate([array, np.zeros(max(most + 1 - len(array), len(array)), array.dtype)])


def _directed(row: Row) -> Row:
    """Return a row of a link with the smaller end first where its kind has no direction."""
    source, kind, target, origin, source_name, target_name = row
    if kind in UNDIRECTED and source > target:
        return target, kind, source, origin, target_name, source_name
    return row
