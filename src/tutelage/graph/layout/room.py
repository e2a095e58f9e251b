"""Room for nodes and their labels: none stands on another, and separate parts lie side by side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.scene import Places

LEAST = 0.62
"""How near two nodes may stand."""


def separated(places: Places, fixed: NDArray[np.bool_], *, rounds: int = 200) -> Places:
    """Return places of which no two are nearer than `LEAST`, unless both are fixed.

    Nodes that stand too near push each other, the free ones, apart; what finds no room like that
    goes to the nearest gap.
    """
    from scipy.spatial import cKDTree

    places = places.copy()
    for _ in range(rounds):
        pair = cKDTree(places).query_pairs(LEAST, output_type="ndarray")
        one, other = pair[~(fixed[pair[:, 0]] & fixed[pair[:, 1]])].T
        if len(one) == 0:
            return places
        apart = places[other] - places[one]
        near = np.hypot(apart[:, 0], apart[:, 1])
        same = near < 1e-6
        turn = 2.4 * (one + other)[same]  # the golden angle: no two ways alike
        apart[same] = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        push = apart / np.where(same, 1.0, near)[:, None] * (1.02 * LEAST - near)[:, None]
        movable = 2.0 - fixed[one] - fixed[other]  # how many share the way
        push /= movable[:, None]
        for axis in (0, 1):
            moved = np.bincount(other, push[:, axis], len(places))
            moved -= np.bincount(one, push[:, axis], len(places))
            places[:, axis] += np.where(fixed, 0.0, moved)
    return _into_gaps(places, fixed)


def _into_gaps(places: Places, fixed: NDArray[np.bool_]) -> Places:
    from scipy.spatial import cKDTree

    placed = [*places[fixed]]
    step = np.arange(4 * len(places) + 50)
    spiral = LEAST / 2 * np.sqrt(step)[:, None]
    spiral = spiral * np.stack([np.cos(2.4 * step), np.sin(2.4 * step)], axis=1)
    for node in np.flatnonzero(~fixed):
        choices = places[node] + spiral
        if placed:
            near, _ = cKDTree(np.array(placed)).query(choices, distance_upper_bound=LEAST)
            choices = choices[near >= LEAST]
        places[node] = choices[0]
        placed.append(places[node])
    return places


def packed(parts: Sequence[Places], *, gap: float = 1.0) -> list[Places]:
    """Return parts moved side by side: the first stays, the others fill columns to its right."""
    if not parts:
        return []
    low, high = parts[0].min(axis=0), parts[0].max(axis=0)
    sizes = [part.max(axis=0) - part.min(axis=0) + gap for part in parts[1:]]
    area = sum((float(width * height) for width, height in sizes), start=0.0)
    # As high as the first, or as makes everything half as high again as wide.
    tall = max(float(high[1] - low[1]) + gap, (area / 1.6) ** 0.5)
    top = float(high[1] + low[1] + tall) / 2
    left, y, wide = float(high[0]) + gap, top, 0.0
    moved = [parts[0]]
    for part, (width, height) in zip(parts[1:], sizes, strict=True):
        if y < top and y - height < top - tall - 1e-9:
            left, y, wide = left + wide, top, 0.0
        corner = np.array([part[:, 0].min(), part[:, 1].max()])
        moved.append(part - corner + (left, y - gap / 2))
        y, wide = y - float(height), max(wide, float(width))
    return moved


def stacked(places: Places, fixed: NDArray[np.bool_]) -> Places:
    """Return places of which no two are nearer than `LEAST`, moved only up or down.

    Free nodes come one after the other, those of the smallest index first, and each takes the room
    that is nearest to where it was.
    """
    places, there = places.copy(), fixed.copy()
    for node in np.flatnonzero(~fixed):
        x, y = places[node]
        beside = places[there & (np.abs(places[:, 0] - x) < LEAST)]
        half = np.sqrt(LEAST**2 - (beside[:, 0] - x) ** 2)
        places[node, 1] = _nearest_outside(float(y), beside[:, 1] - half, beside[:, 1] + half)
        there[node] = True
    return places


def _nearest_outside(value: float, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
    """Return the number nearest to `value` that lies inside none of the open intervals."""
    low, high = -np.inf, -np.inf  # of intervals that overlap, taken together
    for start, end in sorted(zip(starts.tolist(), ends.tolist(), strict=True)):
        if start < high - 1e-9:
            high = max(high, end)
        elif value < high:
            break
        else:
            low, high = start, end
    if not low < value < high:
        return value
    return low if value - low < high - value else high
