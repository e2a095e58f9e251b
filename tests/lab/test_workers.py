import time
from pathlib import Path

import numpy as np
import pytest

from tutelage.config import RunConfig, override
from tutelage.engine import Reporter
from tutelage.engine.run import prepare
from tutelage.lab import workers
from tutelage.record import RunWriter, state


class Listener(Reporter):
    def __init__(self) -> None:
        self.started: tuple[int, int, int] | None = None
        self.steps = 0
        self.notes: list[str] = []
        self.stopped = False

    def note(self, text: str) -> None:
        self.notes.append(text)

    def start(self, epochs: int, steps_per_epoch: int, done_steps: int) -> None:
        self.started = epochs, steps_per_epoch, done_steps

    def step(self) -> None:
        self.steps += 1

    def stop(self) -> None:
        self.stopped = True


class Interrupter(Listener):
    def step(self) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def endless(config: RunConfig, tmp_path: Path) -> RunConfig:
    random = np.random.default_rng(0)
    labels = np.arange(64) % 4
    pictures = random.integers(0, 255, (64, 12, 12)).astype(np.uint8)
    np.savez(tmp_path / "data.npz", images=pictures, labels=labels)
    return prepare(
        override(
            config,
            [
                "data.name=npz",
                f"data.root={tmp_path / 'data.npz'}",
                "method.name=ce",
                "train.epochs=1000000",
                "run.name=endless",
            ],
        )
    )


def test_an_interruption_ends_the_processes_and_leaves_runs_that_can_go_on(
    endless: RunConfig,
) -> None:
    path = workers.run_path(endless)
    listener = Interrupter()
    with pytest.raises(KeyboardInterrupt):
        workers.carry_out([endless], jobs=1, threads=1, reporter=listener)
    assert listener.stopped
    assert state(path) == "unfinished"
    assert workers.epochs_done(path, 1_000_000) >= 1
    rows = (path / "rows.jsonl").read_bytes()
    RunWriter.resume(path).close()  # it is refused while a process is writing
    time.sleep(0.5)
    assert (path / "rows.jsonl").read_bytes() == rows


def test_a_crash_is_told_with_its_traceback_and_a_mistake_by_its_message_alone(
    endless: RunConfig, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    crash = override(
        endless, [f'run.imports=["{(tmp_path / "broken.py").as_posix()}"]', "run.name=crash"]
    )
    mistake = override(endless, ["data.root=nowhere.npz", "run.name=mistake"])
    listener = Listener()
    failures = workers.carry_out([crash, mistake], jobs=2, threads=1, reporter=listener)
    assert "code 1" in failures[0]
    assert "Traceback" in failures[0]
    assert failures[0].endswith("ZeroDivisionError: division by zero")
    assert failures[1].startswith("data.root must name an npz file; it is nowhere.npz")
    assert len(listener.notes) == 2
    assert listener.started == (2, 1_000_000, 0)


def test_complete_runs_start_no_process(
    endless: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("tutelage.lab.workers.subprocess.Popen", refuse)
    path = workers.run_path(endless)
    RunWriter.create(path, endless).close()
    (path / "result.json").write_text("{}")
    listener = Listener()
    assert workers.carry_out([endless], jobs=1, threads=1, reporter=listener) == {}
    assert listener.started == (1, 1_000_000, 1_000_000)
    assert listener.stopped


def test_progress_is_read_from_the_last_whole_row(tmp_path: Path) -> None:
    (tmp_path / "run.toml").touch()
    assert workers.epochs_done(tmp_path, 9) == 0
    (tmp_path / "rows.jsonl").write_text('{"epoch": 3}\n{"epoch": 4}\n{"epo')
    assert workers.epochs_done(tmp_path, 9) == 3
    (tmp_path / "result.json").touch()
    assert workers.epochs_done(tmp_path, 9) == 9


def test_a_recipes_own_threads_count_over_the_share_of_the_cores(endless: RunConfig) -> None:
    mine = override(endless, ["fabric.threads=3"])
    assert workers._with_threads(mine, 1).fabric.threads == 3
    assert workers._with_threads(endless, 1).fabric.threads == 1
