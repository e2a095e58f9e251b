from collections.abc import Callable

import pytest
import torch

from tutelage.errors import ConfigError, RangeError
from tutelage.methods.kdsvd import KDSVD
from tutelage.types import Terms

# What it computes is held to numpy's decomposition in tests/losses/test_subspace.py.


def test_a_network_of_one_stage_is_refused(distill: Callable[..., Terms]) -> None:
    maps = {"stage1": torch.ones(2, 3, 4, 4)}
    with pytest.raises(ConfigError, match="needs two"):
        distill(KDSVD, maps, maps)


def test_it_is_0_where_the_columns_of_all_stages_are_alike(distill: Callable[..., Terms]) -> None:
    """Every map of equal columns has the first singular vector (1, 1, ...) over its length."""
    rows = torch.randn(2, 3, 4, 1, generator=torch.Generator().manual_seed(0)).abs()
    student = {"stage1": rows.expand(-1, -1, -1, 4), "stage2": rows.expand(-1, -1, -1, 2)}
    teacher = {stage: 1 + each.square() for stage, each in student.items()}
    assert float(distill(KDSVD, student, teacher)["kdsvd"]) == pytest.approx(0, abs=1e-10)


def test_no_vectors_are_refused() -> None:
    with pytest.raises(RangeError, match="at least 1"):
        KDSVD.Config(vectors=0)
