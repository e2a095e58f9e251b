"""The map: places for everything there is, in time that grows with nodes and links."""

import numpy as np

from tutelage.graph.layout.scene import Places, pairs
from tutelage.graph.layout.settle import settle, spread_start
from tutelage.graph.model import Links

GRAVITY = 0.1
"""Draws parts without a link between them together; what has no link at all lies around."""


def whole(links: Links, count: int) -> Places:
    """Return places ``[count, 2]`` for tens of thousands of nodes and more."""
    if count == 0:
        return np.zeros((0, 2))
    one, other, pull = pairs(links, count, np.ones(len(links)))
    start = spread_start(count, one, other, pull, rounds=40) * np.sqrt(count) / 2
    degree = np.bincount(np.concatenate([one, other]), minlength=count)
    return settle(
        start,
        one,
        other,
        pull,
        free=np.ones(count, dtype=np.bool_),
        charge=np.sqrt(1.0 + degree),
        k=1.0,
        steps=60,
        reach=np.sqrt(count) / 8,
        gravity=GRAVITY,
    )
