"""The benchmark of methods runs, in small."""

import csv
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_times_methods_in_pairs_with_kd_and_counts_what_they_train(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bench_methods", "--methods", "dkd,fitnet"]
    command += ["--small", "--out", str(tmp_path / "methods.csv")]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    with (tmp_path / "methods.csv").open(newline="") as file:
        dkd, fitnet = csv.DictReader(file)
    assert (dkd["method"], dkd["extra_parameters"]) == ("dkd", "0")
    assert fitnet["extra_parameters"] == str(16 * 64 + 64)  # a 1x1 convolution and its bias
    assert all(float(line["ratio"]) > 0 for line in (dkd, fitnet))
