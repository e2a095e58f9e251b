"""Distances on the page like those along links: for views that an eye takes in at once."""

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.layout.scene import Places


def least_stress(
    count: int,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    pull: NDArray[np.float64],
    *,
    rounds: int = 300,
) -> Places:
    """Return places of a connected graph whose distances are nearest to those along its links.

    A link is 1 / sqrt(pull) long; squares count by 1 / length^2 (Kamada and Kawai, 1989). From the
    two largest vectors of classical scaling, by majorisation (Gansner, Koren and North, 2005).
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import shortest_path

    graph = csr_array((1 / np.sqrt(pull), (one, other)), shape=(count, count))
    wanted = shortest_path(graph, directed=False)
    centred = wanted**2 - (wanted**2).mean(axis=0)
    values, vectors = np.linalg.eigh(-(centred - centred.mean(axis=1)[:, None]) / 2)
    places: Places = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 1e-3))
    places += 1e-3 * np.random.default_rng(0).standard_normal((count, 2))  # none on another
    np.fill_diagonal(wanted, 1.0)
    weight = wanted**-2
    np.fill_diagonal(weight, 0.0)
    laplacian = np.diag(weight.sum(axis=1)) - weight
    back = np.linalg.pinv(laplacian, hermitian=True)
    for _ in range(rounds):
        x, y = places.T
        near = np.hypot(x[:, None] - x, y[:, None] - y)
        pushed = -weight * wanted / np.maximum(near, 1e-9)
        np.fill_diagonal(pushed, 0.0)
        np.fill_diagonal(pushed, -pushed.sum(axis=1))
        places = back @ (pushed @ places)
    return places
