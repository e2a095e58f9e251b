"""Signal is personalised PageRank, by networkx and by the published numbers of the first case."""

import networkx as nx
import numpy as np
import pytest

from tests.graph.graphs import links_of, planted, reference
from tutelage.errors import GraphError
from tutelage.graph.model import LINK_CODES, LINK_KINDS, Links
from tutelage.graph.signal import page_rank, signal


def by_networkx(count: int, links: Links, seeds: list[int]) -> list[float]:
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    for source, kind, target, weight in zip(
        links.source, links.kind, links.target, links.weight, strict=True
    ):
        before = graph.get_edge_data(source, target, {"weight": 0.0})["weight"]
        weight = before + weight * LINK_KINDS[LINK_CODES[kind]].weight
        graph.add_edge(source, target, weight=weight)
    begin = dict.fromkeys(seeds, 1.0) or None
    ranks = nx.pagerank(graph, alpha=0.85, personalization=begin, tol=1e-13, max_iter=1000)
    return [ranks[node] for node in range(count)]


@pytest.mark.parametrize("seeds", [[], [0], [3, 7]])
def test_it_is_what_networkx_finds_also_with_nodes_that_have_no_link(seeds: list[int]) -> None:
    pairs, _ = planted(60, 3, degree=3, mixed=0.2)
    kinds = [LINK_CODES[place % 7] for place in range(len(pairs))]
    links = links_of(pairs, kinds, np.linspace(0.1, 3, len(pairs)).tolist())
    found = page_rank(64, links, seeds)
    np.testing.assert_allclose(found, by_networkx(64, links, seeds), atol=1e-10)
    assert found.sum() == pytest.approx(1)


def test_the_first_case_has_the_signals_that_were_published() -> None:
    # Paper 10; the author with a field 5, the others 5; topics 5 and 4.
    assert signal(8, reference(), [0]).tolist() == [10, 5, 5, 5, 5, 5, 5, 4]
    rank = page_rank(8, reference(), [0])
    assert rank[[0, 1, 2, 6, 7]].round(3).tolist() == [0.404, 0.103, 0.085, 0.086, 0.067]


def test_it_does_not_depend_on_the_order_of_nodes_or_links() -> None:
    pairs, _ = planted(200, 4, degree=5, mixed=0.3)
    random = np.random.default_rng(1)
    new = random.permutation(200)
    mixed = random.permutation(new[pairs])
    one, other = signal(200, links_of(pairs), [5]), signal(200, links_of(mixed), [int(new[5])])
    assert one.tolist() == other[new].tolist()


def test_a_seed_raises_itself_and_the_strongest_has_ten() -> None:
    pairs, _ = planted(200, 4, degree=5, mixed=0.3)
    usual = page_rank(200, links_of(pairs))
    for seed in range(0, 200, 40):
        assert page_rank(200, links_of(pairs), [seed])[seed] > usual[seed]
        assert signal(200, links_of(pairs), [seed]).max() == 10


def test_nothing_has_no_signal_and_nodes_without_links_are_alike() -> None:
    assert signal(0, links_of([])).tolist() == []
    assert signal(3, links_of([(1, 1)])).tolist() == [10, 10, 10]


def test_a_seed_that_is_no_node_is_told() -> None:
    with pytest.raises(GraphError, match="among 3 nodes"):
        signal(3, links_of([(0, 1)]), [3])
