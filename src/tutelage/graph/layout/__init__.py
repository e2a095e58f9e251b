"""Where nodes stand: views of a few to thousands of nodes, and the map of everything.

Units: about 1 between two nodes that are linked; x to the right, y upwards. Equal input gives equal
places, in whichever order nodes and links come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import GraphError
from tutelage.graph.communities import communities
from tutelage.graph.layout.force import force
from tutelage.graph.layout.layered import layered
from tutelage.graph.layout.scene import Scene
from tutelage.graph.layout.timeline import timeline
from tutelage.graph.layout.whole import whole
from tutelage.graph.model import Layout, Links
from tutelage.graph.store import Place

__all__ = ["Engine", "lay_out", "map_places"]

Engine = Literal["own", "igraph"]
LAYOUTS = {"force": force, "layered": layered, "timeline": timeline}


def lay_out(
    keys: Sequence[str],
    links: Links,
    *,
    layout: Layout,
    pinned: Mapping[str, Place],
    kinds: Sequence[str],
    years: Sequence[int | None],
) -> dict[str, Place]:
    """Return a place for every node of a view.

    Args:
        keys: names of the nodes, each once.
        links: their ends are positions in `keys`.
        layout: "force" (linked nodes near each other), "layered" (what something comes from stands
            to its left) or "timeline" (x is the year, a lane for each kind).
        pinned: nodes that stand already, and stay exactly there; the others find room near those
            they are linked with. Names that are not in `keys` are passed over.
        kinds: each node's kind.
        years: each node's year, if it has one.

    Raises:
        GraphError: columns of different lengths, a name twice, or a link to no node.
    """
    if not len(keys) == len(kinds) == len(years):
        raise GraphError(
            f"keys, kinds and years want one length, got {len(keys)}, {len(kinds)}, {len(years)}."
        )
    if len(set(keys)) < len(keys):
        raise GraphError("a view wants each node once, got a key twice.")
    _demand_ends(links, len(keys))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    number = np.empty(len(keys), dtype=np.int64)
    number[order] = np.arange(len(keys))
    scene = Scene.of(
        replace(links, source=number[links.source], target=number[links.target]),
        kinds=[kinds[place] for place in order],
        years=[years[place] for place in order],
        pinned=[pinned.get(keys[place]) for place in order],
    )
    places = LAYOUTS[layout](scene)
    found = {keys[at]: Place(float(x), float(y)) for at, (x, y) in zip(order, places, strict=True)}
    return {key: pinned.get(key, found[key]) for key in keys}


def map_places(
    links: Links,
    count: int,
    *,
    engine: Engine = "own",
    group: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return places ``[count, 2]`` for the map of everything: 100,000 nodes in seconds.

    Args:
        links: whose ends are numbers below `count`.
        count: nodes.
        engine: "igraph" for the places of that library, an optional extra under the GPL.
        group: the `communities` of the nodes ``[count]``, where they are known already: to find
            them takes as long as all else.

    Raises:
        GraphError: a link to no node, or igraph is wanted and not installed.
    """
    _demand_ends(links, count)
    if engine == "igraph":
        from tutelage.graph.layout.igraph import by_igraph

        return by_igraph(links, count)
    return whole(links, count, communities(count, links) if group is None else group)


def _demand_ends(links: Links, count: int) -> None:
    ends = np.concatenate([links.source, links.target])
    if len(ends) and not 0 <= ends.min() <= ends.max() < count:
        raise GraphError(
            f"links want to join nodes from 0 to {count - 1}, got {ends.min()} to {ends.max()}."
        )
