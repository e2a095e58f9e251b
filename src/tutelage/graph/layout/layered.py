"""Lineage from left to right: what something comes from stands to its left.

Layers by longest path, order within them by the mean of neighbours (Sugiyama, Tagawa and Toda,
1981), heights that keep that order and are nearest to these means (isotonic regression).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.room import LEAST, stacked
from tutelage.graph.layout.scene import Places, Scene

LAYER = 2.0
GAP = 1.2 * LEAST
SWEEPS = 16


def layered(scene: Scene) -> Places:
    """Return places ``[nodes, 2]``; those that are fixed stay.

    Every link with a direction leads to the right, but for those that close a cycle.
    """
    layer = _layers(scene)
    places = np.stack([LAYER * layer, _heights(scene, layer)], axis=1)
    if scene.fixed.any():
        # The others come to lie as they would around those that stand.
        shift = np.median((scene.places - places)[scene.fixed], axis=0)
        places = np.where(scene.fixed[:, None], scene.places, places + shift)
    elif len(places):
        places -= (places.max(axis=0) + places.min(axis=0)) / 2
    return stacked(places, scene.fixed)


def _layers(scene: Scene) -> NDArray[np.int64]:
    """Return the layer of each node: one more than the last of those it comes from."""
    count = len(scene)
    order, lower = _sorted(scene)
    upper: list[list[int]] = [[] for _ in range(count)]
    layer = np.zeros(count, dtype=np.int64)
    for node in order:
        for below in lower[node]:
            upper[below].append(node)
            layer[below] = max(int(layer[below]), int(layer[node]) + 1)
    for node in reversed(order):  # beginnings stand beside what first comes of them
        if lower[node] and not upper[node]:
            layer[node] = min(layer[below] for below in lower[node]) - 1
    loose = np.array([not (upper[node] or lower[node]) for node in range(count)], dtype=np.bool_)
    for node in np.flatnonzero(loose).tolist():
        near = [*scene.other[scene.one == node], *scene.one[scene.other == node]]
        around = layer[[place for place in near if not loose[place]]]
        layer[node] = round(float(around.mean())) if len(around) else 0
    return layer


def _sorted(scene: Scene) -> tuple[list[int], list[list[int]]]:
    """Return nodes so that links lead onwards, and what follows each, without what closes a cycle.

    By depth first; a link back to a node on the way is the one that is left out.
    """
    lower: list[list[int]] = [[] for _ in range(len(scene))]
    for one, other in zip(scene.upper.tolist(), scene.lower.tolist(), strict=True):
        lower[one].append(other)
    kept: list[list[int]] = [[] for _ in lower]
    state, order = [0] * len(lower), list[int]()  # 0 = not seen, 1 = on the way, 2 = done
    for start in range(len(lower)):
        way: list[tuple[int, Iterator[int]]] = []
        if state[start] == 0:
            state[start] = 1
            way.append((start, iter(lower[start])))
        while way:
            node, rest = way[-1]
            below = next(rest, None)
            if below is None:
                state[node] = 2
                order.append(node)
                way.pop()
            elif state[below] != 1:
                kept[node].append(below)
                if state[below] == 0:
                    state[below] = 1
                    way.append((below, iter(lower[below])))
    return order[::-1], kept


def _heights(scene: Scene, layer: NDArray[np.int64]) -> NDArray[np.float64]:
    count = len(scene)
    near: list[list[int]] = [[] for _ in range(count)]
    for one, other in zip(scene.one.tolist(), scene.other.tolist(), strict=True):
        if layer[one] != layer[other]:
            near[one].append(other)
            near[other].append(one)
    height = np.zeros(count)
    layers = [np.flatnonzero(layer == each) for each in np.unique(layer)]
    for nodes in layers:
        height[nodes] = -GAP * (np.arange(len(nodes)) - (len(nodes) - 1) / 2)
    for sweep in range(SWEEPS):
        onward, ordering = sweep % 2 == 0, sweep < SWEEPS - 4
        for nodes in layers if onward else layers[::-1]:
            wanted = height[nodes]
            for place, node in enumerate(nodes):
                # Orders come from one side, the last heights from both.
                sides = [
                    other
                    for other in near[node]
                    if not ordering or (layer[other] < layer[node]) == onward
                ]
                if sides:
                    wanted[place] = height[sides].mean()
            order = np.lexsort((height[nodes], wanted.round(6) if ordering else height[nodes]))
            height[nodes[order]] = _spaced(wanted[order])
    return height


def _spaced(wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return heights at least `GAP` apart, in this order, with the least squares to those wanted.

    Neighbours that would come too near form a block, which stands at its mean (pool adjacent
    violators).
    """
    steps = GAP * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []
    for value in wanted - steps:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, size = (before * many + mean * size) / (many + size), many + size
        blocks.append((mean, size))
    means, sizes = np.array(blocks).T
    heights: NDArray[np.float64] = steps + np.repeat(means, sizes.astype(np.int64))
    return heights
