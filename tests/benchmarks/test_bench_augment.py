"""The benchmark of augmentation runs, in small."""

import csv
import subprocess
import sys
from pathlib import Path

from tutelage.data.augment import STEPS

ROOT = Path(__file__).parents[2]


def test_it_tells_pictures_per_second_of_every_step_that_arrays_know(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bench_augment", "--small"]
    command += ["--out", str(tmp_path / "augment.csv")]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    with (tmp_path / "augment.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    parts = {part for line in lines for part in line["case"].partition(",")[0].split("-")}
    assert parts >= set(STEPS) - {"cutout16"}
    told = ("pictures_per_second", "torchvision_pictures_per_second", "ratio")
    for line in lines:
        assert min(float(line[name]) for name in told) > 0
        assert line["threads"] == "1"
