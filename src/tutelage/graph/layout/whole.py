"""The map: places for everything there is, in time that grows with nodes and links."""

import numpy as np

from tutelage.graph.communities import communities
from tutelage.graph.layout.scene import Places, pairs
from tutelage.graph.layout.settle import settle, spread_start
from tutelage.graph.model import Links

GRAVITY = 0.1
"""Draws parts without a link between them together; what has no link at all lies around."""

ACROSS = 0.2
"""How strongly a link between two communities pulls, beside 1 within: each becomes an island."""


def whole(links: Links, count: int) -> Places:
    """Return places ``[count, 2]`` for tens of thousands of nodes and more.

    The median link is 1 long.
    """
    if count == 0:
        return np.zeros((0, 2))
    group = communities(count, links)
    one, other, pull = pairs(links, count, np.ones(len(links)))
    pull = np.where(group[one] == group[other], pull, ACROSS * pull)
    degree = np.bincount(np.concatenate([one, other]), minlength=count)
    places = settle(
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
    lengths = np.hypot(*(places[one] - places[other]).T)
    return places / (np.median(lengths) if len(lengths) else 1.0)
