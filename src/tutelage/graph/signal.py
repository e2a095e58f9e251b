"""Signal: how near a node is to where a view begins, from 0 to 10.

Personalised PageRank (Page, Brin, Motwani and Winograd, 1999; Haveliwala, 2002) over the links of
the view, read both ways.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import GraphError
from tutelage.graph.model import Links
from tutelage.graph.undirected import both_ways

RESTART = 0.15


def page_rank(count: int, links: Links, seeds: Sequence[int] = ()) -> NDArray[np.float64]:
    """Return how often a random walker stands at each node: ``[count]``, with a sum of 1.

    At every step the walker begins anew with a probability of 0.15, at any of the seeds alike
    (without seeds: at any node), as it does where there is no link; else it follows a link, either
    way, in proportion to the link's weight times that of its kind. A link of a node to itself is
    no link.

    Raises:
        GraphError: a seed that is none of the nodes.
    """
    begin = np.zeros(count)
    if any(not 0 <= seed < count for seed in seeds):
        raise GraphError(f"seeds want to be among {count} nodes, got {sorted(seeds)}.")
    begin[list(seeds) or slice(None)] = 1.0
    begin /= max(begin.sum(), 1.0)
    source, target, weight = both_ways(links)
    leaving = np.bincount(source, weight, count)
    lost = leaving == 0
    share = weight / np.where(lost, 1.0, leaving)[source]
    rank, change = begin, 1.0
    while change > 1e-12:  # each step leaves at most 0.85 of the error
        walked = np.bincount(target, share * rank[source], count) + rank[lost].sum() * begin
        following = (1 - RESTART) * walked + RESTART * begin
        change, rank = float(np.abs(following - rank).sum()), following
    return rank


def signal(count: int, links: Links, seeds: Sequence[int] = ()) -> NDArray[np.int64]:
    """Return each node's signal ``[count]``: ``round(10 sqrt(r / max r))`` with r of `page_rank`.

    The square root keeps small values apart. The strongest node always has 10, so a lone seed has.

    Raises:
        GraphError: a seed that is none of the nodes.
    """
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    rank = page_rank(count, links, seeds)
    # Rounded once before, so that in no order of the nodes a half falls to either side.
    tenths: NDArray[np.float64] = np.round(10 * np.sqrt(rank / rank.max()), 6)
    return np.rint(tenths).astype(np.int64)
