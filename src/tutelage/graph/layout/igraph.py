"""The map by igraph, for who has it: an optional extra, since its licence is the GPL."""

import random

import numpy as np

from tutelage.errors import GraphError
from tutelage.graph.layout.scene import Places, pairs
from tutelage.graph.model import Links


def by_igraph(links: Links, count: int) -> Places:
    """Return places ``[count, 2]`` by Fruchterman and Reingold's forces on a grid.

    Raises:
        GraphError: igraph is not installed.
    """
    try:
        import igraph
    except ImportError:
        raise GraphError(
            'a map by igraph wants that library: pip install "tutelage[igraph]" (GPL), or take '
            'the engine "own".'
        ) from None
    one, other, _ = pairs(links, count, np.ones(len(links)))
    graph = igraph.Graph(n=count, edges=np.stack([one, other], axis=1).tolist())
    igraph.set_random_number_generator(random.Random(0))
    try:
        laid = graph.layout_fruchterman_reingold(niter=100, grid=True)
    finally:
        igraph.set_random_number_generator(random)
    return np.array(laid.coords, dtype=np.float64).reshape(count, 2)
