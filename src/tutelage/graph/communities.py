"""Communities: groups of nodes with more links among themselves than chance would give them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import Links
from tutelage.graph.undirected import both_ways

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SMALL = 20_000
"""Links up to which there is time for several trials."""


def communities(count: int, links: Links) -> NDArray[np.int64]:
    """Return the community of each node ``[count]``: 0 the largest, ties by the first node.

    The Louvain method (Blondel, Guillaume, Lambiotte and Lefebvre, 2008) on links both ways, with
    weights, in columns: not one node after the other moves but a random part of all that would
    gain, and a sweep that made things worse is taken back. Equal input gives equal communities. A
    node without links is a community of its own.
    """
    from scipy.sparse import csr_array

    source, target, weight = both_ways(links)
    graph = csr_array((weight, (source, target)), shape=(count, count))
    graph.sum_duplicates()
    trials = [_louvain(graph, seed) for seed in range(3 if len(links) <= SMALL else 1)]
    best = max(trials, key=lambda found: modularity(graph, found), default=np.arange(count))
    _, first, group, size = np.unique(
        best, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -size))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number[group]


def modularity(graph: "csr_array", group: NDArray[np.int64]) -> float:
    """Return the part of all weight that lies inside groups, less what chance would put there.

    Source: Newman and Girvan, 2004. `graph` has every link both ways.
    """
    total = float(graph.sum())
    if total == 0:
        return 0.0
    at = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    inside = graph.data[group[at] == group[graph.indices]].sum()
    degree = np.bincount(group, graph.sum(axis=1))
    return float(inside / total - ((degree / total) ** 2).sum())


def _louvain(graph: "csr_array", seed: int) -> NDArray[np.int64]:
    """Return groups that neither moving a node nor joining two of them betters."""
    random = np.random.default_rng(seed)
    group, reached = np.arange(graph.shape[0]), -1.0
    while (found := modularity(graph, group)) > reached + 1e-6:
        reached = found
        group = _moved(graph, group, random)
        # Groups become nodes, which move in their turn, until none does.
        while True:
            _, group = np.unique(group, return_inverse=True)
            joined = _joined(graph, group)
            upper = _moved(joined, np.arange(joined.shape[0]), random)
            if len(np.unique(upper)) == joined.shape[0]:
                break
            group = upper[group]
    return group


def _joined(graph: "csr_array", group: NDArray[np.int64]) -> "csr_array":
    from scipy.sparse import csr_array

    at = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    groups = int(group.max(initial=-1)) + 1
    ends = (group[at], group[graph.indices])
    joined = csr_array((graph.data, ends), shape=(groups, groups))
    joined.sum_duplicates()
    return joined


def _moved(
    graph: "csr_array", group: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the groups after nodes moved to where they gain most, until that betters nothing."""
    reached, part = modularity(graph, group), 0.5
    while part > 0.05:
        better, gains = _best(graph, group)
        if not gains.any():
            break
        trial = np.where(gains & (random.random(len(group)) < part), better, group)
        found = modularity(graph, trial)
        if found > reached:
            # What betters little is left to the next level, which is cheaper.
            part = part if found > reached + 1e-4 else part / 2
            group, reached = trial, found
        else:
            part /= 2
    return group


def _best(
    graph: "csr_array", group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the group each node would gain most in, and whether that is more than in its own."""
    from scipy.sparse import csr_array

    count, total, degree = graph.shape[0], float(graph.sum()), graph.sum(axis=1)
    toward = csr_array(
        (graph.data, group[graph.indices], graph.indptr), shape=graph.shape, copy=True
    )
    toward.sum_duplicates()  # [node, group]: the weight between them
    node = np.repeat(np.arange(count), np.diff(toward.indptr))
    of = np.bincount(group, degree, count)
    own = toward.indices == group[node]
    # Neither a node's link to itself nor its own degree speaks for staying.
    weight = toward.data - np.where(own, graph.diagonal()[node], 0.0)
    gain = weight - degree[node] * (of[toward.indices] - own * degree[node]) / max(total, 1e-300)
    staying = -degree * (of[group] - degree) / max(total, 1e-300)
    staying[node[own]] = gain[own]
    most = np.full(count, -np.inf)
    np.maximum.at(most, node, gain)
    better, top = group.copy(), gain >= most[node]
    better[node[top][::-1]] = toward.indices[top][::-1]  # of equals the first
    return better, most > staying + 1e-12 * max(total, 1.0)
