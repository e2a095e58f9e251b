"""The map of everything: drawn once, then kept as the graph grows, so that nothing on it jumps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from math import cos, sin, tau

import numpy as np

from tutelage.graph.communities import communities
from tutelage.graph.layout import map_places
from tutelage.graph.model import Links, Node
from tutelage.graph.store import Place, Store

LARGEST = 100_000
"""Nodes that the map shows, the most important ones."""

ANEW = 0.2
"""Share of nodes without a place above which the map is drawn anew."""

BESIDE = 0.6  # lengths of the median link

Spot = tuple[Place, int]
"""Where a node stands, and its community."""


def draw_map(store: Store) -> bool:
    """Bring the map up to what the store holds; return whether it changed.

    Who has a place keeps it. New nodes come to stand among their neighbours, until they are so
    many that it takes a new map.

    Raises:
        GraphBusyError: the store took longer than it may; the next call tries again.
    """
    numbers, there = store.mapped(limit=LARGEST)
    if there == set(numbers):
        return False
    placed, _ = store.map(limit=LARGEST)
    before = {spot.number: (Place(spot.x, spot.y), spot.community) for spot in placed}
    spots = {number: before[number] for number in numbers if number in before}
    new = [number for number in numbers if number not in before]
    if len(new) > ANEW * len(numbers):
        spots = _drawn(store.links(), numbers)
    else:
        spots |= _beside(store, store.numbered(new), spots)
    store.put_map(
        {number: place for number, (place, _) in spots.items()},
        {number: community for number, (_, community) in spots.items()},
    )
    return True


def _drawn(links: Links, numbers: Sequence[int]) -> dict[int, Spot]:
    """Draw the map of these nodes."""
    sorted_ = np.sort(np.array(numbers))
    source, target = (np.searchsorted(sorted_, ends) for ends in (links.source, links.target))
    last = len(sorted_) - 1
    inside = (sorted_[np.minimum(source, last)] == links.source) & (
        sorted_[np.minimum(target, last)] == links.target
    )
    chosen = replace(
        links,
        source=source[inside],
        target=target[inside],
        **{name: getattr(links, name)[inside] for name in ("kind", "weight", "count", "strength")},
    )
    groups = communities(len(sorted_), chosen)
    places = map_places(chosen, len(sorted_), group=groups)
    return {
        number: (Place(x, y), group)
        for number, (x, y), group in zip(
            sorted_.tolist(), places.tolist(), groups.tolist(), strict=True
        )
    }


def _beside(store: Store, new: Iterable[Node], spots: Mapping[int, Spot]) -> dict[int, Spot]:
    """Place new nodes in the middle of their neighbours, first those whose neighbours stand."""
    near = {
        node.id: [
            other.id
            for group in store.neighbours(node.id, limit=5)
            for other in group.nodes
            if other.id != node.id
        ]
        for node in new
    }
    keys = {node.id: node.key for node in new}
    found: dict[int, Spot] = {}
    rim = max((max(abs(place.x), abs(place.y)) for place, _ in spots.values()), default=0.0)
    last = max((community for _, community in spots.values()), default=-1)
    while near:
        ready = {
            number: [spot for other in others if (spot := found.get(other) or spots.get(other))]
            for number, others in near.items()
        }
        stands = {number: beside for number, beside in ready.items() if beside}
        if not stands:  # one that hangs on nothing there begins a group of its own, on the rim
            number = next(iter(near))
            last += 1
            stands = {number: [(_off(Place(0.0, 0.0), f"rim {keys[number]}", rim + 1), last)]}
        for number, beside in stands.items():
            x, y = np.mean([(place.x, place.y) for place, _ in beside], axis=0).tolist()
            found[number] = (_off(Place(x, y), keys[number], BESIDE), beside[0][1])
            del near[number]
    return found


def _off(place: Place, key: str, away: float) -> Place:
    """Return a place at a distance, in a direction that is always the same for a key."""
    turn = tau * int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32
    return Place(place.x + away * cos(turn), place.y + away * sin(turn))
