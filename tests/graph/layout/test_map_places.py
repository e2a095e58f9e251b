"""The map keeps planted groups apart, in time, and says the same again."""

import importlib.util
import time
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.bench_layout import separation
from tests.graph.graphs import links_of, planted
from tutelage.errors import GraphError
from tutelage.graph.communities import communities
from tutelage.graph.layout import map_places
from tutelage.graph.layout.settle import repulsion_exact, repulsion_mesh


@pytest.mark.parametrize("count", [1000, 10_000])
def test_planted_groups_lie_apart(count: int) -> None:
    pairs, group = planted(count, count // 100, degree=6, mixed=0.15)
    began = time.process_time()
    places = map_places(links_of(pairs), count)
    assert time.process_time() - began < 10
    assert np.isfinite(places).all()
    # igraph's Fruchterman-Reingold on a grid was measured at 0.29 to 0.37 on such graphs.
    assert separation(places, group) <= 0.30
    assert np.median(np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)) == pytest.approx(1)
    known = communities(count, links_of(pairs))
    assert (map_places(links_of(pairs), count, group=known) == places).all()


def test_nodes_without_links_stay_with_the_others() -> None:
    pairs, _ = planted(900, 9, degree=6, mixed=0.1)
    far = np.abs(map_places(links_of(pairs), 1000)).max(axis=1)
    assert far[900:].max() < 3 * far[:900].max()


def test_parts_that_no_link_joins_lie_side_by_side_and_none_is_drawn_out() -> None:
    large, _ = planted(5000, 50, degree=8, mixed=0.15)
    small, _ = planted(80, 4, degree=6, mixed=0.2)
    couples = 5080 + np.arange(200).reshape(-1, 2)
    count = 5080 + 200 + 100  # and a hundred without links
    places = map_places(links_of(np.concatenate([large, small + 5000, couples])), count)
    boxes = [
        (places[part].min(axis=0), places[part].max(axis=0))
        for part in (np.unique(large), 5000 + np.unique(small), np.arange(5080, count))
    ]
    for one, other in combinations(boxes, 2):
        assert (one[1] < other[0]).any() or (other[1] < one[0]).any()
    wide, high = boxes[1][1] - boxes[1][0]
    assert 1 / 3 < wide / high < 3
    assert (boxes[0][1] - boxes[0][0] > 0.5 * np.ptp(places, axis=0)).all()


def test_couples_that_are_linked_to_nothing_else_can_be_told_apart() -> None:
    triangle = np.array([(1000, 1001), (1001, 1002), (1002, 1000)])
    pairs = np.concatenate([np.arange(1000).reshape(-1, 2), triangle])
    places = map_places(links_of(pairs), 1003)
    assert np.isfinite(places).all()
    lengths = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    assert lengths.min() > 0.5 * np.median(lengths)


def test_the_mesh_pushes_as_all_pairs_do() -> None:
    random = np.random.default_rng(0)
    places, charge = random.standard_normal((3000, 2)), random.uniform(1, 3, 3000)
    exact, mesh = repulsion_exact(places, charge), repulsion_mesh(places, charge)
    # Within a cell the mesh is softer, so single neighbours differ, and the crowd does not.
    assert _relative(mesh, exact) < 0.15


def _relative(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    return float(np.median(np.hypot(*(found - wanted).T) / np.hypot(*wanted.T)))


def test_igraph_draws_the_map_for_who_has_it_and_asks() -> None:
    pairs, group = planted(500, 5, degree=6, mixed=0.1)
    if importlib.util.find_spec("igraph") is None:
        with pytest.raises(GraphError, match=r"tutelage\[igraph\]"):
            map_places(links_of(pairs), 500, engine="igraph")
        return
    places = map_places(links_of(pairs), 500, engine="igraph")
    assert separation(places, group) < 0.6
    assert (map_places(links_of(pairs), 500, engine="igraph") == places).all()


def test_small_and_broken_maps() -> None:
    assert map_places(links_of([]), 0).shape == (0, 2)
    assert np.isfinite(map_places(links_of([]), 1)).all()
    assert np.isfinite(map_places(links_of([(0, 1)]), 2)).all()
    with pytest.raises(GraphError, match="from 0 to 1"):
        map_places(links_of([(0, 2)]), 2)
