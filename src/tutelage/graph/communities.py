"""Communities: groups of nodes with more links among themselves than chance would give them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import Links
from tutelage.graph.undirected import both_ways

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SMALL = 20_000
"""Links up to which there is time for several trials, and for what betters little."""
LEAST, LEAST_OF_MANY = 1e-6, 1e-3  # modularity that is worth another round


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
    level, few = _Level(graph), len(links) <= SMALL
    trials = [
        _louvain(level, seed, LEAST if few else LEAST_OF_MANY) for seed in range(3 if few else 1)
    ]
    best = max(trials, key=level.modularity, default=np.arange(count))
    _, first, group, size = np.unique(
        best, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -size))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number[group]


class _Level:
    """A graph with every link both ways, and what is asked of it again and again."""

    def __init__(self, graph: "csr_array") -> None:
        self.graph = graph
        self.count = graph.shape[0]
        self.degree = graph.sum(axis=1)  # of each node, a link to itself once
        self.total = float(self.degree.sum())
        self.to_itself = graph.diagonal()
        self.at = np.repeat(np.arange(self.count, dtype=graph.indices.dtype), np.diff(graph.indptr))

    def modularity(self, group: NDArray[np.int64]) -> float:
        """Return the part of all weight that lies inside groups, less what chance would put there.

        Source: Newman and Girvan, 2004.
        """
        if self.total == 0:
            return 0.0
        inside = self.graph.data @ (group[self.at] == group[self.graph.indices])
        degree = np.bincount(group, self.degree)
        return float(inside / self.total - ((degree / self.total) ** 2).sum())

    def joined(self, group: NDArray[np.int64]) -> "_Level":
        """Return the graph of groups, which are numbered without gaps."""
        from scipy.sparse import csr_array

        groups = int(group.max(initial=-1)) + 1
        ends = group[self.at], group[self.graph.indices]
        joined = csr_array((self.graph.data, ends), shape=(groups, groups))
        joined.sum_duplicates()
        return _Level(joined)


def _louvain(level: _Level, seed: int, least: float) -> NDArray[np.int64]:
    """Return groups that neither moving a node nor joining two of them betters by much."""
    random = np.random.default_rng(seed)
    group, reached = np.arange(level.count), -1.0
    while (found := level.modularity(group)) > reached + least:
        reached = found
        group = _moved(level, group, random)
        # Groups become nodes, which move in their turn, until none does.
        while True:
            _, group = np.unique(group, return_inverse=True)
            joined = level.joined(group)
            upper = _moved(joined, np.arange(joined.count), random)
            if len(np.unique(upper)) == joined.count:
                break
            group = upper[group]
    return group


def _moved(
    level: _Level, group: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the groups after nodes moved to where they gain most, until that betters nothing."""
    reached, part = level.modularity(group), 0.5
    asked = np.ones(level.count, dtype=bool)  # once more: at first all, then near a move
    better, gains = group.copy(), np.zeros(level.count, dtype=bool)
    while part > 0.05:
        rows = np.flatnonzero(asked)
        better[rows], gains[rows] = _best(level, group, rows)
        if not gains.any():
            break
        moves = gains & (random.random(len(group)) < part)
        trial = np.where(moves, better, group)
        found = level.modularity(trial)
        if found > reached:
            # What betters little is left to the next level, which is cheaper.
            part = part if found > reached + 1e-4 else part / 2
            group, reached = trial, found
            asked = gains.copy()
            asked[level.graph[np.flatnonzero(moves)].indices] = True
        else:
            part /= 2
            asked[:] = True
    return group


def _best(
    level: _Level, group: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the group each of some nodes would gain most in, and whether that is more than now."""
    graph = level.graph if len(rows) == level.count else level.graph[rows]
    toward = type(graph)((graph.data, group[graph.indices], graph.indptr), graph.shape, copy=True)
    toward.sum_duplicates()  # [node, group]: the weight between them
    node = np.repeat(np.arange(len(rows)), np.diff(toward.indptr))
    own, degree = group[rows], level.degree[rows]
    of = np.bincount(group, level.degree, level.count) / max(level.total, 1e-300)
    stays = toward.indices == own[node]
    gain = toward.data - degree[node] * of[toward.indices]
    # Neither a node's link to itself nor its own degree speaks for staying.
    share = degree**2 / max(level.total, 1e-300)
    staying = share - degree * of[own]
    here = node[stays]
    gain[stays] += (share - level.to_itself[rows])[here]
    staying[here] = gain[stays]
    most = np.full(len(rows), -np.inf)
    np.maximum.at(most, node, gain)
    better, top = own.copy(), gain >= most[node]
    better[node[top][::-1]] = toward.indices[top][::-1]  # of equals the first
    return better, most > staying + 1e-12 * max(level.total, 1.0)
