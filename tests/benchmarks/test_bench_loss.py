"""The benchmark of the loss runs, in small, and measures what it says."""

import torch

from benchmarks import bench_loss
from tests.benchmarks.conftest import Small


def test_it_tells_time_and_memory_of_the_textbook_and_of_ours(small: Small) -> None:
    lines = small("loss")
    assert [line["case"] for line in lines] == ["dkd 8 x 10", "linear dkd 8 x 4 x 50"]
    assert all(float(line["ratio"]) > 0 for line in lines)
    assert {"textbook_extra_logits", "ours_extra_megabytes"} <= set(lines[0])


def test_what_is_compared_has_one_and_the_same_gradient() -> None:
    slopes = [bench_loss.lesson(name, 12, 40)() for name in bench_loss.LOSSES]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-6)
    of_heads = [bench_loss.head(name, 12, 8, 40)() for name in ("whole", "ours")]
    torch.testing.assert_close(*of_heads, rtol=1e-4, atol=1e-6)
