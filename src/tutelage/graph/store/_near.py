"""What a change of claims may reach: all that ids lead to, from claim to claim."""

from collections.abc import Collection, Sequence

from tutelage.graph.store._group import Claimed
from tutelage.graph.store._rows import node_claim
from tutelage.graph.store._talk import Row, Talk


class Near:
    """All claims, names and nodes that ids lead to from some claims."""

    def __init__(self, talk: Talk, gone: Collection[int], added: Sequence[Claimed]) -> None:
        self.talk = talk
        self.claims: list[Claimed] = []  # without those that go
        self.names: dict[str, dict[int, int]] = {}  # text -> number of the name -> node
        self.texts: dict[int, str] = {}  # number of the name -> text
        self.nodes: dict[int, Row] = {}  # (key, kind, label, year, facts, importance, rank)
        asked: set[str] = set()
        texts = {name for each in added for name in (*each.own, *each.look)}
        nodes = {
            row[0]
            for row in talk.rows(
                f"SELECT node FROM claim WHERE id {talk.numbers}", talk.pack(list(gone))
            )
        }
        while texts or nodes:
            nodes |= self._name("text", talk.texts, talk.pack(list(texts)))
            asked |= texts
            nodes -= {*self.nodes}
            packed = talk.pack(list(nodes))
            self._name("node", talk.numbers, packed)
            found = talk.rows(
                f"SELECT id, key, kind, label, year, facts, importance, rank FROM node "
                f"WHERE id {talk.numbers}",
                packed,
            )
            self.nodes |= {row[0]: row[1:] for row in found}
            more = self._claim(packed, set(gone))
            texts = {name for each in more for name in (*each.own, *each.look)} | {*self.names}
            texts -= asked
            nodes = set()

    def _name(self, column: str, of: str, packed: object) -> set[int]:
        found = self.talk.rows(f"SELECT id, text, node FROM name WHERE {column} {of}", packed)
        for name, text, node in found:
            self.names.setdefault(text, {})[name] = node
            self.texts[name] = text
        return {node for _, _, node in found}

    def _claim(self, packed: object, gone: set[int]) -> list[Claimed]:
        found = self.talk.rows(
            "SELECT claim.id, origin.key, node, kind, ids, claim.label, year, facts FROM claim "
            f"JOIN origin ON origin.id = claim.origin WHERE node {self.talk.numbers}",
            packed,
        )
        claims = [
            Claimed.of(number, origin, node_claim(row), node)
            for number, origin, node, *row in found
            if number not in gone
        ]
        self.claims += claims
        return claims
