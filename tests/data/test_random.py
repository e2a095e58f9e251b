import numpy as np
import pytest
import torch
from scipy import stats

from tutelage.data._random import splitmix64, uniforms

CELLS = 16


def test_splitmix64_says_the_published_numbers() -> None:
    # The first outputs for the seed 1234567, as Vigna's reference implementation prints them.
    seed = np.array([1234567], dtype=np.uint64)
    assert splitmix64(seed, np.arange(5, dtype=np.uint64)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


ONE, COUNT = torch.tensor([3]), 20_000

LINES = {  # draws along each axis on which they may lie
    "index": lambda: uniforms(0, 1, torch.arange(COUNT), 1)[:, 0],
    "draw": lambda: uniforms(0, 1, ONE, COUNT)[0],
    "stream": lambda: torch.cat([uniforms(0, 1, ONE, 1, s)[0] for s in range(COUNT)]),
    "epoch": lambda: torch.cat([uniforms(0, epoch, ONE, 1)[0] for epoch in range(COUNT)]),
    "seed": lambda: torch.cat([uniforms(seed, 1, ONE, 1)[0] for seed in range(COUNT)]),
}


@pytest.mark.parametrize("axis", LINES)
def test_draws_are_uniform_and_neighbours_independent(axis: str) -> None:
    line = LINES[axis]().numpy()
    assert line.min() >= 0
    assert line.max() < 1
    assert stats.kstest(line, "uniform").pvalue > 0.001
    for lag in (1, 2, 64):
        pairs, *_ = np.histogram2d(line[lag:], line[:-lag], bins=CELLS, range=[[0, 1], [0, 1]])
        assert stats.chisquare(pairs.ravel()).pvalue > 0.001
        assert abs(np.corrcoef(line[lag:], line[:-lag])[0, 1]) < 4 / len(line) ** 0.5


def test_a_draw_depends_on_its_own_seed_epoch_index_and_column_alone() -> None:
    index = torch.tensor([5, 0, 49_999, 2**40])
    whole = uniforms(7, 3, index, 6)
    for row, position in enumerate(index):
        assert torch.equal(uniforms(7, 3, position[None], 6)[0], whole[row])
    assert torch.equal(uniforms(7, 3, index, 2), whole[:, :2])
    for other in (uniforms(8, 3, index, 6), uniforms(7, 4, index, 6), uniforms(3, 7, index, 6)):
        assert not (other == whole).any()


def test_negative_and_huge_seeds_are_seeds_of_their_own() -> None:
    index = torch.arange(8)
    seen = {tuple(uniforms(seed, 1, index, 1)[:, 0].tolist()) for seed in (-1, 0, 1, 2**63, 2**31)}
    assert len(seen) == 5
