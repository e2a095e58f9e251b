"""Benchmarks measure in turn, tell the memory that a call takes, and write what they found."""

import csv
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from benchmarks._harness import Ratio, Report, extra_peak_bytes, in_turn

ROOT = Path(__file__).parents[2]
MILLION = 1_000_000


def test_what_is_compared_is_run_in_turn_after_rounds_that_do_not_count() -> None:
    order: list[str] = []
    contenders = {name: partial(order.append, name) for name in ("a", "b")}
    seconds = in_turn(contenders, rounds=3, warmup=2)
    assert order == ["a", "b"] * 5
    assert [len(found) for found in seconds.values()] == [3, 3]


def test_a_turn_holds_so_many_calls_as_fill_its_time() -> None:
    calls: list[str] = []
    in_turn({"short": lambda: calls.append("short")}, rounds=4, turn_seconds=0.001)
    assert len(calls) > 2 + 4 * 10


def test_a_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_medians() -> None:
    slow = Ratio.of([2.0, 30.0, 8.0], [1.0, 10.0, 1.0])  # 2, 3 and 8 times; of medians 8
    assert (slow.median, slow.low, slow.high, slow.rounds) == (3.0, 2.0, 8.0, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="a peak cannot be forgotten elsewhere")
@pytest.mark.parametrize("size", [1, 50])
def test_the_memory_of_a_call_is_told_within_2_megabytes(size: int) -> None:
    extra = extra_peak_bytes(partial(partial, torch.ones, size * MILLION))
    assert extra == pytest.approx(4 * size * MILLION, abs=2 * MILLION)


def test_a_report_writes_every_line_with_the_machine_and_a_figure(tmp_path: Path) -> None:
    report = Report("times as fast", tmp_path / "deep" / "made.csv")
    report.add("small", ratio=Ratio(2.0, 1.5, 2.5, 9), bar=1.8, milliseconds=0.25)
    report.add("memory", extra_bytes=12)
    report.finish()
    with (tmp_path / "deep" / "made.csv").open(newline="") as file:
        small, memory = csv.DictReader(file)
    assert (small["case"], small["ratio"]) == ("small", "2.0")
    assert small["ratio_quartiles"] == "1.500 2.500"
    assert (small["rounds"], small["bar"], small["milliseconds"]) == ("9", "1.8", "0.25")
    assert (memory["extra_bytes"], memory["ratio"]) == ("12", "")
    assert small["torch"] == memory["torch"] == torch.__version__
    assert small["threads"] == str(torch.get_num_threads())
    assert all((tmp_path / "deep" / f"made.{end}").stat().st_size > 1000 for end in ("png", "svg"))


def test_every_bench_is_listed_and_tells_its_flags() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    stems = told.stdout.split()
    assert stems == [path.stem[6:] for path in sorted((ROOT / "benchmarks").glob("bench_*.py"))]
    unknown = [sys.executable, "-m", "benchmarks", "spped"]
    refused = subprocess.run(unknown, check=False, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "there is no bench spped" in refused.stderr
