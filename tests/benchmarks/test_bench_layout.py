"""The benchmark of layouts runs, in small, and sees groups that are apart."""

import numpy as np
import pytest

from benchmarks.bench_layout import separation
from tests.benchmarks.conftest import Small


def test_it_times_every_layout_and_measures_its_groups(small: Small) -> None:
    lines = {line["case"]: line for line in small("layout")}
    for name in ("force", "layered", "timeline", "map", "networkx"):
        assert float(lines[f"{name}, 300 nodes"]["seconds"]) > 0
    assert float(lines["map, 300 nodes"]["separation"]) < 0.5
    assert float(lines["networkx, 300 nodes"]["ratio"]) > 0


def test_separation_is_the_distance_within_groups_to_that_between() -> None:
    places = np.array([(0.0, 0.0), (10.0, 0.0)])
    assert separation(places, np.array([0, 1])) == 0.0
    spread = np.random.default_rng(0).standard_normal((1000, 2))
    assert separation(spread, np.arange(1000) % 2) == pytest.approx(1, abs=0.02)
