"""The map: places for everything there is, in time that grows with nodes and links."""

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.room import packed, separated
from tutelage.graph.layout.scene import Places, connected, pairs, within
from tutelage.graph.layout.settle import settle, spread_start
from tutelage.graph.model import Links

ISLAND = 30
"""Nodes of a connected part that lies by itself; smaller parts are one crowd together."""

GRAVITY = 0.1
"""Draws the parts of that crowd together; what has no link at all lies around it."""

ACROSS = 0.2
"""How strongly a link between two communities pulls, beside 1 within: each becomes an island."""


def whole(links: Links, count: int, group: NDArray[np.int64]) -> Places:
    """Return places ``[count, 2]`` for tens of thousands of nodes and more.

    The median link is 1 long, `group` the community of each node ``[count]``.
    """
    if count == 0:
        return np.zeros((0, 2))
    one, other, pull = pairs(links, count, np.ones(len(links)))
    pull = np.where(group[one] == group[other], pull, ACROSS * pull)
    parts = connected(one, other, count)
    islands = [part for part in parts if len(part) >= ISLAND]
    crowd = np.sort(np.concatenate([np.zeros(0, np.int64), *parts[len(islands) :]]))
    islands += [crowd] if len(crowd) else []
    laid = [_island(len(part), *within(part, one, other, pull, count)) for part in islands]
    if len(crowd):  # two that are linked to nothing else come to stand on each other
        laid[-1] = separated(laid[-1], np.zeros(len(crowd), np.bool_))
    places = np.zeros((count, 2))
    gap = 0.05 * float(np.ptp(laid[0], axis=0).max())
    for part, found in zip(islands, packed(laid, gap=gap), strict=True):
        places[part] = found
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    lengths = np.hypot(*(places[one] - places[other]).T)
    return places / (np.median(lengths) if len(lengths) else 1.0)


def _island(
    count: int, one: NDArray[np.int64], other: NDArray[np.int64], pull: NDArray[np.float64]
) -> Places:
    """Return places of nodes around the origin."""
    degree = np.bincount(np.concatenate([one, other]), minlength=count)
    return settle(
        3 * np.sqrt(count) * spread_start(count, one, other, pull, rounds=40),
        one,
        other,
        pull,
        free=np.ones(count, dtype=np.bool_),
        charge=np.sqrt(1.0 + degree),
        k=1.0,
        steps=80,
        reach=np.sqrt(count),
        gravity=GRAVITY,
    )
