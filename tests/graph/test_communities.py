"""Communities are as good as those of networkx, and found again where they were planted."""

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.graph.graphs import links_of, planted
from tutelage.graph.communities import communities

KARATE = np.array(nx.karate_club_graph().edges)


def modularity(count: int, pairs: NDArray[np.int64], group: NDArray[np.int64]) -> float:
    graph = nx.Graph(pairs.tolist())
    graph.add_nodes_from(range(count))
    sets = [set(np.flatnonzero(group == each).tolist()) for each in np.unique(group)]
    return float(nx.community.modularity(graph, sets))


@pytest.mark.parametrize(
    ("count", "pairs"),
    [
        (34, KARATE),
        (300, planted(300, 6, degree=8, mixed=0.3)[0]),
        (2000, planted(2000, 20, degree=10, mixed=0.4)[0]),
    ],
    ids=["karate club", "300", "2000"],
)
def test_they_are_at_most_two_percent_below_networkx(count: int, pairs: NDArray[np.int64]) -> None:
    graph = nx.Graph(pairs.tolist())
    theirs = nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=0))
    assert modularity(count, pairs, communities(count, links_of(pairs))) >= 0.98 * theirs


def test_groups_that_were_planted_are_found_again() -> None:
    pairs, group = planted(400, 4, degree=20, mixed=0.05)
    found = communities(400, links_of(pairs))
    assert len({*zip(group.tolist(), found.tolist(), strict=True)}) == 4


def test_the_largest_is_number_0_and_nodes_without_links_are_alone() -> None:
    pairs = [(0, 1), (3, 4), (4, 5), (3, 5), (6, 6)]
    assert communities(8, links_of(pairs)).tolist() == [1, 1, 2, 0, 0, 0, 3, 4]
    assert communities(0, links_of([])).tolist() == []


def test_a_heavy_link_binds_more_than_a_light_one() -> None:
    ring = [(0, 1), (1, 2), (2, 3), (3, 0)]
    assert communities(4, links_of(ring, weights=[9, 1, 9, 1])).tolist() == [0, 0, 1, 1]
    assert communities(4, links_of(ring, weights=[1, 9, 1, 9])).tolist() == [0, 1, 1, 0]
