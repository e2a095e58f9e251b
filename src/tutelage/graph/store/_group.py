"""Which claims are of the same thing: whole groups at a time, whatever order they came in."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tutelage.errors import GraphError
from tutelage.graph.identity import (
    key_of,
    look_up_ids,
    may_merge,
    own_ids,
    strength,
    strong_ids,
)
from tutelage.graph.model import NodeClaim


@dataclass(kw_only=True, slots=True)
class Claimed:
    """A claim with its number, its origin's key, and the node it stands for (0 = none yet)."""

    id: int
    origin: str
    claim: NodeClaim
    own: tuple[str, ...]
    look: tuple[str, ...]
    node: int = 0
    row: tuple[Any, ...] = ()  # what is to be written of one that is new

    @classmethod
    def of(
        cls, number: int, origin: str, claim: NodeClaim, node: int = 0, row: tuple[Any, ...] = ()
    ) -> "Claimed":
        """Ask once for the ids that a claim registers and those it may be known under."""
        own = own_ids(claim)
        look = look_up_ids(claim, own)
        return cls(id=number, origin=origin, claim=claim, own=own, look=look, node=node, row=row)


def grouped(claims: Sequence[Claimed]) -> list[list[Claimed]]:
    """Return the claims in groups, one for each thing.

    Claims that share no id are apart at once. Those that do are joined id by id, the strongest
    first, as far as `may_merge` allows: so the groups depend on the set of claims, and not on the
    order in which they became known.
    """
    return [group for linked in _linked(claims) for group in _joined(linked)]


def _linked(claims: Sequence[Claimed]) -> list[list[Claimed]]:
    """Cut claims apart where no id leads from one to the other."""
    holder: dict[str, int] = {}
    parent = list(range(len(claims)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for place, each in enumerate(claims):
        for name in each.own:
            parent[root(place)] = root(holder.setdefault(name, place))
    for place, each in enumerate(claims):
        if each.look != each.own:
            for name in each.look:
                if name in holder:
                    parent[root(place)] = root(holder[name])
    parts: dict[int, list[Claimed]] = defaultdict(list)
    for place, each in enumerate(claims):
        parts[root(place)].append(each)
    return list(parts.values())


def _joined(claims: list[Claimed]) -> list[list[Claimed]]:
    """Join claims that ids lead between, id by id, as far as they may be joined."""
    if len(claims) == 1:
        return [claims]
    own, held = {each.own for each in claims}, {name for each in claims for name in each.own}
    if len(own) == 1 and all(each.look == each.own for each in claims):
        _demand_one_kind(claims)
        return [claims]  # the same ids again and again: a topic of many papers
    group_of = {place: [place] for place in range(len(claims))}  # groups that are the same object
    ids = [set(each.own) for each in claims]
    strong = [strong_ids(names) for names in ids]
    near = _near(claims)
    for by in sorted(held, key=strength):
        groups = {id(group_of[place]): group_of[place] for place in near[by]}.values()
        kept: list[list[int]] = []
        for group in sorted(groups, key=lambda group: key_of(ids[group[0]])):
            for other in kept:
                if may_merge(strong[other[0]], strong[group[0]], by):
                    other += group
                    ids[other[0]] |= ids[group[0]]
                    strong[other[0]] = strong_ids(ids[other[0]])
                    for place in group:
                        group_of[place] = other
                    break
            else:
                kept.append(group)
    found = [
        [claims[place] for place in group]
        for group in {id(group): group for group in group_of.values()}.values()
    ]
    for thing in found:
        _demand_one_kind(thing)
    return found


def _near(claims: Sequence[Claimed]) -> dict[str, list[int]]:
    """Return which claims register each id, or may be known under it."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(claims):
        for name in {*each.look, *each.own}:
            found[name].append(place)
    return found


def _demand_one_kind(claims: list[Claimed]) -> None:
    first = claims[0]
    for each in claims:
        if each.claim.kind != first.claim.kind:
            raise GraphError(
                f"one thing is of one kind, but {first.origin} says that {first.own[0]!r} is a "
                f"{first.claim.kind} and {each.origin} that {each.own[0]!r} is a "
                f"{each.claim.kind}. Give them ids that differ."
            )
