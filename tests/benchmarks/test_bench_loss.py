"""The benchmark of the loss runs, in small, and measures what it says."""

import csv
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks import bench_loss

ROOT = Path(__file__).parents[2]


def test_it_tells_time_and_memory_of_the_textbook_and_of_ours(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bench_loss", "--small"]
    command += ["--out", str(tmp_path / "loss.csv")]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    with (tmp_path / "loss.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["case"] for line in lines] == ["dkd 8 x 10", "linear dkd 8 x 4 x 50"]
    assert all(float(line["ratio"]) > 0 for line in lines)
    assert {"textbook_extra_logits", "ours_extra_megabytes"} <= set(lines[0])


def test_what_is_compared_has_one_and_the_same_gradient() -> None:
    slopes = [bench_loss.lesson(name, 12, 40)() for name in bench_loss.LOSSES]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-6)
    of_heads = [bench_loss.head(name, 12, 8, 40)() for name in ("whole", "ours")]
    torch.testing.assert_close(*of_heads, rtol=1e-4, atol=1e-6)
