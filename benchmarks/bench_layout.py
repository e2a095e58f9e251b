"""How long places take, and how good they are, for views and for maps.

    python -m benchmarks layout     # about 2 minutes

On planted graphs: groups of some 100 nodes, 3 links a node, 15 of 100 of them to anywhere.
`separation` is the mean distance of two nodes of a group, as a part of that of two of different
groups: the less, the better a group is seen. `ratio` is the time of another library's layout to
ours, where it can do that size: networkx' `spring_layout` (50 rounds), and igraph's
Fruchterman-Reingold on a grid (100 rounds), which is under the GPL, when it is installed.
"""

import importlib.util
from collections.abc import Callable
from statistics import median
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Ratio, Report, in_turn, parsed, parser
from tutelage.graph.layout import lay_out, map_places
from tutelage.graph.model import LINK_CODES, Layout, Links

NETWORKX_UP_TO = 2_000
SECONDS = {10_000: 2.0, 100_000: 25.0}  # what is aimed at
KINDS = ("work", "person", "topic", "run")


def planted(count: int, *, degree: int = 6, mixed: float = 0.15) -> tuple[Links, NDArray[np.int64]]:
    """Return links of which a part `mixed` ends anywhere, and each node's group ``[count]``."""
    random = np.random.default_rng(0)
    groups, tried = max(count // 100, 2), count * degree // 2
    group = np.sort(random.integers(0, groups, count))
    first, size = np.searchsorted(group, np.arange(groups)), np.bincount(group, minlength=groups)
    source = random.integers(0, count, tried)
    own = group[source]
    inside = first[own] + (random.random(tried) * size[own]).astype(np.int64)
    target = np.where(random.random(tried) < mixed, random.integers(0, count, tried), inside)
    zeros = np.zeros(tried, dtype=np.int64)
    cites = np.full(tried, LINK_CODES.index("cites"))
    links = Links(
        source=source,
        kind=cites,
        target=target,
        weight=np.ones(tried),
        count=zeros,
        strength=zeros.astype(np.float64),
    )
    return links, group


def separation(places: NDArray[np.float64], group: NDArray[np.int64]) -> float:
    """Return the mean distance within groups as a part of that between them, of 200,000 pairs."""
    random, count = np.random.default_rng(0), len(places)
    order = np.argsort(group, kind="stable")
    size = np.bincount(group)
    first = np.cumsum(size) - size
    one, other = random.integers(0, count, (2, 200_000))
    fellow = order[first[group[one]] + (random.random(len(one)) * size[group[one]]).astype(int)]
    apart = group[one] != group[other]
    between = np.hypot(*(places[one] - places[other])[apart].T).mean()
    return float(np.hypot(*(places[one] - places[fellow]).T).mean() / between)


def view(links: Links, count: int, layout: Layout) -> NDArray[np.float64]:
    """Return the places of a view."""
    keys = [f"n{node:06}" for node in range(count)]
    kinds = [KINDS[node % len(KINDS)] for node in range(count)]
    years = [1990 + node % 35 for node in range(count)]
    found = lay_out(keys, links, layout=layout, pinned={}, kinds=kinds, years=years)
    return np.array([(found[key].x, found[key].y) for key in keys])


def by_networkx(links: Links, count: int) -> NDArray[np.float64]:
    """Return the places of `spring_layout`."""
    import networkx as nx

    graph = nx.Graph(zip(links.source.tolist(), links.target.tolist(), strict=True))
    graph.add_nodes_from(range(count))
    found = nx.spring_layout(graph, seed=0)
    return np.array([found[node] for node in range(count)])


def main() -> None:
    """Measure, print and write."""
    given = parsed(parser(__doc__, "layout", rounds=3))
    report = Report("times as fast as another library's layout", given.out)
    for count in (60, 300) if given.small else (300, 2_000, 10_000, 100_000):
        links, group = planted(count)
        contenders = layouts(links, count)
        found = {name: layout() for name, layout in contenders.items()}
        seconds = in_turn(contenders, rounds=given.rounds, warmup=0)
        ours = "map" if count > NETWORKX_UP_TO else "force"
        for name, places in found.items():
            other = name in ("networkx", "igraph")
            report.add(
                f"{name}, {count:,} nodes",
                ratio=Ratio.of(seconds[name], seconds[ours]) if other else None,
                seconds=round(median(seconds[name]), 3),
                aim=SECONDS.get(count, "") if name == "map" else "",
                separation=round(separation(places, group), 3),
            )
    report.finish()


def layouts(links: Links, count: int) -> dict[str, Callable[[], NDArray[np.float64]]]:
    """Return what can lay out so many nodes, by name."""
    made: dict[str, Callable[[], NDArray[np.float64]]] = {"map": lambda: map_places(links, count)}
    if count <= NETWORKX_UP_TO:
        for layout in get_args(Layout):
            made[layout] = lambda layout=layout: view(links, count, layout)  # type: ignore[misc]
        made["networkx"] = lambda: by_networkx(links, count)
    if importlib.util.find_spec("igraph"):
        made["igraph"] = lambda: map_places(links, count, engine="igraph")
    return made


if __name__ == "__main__":
    main()
