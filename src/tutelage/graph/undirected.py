"""Links read both ways, as what counts who is near whom wants them."""

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import LINK_CODES, LINK_KINDS, Links

_KIND_WEIGHTS = np.array([LINK_KINDS[name].weight for name in LINK_CODES])


def both_ways(links: Links) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return source, target and weight of every link once each way: ``[2 * links]``.

    The weight is the link's times its kind's. A link of a node to itself is left out.
    """
    real = links.source != links.target
    one, other = links.source[real], links.target[real]
    weight = links.weight[real] * _KIND_WEIGHTS[links.kind[real]]
    return (
        np.concatenate([one, other]),
        np.concatenate([other, one]),
        np.concatenate([weight, weight]),
    )
