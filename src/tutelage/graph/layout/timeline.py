"""Years from left to right, a lane for each kind of node."""

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.room import LEAST, stacked
from tutelage.graph.layout.scene import Places, Scene

YEAR = 1.5
"""The width of a year; the year 2000 is at 0, so that places hold when other years come in."""


def timeline(scene: Scene) -> Places:
    """Return places ``[nodes, 2]``; those that are fixed stay.

    What has no year stands at the mean year of its neighbours. Nodes of a kind and a year stand
    above each other, and lanes are as high as that makes them: works on top, then people, and on
    in the order of kinds.
    """
    places = np.stack([YEAR * (_years(scene) - 2000), np.zeros(len(scene))], axis=1)
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
