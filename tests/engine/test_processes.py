"""Two processes train the same recipe as one, on the same global batches."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tutelage.config import RunConfig, dumps, override
from tutelage.engine import run
from tutelage.engine.plan import Plan, share
from tutelage.engine.reread import reread
from tutelage.record import STUDENT, read_run

NETWORK = """
from torch import nn

def plain(num_classes, channels):
    '''Without batch norm, which sees the part of a batch that a process holds.'''
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(800, num_classes)
    )
"""


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["optimizer.name=deepkd", "train.clip_norm=1", "train.batch_size=60"],
        ["data.unlabelled=0.5", "teacher.confidence=0.3"],
        ["method.name=ikl", "optimizer.lr=0.002"],  # keeps means of all pictures seen
    ],
    ids=["plain", "split momentum", "unlabelled", "memory"],
)
def test_two_processes_agree_with_one(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    monkeypatch.delitem(sys.modules, "without_norm", raising=False)
    own = tmp_path / "without_norm.py"
    own.write_text(NETWORK)
    imports = f"run.imports=[{json.dumps(str(own))}]"
    teacher = run(config)
    options = [
        imports,
        "student.name=without_norm:plain",
        "method.name=dkd",
        f"teacher.weights={teacher.path}",
        "train.batch_size=50",  # of 240: the last batch is uneven
        "run.name=one",
        *more,
    ]
    alone = run(override(config, options))
    together = replace(alone.config, run=replace(alone.config.run, name="two"))
    recipe = tmp_path / "two.toml"
    recipe.write_text(dumps(together), encoding="utf-8")
    command = [sys.executable, "-m", "tutelage", "distill", str(recipe), "--devices", "2"]
    command.append("run.labels_alone=true")  # a second run by the same two processes
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert told.returncode == 0, told.stderr
    two = read_run(Path(config.run.dir) / "two")
    assert two.config.fabric.devices == 2
    assert "by labels alone, last epoch" in told.stdout
    for name, tensor in load_file(alone.path / STUDENT).items():
        other = load_file(two.path / STUDENT)[name]
        torch.testing.assert_close(other, tensor, rtol=1e-4, atol=1e-5)
    for one_row, two_row in zip(alone.rows, two.rows, strict=True):
        assert two_row.terms == pytest.approx(one_row.terms, rel=1e-4)
    for ours, theirs in zip(alone.evaluations, two.evaluations, strict=True):
        assert theirs.count == ours.count
        assert theirs.top1 == pytest.approx(ours.top1, abs=0.011)  # one picture of 100
        assert theirs.calibration_error == pytest.approx(ours.calibration_error, abs=0.02)


def test_with_split_momentum_every_process_has_the_running_means_of_the_first(
    config: RunConfig, tmp_path: Path
) -> None:
    """What both read of it together is what is read of the weights that the first one wrote."""
    teacher = run(config)
    options = ["method.name=dkd", f"teacher.weights={teacher.path}", "optimizer.name=dot"]
    recipe = tmp_path / "two.toml"
    recipe.write_text(dumps(override(config, [*options, "run.name=two"])), encoding="utf-8")
    command = [sys.executable, "-m", "tutelage", "distill", str(recipe), "--devices", "2", "-q"]
    subprocess.run(command, check=True, timeout=300)
    two = Path(config.run.dir) / "two"
    together = [one for one in read_run(two).evaluations if one.split == "validation"][-1]
    alone = reread(two)
    assert together.network == "student"
    assert alone.top1 == together.top1
    assert alone.loss == pytest.approx(together.loss, rel=1e-5)


def test_torchrun_starts_the_processes_as_well(recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "patterns.toml"
    path.write_text(recipe, encoding="utf-8")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *torchrun, "-m", "tutelage", "train", str(path)]
    told = subprocess.run(
        [*command, "fabric.devices=2", "run.name=two"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"},
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("glyph_student by ce, last epoch") == 1
    assert read_run(tmp_path / "runs" / "two").state == "complete"


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("parts", [1, 2])
def test_the_shares_of_all_processes_are_the_global_batches(processes: int, parts: int) -> None:
    plans = [
        Plan(103, 20, seed=5, processes=processes, rank=r, parts=parts) for r in range(processes)
    ]
    alone = Plan(103, 20, seed=5).epoch(3)
    dealt = [plan.epoch(3) for plan in plans]
    assert len({len(steps) for steps in dealt}) == 1
    for step, (batch,) in enumerate(alone[: len(dealt[0])]):
        together = torch.cat([part for steps in dealt for part in steps[step]])
        assert sorted(together.tolist()) == sorted(batch.tolist())
    assert plans[0].steps == (6 if processes * parts == 1 else 5)  # 3 pictures are left over


def test_an_epoch_begun_in_the_middle_is_its_own_end() -> None:
    plan = Plan(100, 16, seed=1)
    whole, end = plan.epoch(2), plan.epoch(2, first_step=3)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(whole[3:], end, strict=True))


def test_epochs_and_seeds_differ_in_order() -> None:
    orders = {tuple(Plan(50, 50, seed=s).epoch(e)[0][0].tolist()) for s in (0, 1) for e in (1, 2)}
    assert len(orders) == 4


def test_every_process_reads_as_many_batches() -> None:
    places = torch.arange(41)
    shares = [share(places, 20, 3, rank) for rank in range(3)]
    assert [len(one) for one in shares] == [3, 3, 3]
    assert torch.cat([part for one in shares for part in one]).sort().values.equal(places)
