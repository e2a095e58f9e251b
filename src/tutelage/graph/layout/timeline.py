"""Years from left to right, a lane for each kind of node."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.room import LEAST, stacked
from tutelage.graph.layout.scene import Places, Scene

YEAR = 2.0
"""The width of a year; the year 2000 is at 0, so that places hold when other years come in."""

ASIDE = 0.5
"""Half the way between the two columns that a year can have."""


def timeline(scene: Scene) -> Places:
    """Return places ``[nodes, 2]``; those that are fixed stay.

    What has no year stands at the mean year of its neighbours. Nodes of a kind and a year stand
    above each other, by turns a little to either side, so that their links can be told apart.
    Lanes are as high as that makes them: works on top, then people, in the order of kinds.
    """
    places = np.stack([YEAR * (_years(scene) - 2000), np.zeros(len(scene))], axis=1)
    places[:, 0] += _turns(places[:, 0], scene.kinds)
    places[scene.fixed] = scene.places[scene.fixed]
    nowhere = np.zeros(len(scene), dtype=np.bool_)
    floor = float(places[scene.fixed, 1].min()) - 2 * LEAST if scene.fixed.any() else 0.0
    for kind in np.unique(scene.kinds):
        lane = np.flatnonzero(scene.kinds == kind)
        standing = lane[scene.fixed[lane]]
        if len(standing):  # the others join them, where there is room
            places[lane[~scene.fixed[lane]], 1] = np.median(places[standing, 1])
            continue
        places[lane] = stacked(places[lane], nowhere[lane])
        places[lane, 1] += floor - places[lane, 1].max()
        floor = float(places[lane, 1].min()) - 2 * LEAST
    if not scene.fixed.any() and len(places):
        places[:, 1] -= (places[:, 1].max() + places[:, 1].min()) / 2
    return stacked(places, scene.fixed)


def _turns(x: NDArray[np.float64], kinds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far to the side each node stands: nothing where it is alone."""
    aside, seen = np.zeros(len(x)), Counter[tuple[float, int]]()
    groups = [*zip(x.round(6).tolist(), kinds.tolist(), strict=True)]
    sizes = Counter(groups)
    for node, group in enumerate(groups):
        if sizes[group] > 1:
            aside[node] = ASIDE * (-1) ** seen[group]
        seen[group] += 1
    return aside


def _years(scene: Scene) -> NDArray[np.float64]:
    years, count = scene.years.copy(), len(scene)
    source = np.concatenate([scene.one, scene.other])
    target = np.concatenate([scene.other, scene.one])
    while True:
        telling = ~np.isnan(years)[source] & np.isnan(years)[target]
        if not telling.any():
            break
        told = np.bincount(target[telling], minlength=count)
        total = np.bincount(target[telling], years[source[telling]], count)
        years[told > 0] = total[told > 0] / told[told > 0]
    known = years[~np.isnan(years)]
    return np.where(np.isnan(years), np.median(known) if len(known) else 2000.0, years)
