"""Kill -9 at any moment, resume, and the end is bit-identical to an undisturbed run."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tutelage.config import RunConfig, dumps, override
from tutelage.engine import Reporter, run
from tutelage.engine import checkpoint as checkpoint_room
from tutelage.errors import RecordError, TeacherError
from tutelage.record import STUDENT, STUDENT_BEST, Row, Run, read_run, replacing

LONGER = ["method.name=dkd", "train.epochs=6", "train.batch_size=16", "train.record_every=2"]


class CrashError(Exception):
    """Stands for a crash inside the process."""


class CrashAfter(Reporter):
    """Crashes after so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise CrashError


@pytest.fixture
def taught(config: RunConfig) -> RunConfig:
    """A longer run by DKD under a teacher that is there."""
    teacher = run(config)
    return override(config, [*LONGER, f"teacher.weights={teacher.path}", "run.name=undisturbed"])


def named(config: RunConfig, name: str) -> RunConfig:
    return replace(config, run=replace(config.run, name=name))


def timeless(row: Row) -> Row:
    return replace(row, seconds=0.0, images_per_second=0.0)


def assert_same(disturbed: Run, undisturbed: Run) -> None:
    for file in (STUDENT, STUDENT_BEST):
        assert (disturbed.path / file).read_bytes() == (undisturbed.path / file).read_bytes()
    assert list(map(timeless, disturbed.rows)) == list(map(timeless, undisturbed.rows))
    assert [replace(e, seconds=0.0) for e in disturbed.evaluations] == [
        replace(e, seconds=0.0) for e in undisturbed.evaluations
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_kill_9_at_random_moments_changes_no_bit(taught: RunConfig, seed: int) -> None:
    undisturbed = run(taught)
    # Slow enough to be hit anywhere: every row comes with a checkpoint.
    disturbed = named(taught, "disturbed")
    folder = Path(disturbed.run.dir) / "disturbed"
    recipe = folder.parent / "disturbed.toml"
    recipe.write_text(dumps(disturbed), encoding="utf-8")
    command = [sys.executable, "-m", "tutelage", "distill", str(recipe), "--resume", "--quiet"]
    dice, killed, reached = random.Random(seed), 0, 0
    while killed < 3:
        goal = reached + dice.randint(1, 14)
        process = subprocess.Popen(command)
        while process.poll() is None and lines(folder) < goal:
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        process.kill()
        process.wait()
        killed, reached = killed + 1, lines(folder)
        if (folder / "result.json").exists():
            break
    assert killed
    subprocess.run(command, check=True)
    assert_same(read_run(folder), undisturbed)


def lines(folder: Path) -> int:
    rows = folder / "rows.jsonl"
    return rows.read_bytes().count(b"\n") if rows.exists() else 0


@pytest.mark.parametrize("steps", [1, 2, 15, 16, 40, 89])
def test_a_crash_after_any_step_changes_no_bit(taught: RunConfig, steps: int) -> None:
    undisturbed = run(taught)
    with pytest.raises(CrashError):
        run(named(taught, "crashed"), reporter=CrashAfter(steps))
    assert_same(run(named(taught, "crashed"), resume=True), undisturbed)


@pytest.mark.parametrize(
    "options",
    [
        ["optimizer.name=deepkd"],
        ["data.unlabelled=0.5", "teacher.confidence=0.25"],
        ["data.views=2"],
    ],
    ids=["split momentum", "unlabelled", "views that come again"],
)
def test_a_crash_changes_no_bit_of_it_either(taught: RunConfig, options: list[str]) -> None:
    undisturbed = run(override(taught, options))
    crashed = named(override(taught, options), "crashed")
    with pytest.raises(CrashError):
        run(crashed, reporter=CrashAfter(40))
    assert_same(run(crashed, resume=True), undisturbed)


def test_a_crash_of_a_run_on_mixed_pictures_changes_no_bit(taught: RunConfig) -> None:
    mixing = override(taught, ["data.mixup=0.2", "data.cutmix=1.0", "train.batch_size=15"])
    undisturbed = run(mixing)
    with pytest.raises(CrashError):
        run(named(mixing, "crashed"), reporter=CrashAfter(21))
    assert_same(run(named(mixing, "crashed"), resume=True), undisturbed)
    apart = run(named(taught, "unmixed"))
    assert (apart.path / STUDENT).read_bytes() != (undisturbed.path / STUDENT).read_bytes()


def test_a_crash_while_a_checkpoint_is_written_leaves_the_old_one(
    taught: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, whole = run(taught), replacing
    written: list[Path] = []

    @contextmanager
    def crash_at_the_ninth(path: Path) -> Iterator[Path]:
        written.append(path)
        with whole(path) as draft:
            yield draft
            if len(written) == 9:
                draft.write_bytes(draft.read_bytes()[:100])
                raise CrashError

    monkeypatch.setattr(checkpoint_room, "replacing", crash_at_the_ninth)
    with pytest.raises(CrashError):
        run(named(taught, "crashed"))
    monkeypatch.undo()
    assert_same(run(named(taught, "crashed"), resume=True), undisturbed)


def test_another_teacher_cannot_go_on_with_a_run(
    taught: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CrashError):
        run(named(taught, "crashed"), reporter=CrashAfter(10))
    other = run(override(taught, ["method.name=ce", "train.seed=1", "run.name=other"]))
    place = Path(taught.teacher.weights) / STUDENT
    place.write_bytes((other.path / STUDENT).read_bytes())
    with pytest.raises(TeacherError, match="the run was begun under the teacher"):
        run(named(taught, "crashed"), resume=True)


def test_a_broken_checkpoint_is_told(taught: RunConfig) -> None:
    with pytest.raises(CrashError):
        run(named(taught, "crashed"), reporter=CrashAfter(10))
    place = Path(taught.run.dir) / "crashed" / "checkpoint.pt"
    place.write_bytes(place.read_bytes()[:-200])
    with pytest.raises(RecordError, match=r"checkpoint\.pt cannot be read"):
        run(named(taught, "crashed"), resume=True)
