"""What a layout is given: nodes in the order of their names, links, and who stands already."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import LINK_CODES, LINK_KINDS, NODE_CODES, Links
from tutelage.graph.store import Place

Places = NDArray[np.float64]
"""``[nodes, 2]``: x, y."""

_PULL = np.array(
    [
        LINK_KINDS[name].weight * (0.25 if LINK_KINDS[name].projection else 1.0)
        for name in LINK_CODES
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A view to be laid out.

    `one`, `other` and `pull` are the pairs that are linked, each once, and how strongly a pair
    draws together: by its strongest kind of link, a projection a quarter, since it restates others.
    Weights of links have no common unit and do not matter. `upper` and `lower` are the pairs with
    a direction, from what was first to what came of it. `places` is nan where `fixed` is False.
    """

    kinds: NDArray[np.int64]
    years: NDArray[np.float64]  # nan = none
    one: NDArray[np.int64]
    other: NDArray[np.int64]
    pull: NDArray[np.float64]
    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    places: Places
    fixed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kinds)

    @classmethod
    def of(
        cls,
        links: Links,
        *,
        kinds: Sequence[str],
        years: Sequence[int | None],
        pinned: Sequence[Place | None],
    ) -> "Scene":
        """Return the scene of links whose ends are positions in the other columns."""
        one, other, pull = pairs(links, len(kinds), _PULL[links.kind])
        upper, lower = _flow(links)
        nowhere = (np.nan, np.nan)
        places = [(place.x, place.y) if place else nowhere for place in pinned]
        return cls(
            kinds=np.array([NODE_CODES.index(kind) for kind in kinds], dtype=np.int64),
            years=np.array([np.nan if year is None else year for year in years], dtype=np.float64),
            one=one,
            other=other,
            pull=pull,
            upper=upper,
            lower=lower,
            places=np.array(places, dtype=np.float64).reshape(-1, 2),
            fixed=np.array([place is not None for place in pinned], dtype=np.bool_),
        )


def pairs(
    links: Links, count: int, pull: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs that are linked, sorted, each once with its strongest pull."""
    real = links.source != links.target
    low = np.minimum(links.source, links.target)[real]
    high = np.maximum(links.source, links.target)[real]
    pair, place = np.unique(low * count + high, return_inverse=True)
    strongest = np.zeros(len(pair))
    np.maximum.at(strongest, place, pull[real])
    return pair // max(count, 1), pair % max(count, 1), strongest


def connected(
    one: NDArray[np.int64], other: NDArray[np.int64], count: int
) -> list[NDArray[np.int64]]:
    """Return the nodes of each connected part, the largest first."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    graph = csr_array((np.ones(len(one)), (one, other)), shape=(count, count))
    _, part = connected_components(graph, directed=False)
    order = np.argsort(part, kind="stable")
    cuts = np.flatnonzero(np.diff(part[order])) + 1
    return sorted(np.split(order, cuts), key=lambda nodes: -len(nodes)) if count else []


def within(
    part: NDArray[np.int64],
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    pull: NDArray[np.float64],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of some of `count` nodes, numbered within these."""
    number = np.full(count, -1, dtype=np.int64)
    number[part] = np.arange(len(part))
    inside = (number[one] >= 0) & (number[other] >= 0)
    return number[one[inside]], number[other[inside]], pull[inside]


# These are read from what came later to what was there before, other directed kinds onwards.
_BACKWARD = [LINK_CODES.index(name) for name in ("cites", "builds_on", "uses", "trains_on")]
_DIRECTED = np.array([LINK_KINDS[name].directed for name in LINK_CODES])


def _flow(links: Links) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    real = _DIRECTED[links.kind] & (links.source != links.target)
    source, target = links.source[real], links.target[real]
    turned = np.isin(links.kind[real], _BACKWARD)
    ends = np.stack([np.where(turned, target, source), np.where(turned, source, target)], axis=1)
    flow = np.unique(ends, axis=0)
    return flow[:, 0], flow[:, 1]
