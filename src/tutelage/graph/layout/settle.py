"""Springs along links and repulsion between all nodes, until they rest.

Linked nodes draw together by `pull` times their distance, and every two push each other apart by
k / distance, the field of charges in a plane. At rest the sum of pull x distance^2 over links is
therefore k times the number of pairs (the virial of both forces), which tells k for a wanted
length of links, or from nodes that rest already.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.scene import Places

NEAR = 2.0
"""How far nodes see each other that settle among those that stand."""

EXACT = 400
"""Nodes up to which every pair is reckoned; beyond, charges are spread on a mesh."""


def spread_start(
    count: int,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    pull: NDArray[np.float64],
    *,
    rounds: int = 60,
) -> Places:
    """Return places that put neighbours near each other: noise, smoothed along links.

    Each round moves every node halfway to its neighbours' mean (power iteration for the slow
    vectors of the random walk); then x and y are made independent and of spread 1.
    """
    smooth, random = _smoothing(count, one, other, pull), np.random.default_rng(0)
    places = random.standard_normal((count, 2))
    for _ in range(rounds):
        places = smooth(places)
        places -= places.mean(axis=0)
        places /= np.maximum(np.abs(places).max(axis=0), 1e-12)
    if count > 2:
        values, vectors = np.linalg.eigh(np.cov(places.T))
        places = places @ vectors[:, ::-1] / np.sqrt(np.maximum(values[::-1], 1e-12))
    # Twins, whose neighbours are the same, must not stand on each other: nothing would part them.
    return np.clip(places, -3, 3) + 1e-3 * random.standard_normal((count, 2))


def _smoothing(
    count: int, one: NDArray[np.int64], other: NDArray[np.int64], pull: NDArray[np.float64]
) -> Callable[[Places], Places]:
    from scipy.sparse import csr_array

    ends = (np.concatenate([one, other]), np.concatenate([other, one]))
    graph = csr_array((np.concatenate([pull, pull]), ends), shape=(count, count))
    degree = np.maximum(graph.sum(axis=1), 1e-12)[:, None]
    return lambda places: 0.5 * (places + (graph @ places) / degree)


def settle(
    places: Places,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    pull: NDArray[np.float64],
    *,
    free: NDArray[np.bool_],
    charge: NDArray[np.float64],
    k: float,
    steps: int,
    reach: float,
    gravity: float = 0.0,
    repulsion: Callable[[Places, NDArray[np.float64]], Places] | None = None,
) -> Places:
    """Return places after so many steps, the first of at most `reach`, the last of a fiftieth.

    Nodes that are not `free` stay. `gravity` draws to the origin, by distance.
    """
    count = len(places)
    ends = np.concatenate([one, other])
    stiffness = np.bincount(ends, np.concatenate([pull, pull]), count) + gravity
    stiffness = 2 * np.maximum(stiffness, 0.25)[:, None]  # springs and charges, both ends
    repulsion = repulsion or (repulsion_exact if count <= EXACT else repulsion_mesh)
    places = places.copy()
    for step in range(steps):
        force = k * charge[:, None] * repulsion(places, charge) - gravity * places
        drawn = pull[:, None] * (places[other] - places[one])
        for axis in (0, 1):
            force[:, axis] += np.bincount(one, drawn[:, axis], count)
            force[:, axis] -= np.bincount(other, drawn[:, axis], count)
        move = force / stiffness
        length = np.maximum(np.hypot(move[:, 0], move[:, 1]), 1e-12)
        most = reach * (0.02 / reach) ** (step / max(steps - 1, 1))
        move *= np.minimum(1.0, most / length)[:, None]
        places[free] += move[free]
    return places


def repulsion_exact(places: Places, charge: NDArray[np.float64]) -> Places:
    """Return the field at each node ``[nodes, 2]`` of all other charges."""
    x, y = places.T
    across, along = x[:, None] - x, y[:, None] - y
    near = across**2 + along**2 + 1e-9
    weight = charge / near
    return np.stack([(across * weight).sum(axis=1), (along * weight).sum(axis=1)], axis=1)


def repulsion_near(places: Places, charge: NDArray[np.float64]) -> Places:
    """Return the field of charges nearer than `NEAR` alone, so that no far crowd pushes."""
    from scipy.spatial import cKDTree

    one, other = cKDTree(places).query_pairs(NEAR, output_type="ndarray").T
    apart = places[one] - places[other]
    square = np.maximum((apart**2).sum(axis=1), 1e-9)[:, None]
    push = apart * (1 / square - 1 / NEAR**2)
    field = np.empty_like(places)
    for axis in (0, 1):
        field[:, axis] = np.bincount(one, push[:, axis] * charge[other], len(places))
        field[:, axis] -= np.bincount(other, push[:, axis] * charge[one], len(places))
    return field


def repulsion_mesh(places: Places, charge: NDArray[np.float64]) -> Places:
    """Return nearly the same field in time that grows with the number of nodes, not of pairs.

    Charges are spread over the four nearest points of a mesh, its potential is a convolution, and
    the slope of that is read back in the same way (particle mesh: Hockney and Eastwood, 1981).
    Within a cell the field is softer than it should be.
    """
    from scipy.fft import irfft2, rfft2

    count = len(places)
    size = 1 << int(np.clip(np.ceil(np.log2(1.4 * np.sqrt(count))), 6, 10))
    low = places.min(axis=0)
    cell = max(float((places.max(axis=0) - low).max()) / (size - 4), 1e-9)
    at = (places - low) / cell + 1.5
    whole = at.astype(np.int64)
    part = at - whole
    corners = [
        ((whole[:, 0] + right) * size + whole[:, 1] + up,
         np.abs(1 - right - part[:, 0]) * np.abs(1 - up - part[:, 1]))
        for right in (0, 1) for up in (0, 1)
    ]  # fmt: skip
    mass = np.zeros(size * size)
    for point, share in corners:
        mass += np.bincount(point, charge * share, size * size)
    shape = (2 * size, 2 * size)
    spectrum = rfft2(mass.reshape(size, size), shape) * _kernel(size)
    potential = irfft2(spectrum, shape)[:size, :size]
    field = np.zeros((count, 2))
    for axis, slope in enumerate(np.gradient(potential)):
        flat = slope.ravel()
        for point, share in corners:
            field[:, axis] -= share * flat[point]
    return field / cell


_KERNELS: dict[int, NDArray[np.complex128]] = {}


def _kernel(size: int) -> NDArray[np.complex128]:
    """Return the spectrum of -log of the distance, in cells, without wrapping around."""
    from scipy.fft import rfft2

    if size not in _KERNELS:
        far = np.minimum(np.arange(2 * size), 2 * size - np.arange(2 * size)).astype(np.float64)
        _KERNELS[size] = rfft2(-0.5 * np.log(far[:, None] ** 2 + far**2 + 0.3))
    return _KERNELS[size]
