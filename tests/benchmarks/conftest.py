"""Benches run as their users run them, in small."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Small = Callable[..., list[dict[str, str]]]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Return what runs a bench by its stem, with flags if need be, and returns its lines."""

    def call(stem: str, *flags: str) -> list[dict[str, str]]:
        out = tmp_path / f"{stem}.csv"
        command = [sys.executable, "-m", f"benchmarks.bench_{stem}", "--small", "--out", str(out)]
        subprocess.run([*command, *flags], check=True, cwd=ROOT, capture_output=True, text=True)
        with out.open(newline="") as file:
            return list(csv.DictReader(file))

    return call
