"""Linked nodes near each other, others apart; parts that no link joins side by side."""

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.room import LEAST, packed, separated
from tutelage.graph.layout.scene import Places, Scene, connected, within
from tutelage.graph.layout.settle import EXACT, repulsion_near, settle, spread_start
from tutelage.graph.layout.stress import least_stress

FEW = 100
GRAVITY = 0.2
"""Keeps arms of a large part from reaching far out, beside links that pull by 1."""

WIDE = 1.25
"""How much wider than high everything is drawn, since labels lie flat."""


def force(scene: Scene) -> Places:
    """Return places ``[nodes, 2]``; those that are fixed stay."""
    places = scene.places / (WIDE, 1.0)
    parts = connected(scene.one, scene.other, len(scene))
    standing = [part for part in parts if scene.fixed[part].any()]
    # What hangs on nodes that stand settles around them; any other part is laid out on its own.
    groups = [np.sort(np.concatenate(standing))] if standing else []
    groups += [part for part in parts if not scene.fixed[part].any()]
    laid = [
        _joining(scene, part, places) if place < len(standing[:1]) else _alone(scene, part)
        for place, part in enumerate(groups)
    ]
    for part, found in zip(groups, packed(laid), strict=True):
        places[part] = found
    if not standing and len(places):
        places -= (places.max(axis=0) + places.min(axis=0)) / 2
    return separated(places, scene.fixed) * (WIDE, 1.0)


def _alone(scene: Scene, part: NDArray[np.int64]) -> Places:
    """Return places for a part of which nothing stands yet."""
    count = len(part)
    if count == 1:
        return np.zeros((1, 2))
    one, other, pull = within(part, scene.one, scene.other, scene.pull, len(scene))
    if count <= FEW:
        places = least_stress(count, one, other, pull)
    else:
        start = spread_start(count, one, other, pull) * np.sqrt(count) / 3
        places = settle(
            start,
            one,
            other,
            pull,
            free=np.ones(count, dtype=np.bool_),
            charge=np.ones(count),
            k=pull.sum() / (count * (count - 1) / 2),  # links of length 1
            steps=200,
            reach=np.sqrt(count) / 4,
            gravity=GRAVITY,
        )
    return _turned(_roomy(places), scene.kinds[part])


def _joining(scene: Scene, part: NDArray[np.int64], places: Places) -> Places:
    """Return places for parts of which some nodes stand: the others settle around these."""
    one, other, pull = within(part, scene.one, scene.other, scene.pull, len(scene))
    fixed, places = scene.fixed[part], places[part]
    return settle(
        _beside_neighbours(places, one, other, fixed),
        one,
        other,
        pull,
        free=~fixed,
        charge=np.ones(len(part)),
        k=1.0,
        steps=80,
        reach=0.5,
        repulsion=repulsion_near,
    )


def _beside_neighbours(
    places: Places, one: NDArray[np.int64], other: NDArray[np.int64], fixed: NDArray[np.bool_]
) -> Places:
    """Return places where all that had none begin at the mean of those neighbours that have one."""
    places, count, known = places.copy(), len(places), fixed.copy()
    source, target = np.concatenate([one, other]), np.concatenate([other, one])
    while not known.all():
        telling = known[source] & ~known[target]
        to, begin = target[telling], places[source[telling]]
        told = np.bincount(to, minlength=count)
        new = told > 0
        for axis in (0, 1):
            places[new, axis] = np.bincount(to, begin[:, axis], count)[new] / told[new]
        turn = 2.4 * np.flatnonzero(new)  # so that no two begin at one point
        places[new] += 0.3 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        known |= new
    return places


def _roomy(places: Places) -> Places:
    """Return places grown until most nodes have room, and moved where some still have none."""
    from scipy.spatial import cKDTree

    near, _ = cKDTree(places).query(places, k=[2])
    grown = places * max(1.0, LEAST / max(float(np.median(near)), 0.05))
    return separated(grown, np.zeros(len(places), dtype=np.bool_))


def _turned(places: Places, kinds: NDArray[np.int64]) -> Places:
    """Return places turned so that labels have room and kinds read from left to right."""
    places = places - places.mean(axis=0)
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    turned = [places @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    places = min(turned, key=lambda these: round(_crowded(these), 6))
    if np.dot(places[:, 0], kinds - kinds.mean()) < 0:
        places = places * (-1.0, 1.0)
    if np.dot(places[:, 1], np.arange(len(places))) > 0:
        places = places * (1.0, -1.0)
    return places


def _crowded(places: Places) -> float:
    """Return how much labels overlap, and how high the whole is for its width."""
    wide, high = np.ptp(places, axis=0) + 1.0
    if len(places) > EXACT:
        return float(high / wide)
    across = np.abs(places[:, None, 0] - places[:, 0])
    along = np.abs(places[:, None, 1] - places[:, 1])
    overlap = np.maximum(0, 1 - across) * np.maximum(0, 1 - along / 0.5)
    return float((overlap.sum() - len(places)) / len(places) + 0.5 * high / wide)
