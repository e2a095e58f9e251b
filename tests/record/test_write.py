"""A run folder grows line by line and survives a kill at any byte."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tutelage.config import RunConfig, StudentConfig, dumps, loads
from tutelage.errors import RecordError
from tutelage.record import (
    Evaluation,
    Machine,
    Mark,
    Result,
    Row,
    RunWriter,
    read_run,
    state,
)
from tutelage.record.lines import encode

CONFIG = RunConfig(student=StudentConfig(name="resnet8x4"))


def row(step: int) -> Row:
    return Row(
        epoch=1, step=step, lr=0.1, seconds=1.0, images_per_second=9.0, loss=2.0, terms={"ce": 2.0}
    )


def evaluation(step: int) -> Evaluation:
    return Evaluation(
        epoch=1,
        step=step,
        split="validation",
        network="student",
        top1=0.5,
        top5=0.75,
        loss=1.5,
        calibration_error=0.125,
        count=1000,
        seconds=2.0,
    )


RESULT = Result(
    run="a",
    seed=0,
    epochs=1,
    steps=3,
    last_validation=evaluation(3),
    seconds=3.0,
    images_per_second=9.0,
    student_parameters=10,
    config_fingerprint="c",
    data_fingerprint="d",
    student_sha256="s",
    commit="0" * 40,
    versions={"python": "3.10.0"},
    machine=Machine(platform="p", processor="c", accelerator="cpu", cores=2, threads=1),
    started="2024-01-02T03:04:05.000+00:00",
    finished="2024-01-02T03:05:05.000+00:00",
)


def test_a_run_goes_from_new_to_unfinished_to_complete(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a"
    assert state(path) == "new"
    with RunWriter.create(path, CONFIG) as writer:
        assert state(path) == "unfinished"
        assert writer.config == CONFIG
        for step in (1, 2, 3):
            writer.add_row(row(step))
        writer.add_evaluation(evaluation(3))
        writer.finish(RESULT)
        assert state(path) == "complete"
    run = read_run(path)
    assert run.config == CONFIG
    assert run.rows == (row(1), row(2), row(3))
    assert run.evaluations == (evaluation(3),)
    assert run.result == RESULT
    assert {file.name for file in path.iterdir()} == {
        "run.toml",
        "rows.jsonl",
        "evaluations.jsonl",
        "result.json",
        "lock",
    }
    assert list(path.parent.iterdir()) == [path]


def test_run_toml_alone_repeats_the_run(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "a", CONFIG):
        pass
    assert loads((tmp_path / "a" / "run.toml").read_text(encoding="utf-8")) == CONFIG


def test_a_line_can_be_read_as_soon_as_it_is_added(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "a", CONFIG) as writer:
        writer.add_row(row(1))
        assert read_run(tmp_path / "a").rows == (row(1),)


def test_an_unfinished_run_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a"
    RunWriter.create(path, CONFIG).close()
    with pytest.raises(RecordError) as caught:
        RunWriter.create(path, CONFIG)
    assert str(caught.value) == (
        f"the run {path} is there already, unfinished; go on with it by --resume, or give this one "
        f"another run.name."
    )


def test_a_complete_run_is_neither_overwritten_nor_resumed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with RunWriter.create(path, CONFIG) as writer:
        writer.finish(RESULT)
    with pytest.raises(RecordError) as caught:
        RunWriter.create(path, CONFIG)
    assert str(caught.value) == (
        f"the run {path} is there already, complete; look at it with `tutelage show {path}`, or "
        f"give this one another run.name."
    )
    with pytest.raises(RecordError) as caught:
        RunWriter.resume(path)
    assert str(caught.value) == (
        f"there is no unfinished run at {path}: it is complete; there is nothing to resume."
    )


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    message = r"is there and is no run \(it holds no run\.toml\)"
    with pytest.raises(RecordError, match=message):
        RunWriter.create(tmp_path, CONFIG)
    with pytest.raises(RecordError, match=message):
        RunWriter.resume(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.jpg"]


def test_an_empty_folder_becomes_the_run(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    RunWriter.create(tmp_path / "a", CONFIG).close()
    assert state(tmp_path / "a") == "unfinished"


def test_a_run_that_never_began_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="it is new; start it without --resume"):
        RunWriter.resume(tmp_path / "a")


def test_a_place_that_cannot_hold_runs_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(RecordError, match=r"could not be made: .*; choose another run\.dir\."):
        RunWriter.create(tmp_path / "runs" / "a", CONFIG)


def test_a_crash_while_the_folder_is_made_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RecordError, match="could not be made: no space left"):
        RunWriter.create(tmp_path / "a", CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_make_the_same_run_the_slower_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rename = tmp_path / "a", Path.rename

    def rename_after_another(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        RunWriter.create(path, CONFIG).close()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_after_another)
    with pytest.raises(RecordError, match="is there already, unfinished"):
        RunWriter.create(path, CONFIG)
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_share_a_run(tmp_path: Path) -> None:
    with (
        RunWriter.create(tmp_path / "a", CONFIG),
        pytest.raises(RecordError, match="is being written by this process"),
    ):
        RunWriter.resume(tmp_path / "a")
    RunWriter.resume(tmp_path / "a").close()


def test_a_writer_that_cannot_open_its_files_gives_its_lock_up(tmp_path: Path) -> None:
    path = tmp_path / "a"
    RunWriter.create(path, CONFIG).close()
    (path / "evaluations.jsonl").unlink()
    (path / "evaluations.jsonl").mkdir()
    with pytest.raises(OSError, match=r"evaluations\.jsonl"):
        RunWriter.resume(path)
    (path / "evaluations.jsonl").rmdir()
    RunWriter.resume(path).close()


LAST = encode(row(2)).encode() + b"\n"


@pytest.mark.parametrize("cut", range(len(LAST)))
def test_a_line_cut_at_any_byte_is_dropped_by_reader_and_writer(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a"
    with RunWriter.create(path, CONFIG) as writer:
        writer.add_row(row(1))
    with (path / "rows.jsonl").open("ab") as file:
        file.write(LAST[:cut])
    assert read_run(path).rows == (row(1),)
    with RunWriter.resume(path) as writer:
        assert writer.mark() == Mark(rows=1, evaluations=0)
        writer.add_row(row(3))
    assert read_run(path).rows == (row(1), row(3))


def test_a_resumed_run_goes_back_to_the_mark_of_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with RunWriter.create(path, CONFIG) as writer:
        writer.add_row(row(1))
        writer.add_evaluation(evaluation(1))
        writer.add_row(row(2))
        mark = writer.mark()
        assert mark == Mark(rows=2, evaluations=1)
        writer.add_row(row(3))
        writer.add_evaluation(evaluation(3))
    with RunWriter.resume(path) as writer:
        writer.truncate_to(rows=mark.rows, evaluations=mark.evaluations)
        assert writer.mark() == mark
        writer.add_row(row(4))
    run = read_run(path)
    assert run.rows == (row(1), row(2), row(4))
    assert run.evaluations == (evaluation(1),)


def test_lines_that_a_checkpoint_remembers_but_the_file_lost_are_told(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "a", CONFIG) as writer:
        writer.add_row(row(1))
        with pytest.raises(
            RecordError, match="holds 1 whole lines, but the checkpoint remembers 2"
        ):
            writer.truncate_to(rows=2, evaluations=0)
        assert writer.mark() == Mark(rows=1, evaluations=0)


def test_a_mark_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").resolve().name)
        fsync(file)

    if not Path("/proc/self/fd").exists():
        pytest.skip("open files have no names here")
    with RunWriter.create(tmp_path / "a", CONFIG) as writer:
        writer.add_row(row(1))
        monkeypatch.setattr(os, "fsync", note)
        writer.mark()
    assert synced == ["rows.jsonl", "evaluations.jsonl"]


def test_resuming_clears_the_drafts_of_a_crash(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "a", CONFIG).close()
    (tmp_path / "a" / ".result.json.123.draft").touch()
    RunWriter.resume(tmp_path / "a").close()
    assert not list((tmp_path / "a").glob("*.draft"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
@pytest.mark.parametrize("seed", range(3))
def test_kill_9_at_a_random_moment_leaves_whole_rows_in_order_and_a_run_to_resume(
    tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "a"
    program = """
        import itertools, sys
        from pathlib import Path
        from tutelage.config import loads
        from tutelage.record import Row, RunWriter
        with RunWriter.create(Path(sys.argv[1]), loads(sys.argv[2])) as writer:
            print("begun", flush=True)
            for step in itertools.count():
                writer.add_row(Row(epoch=1, step=step, lr=0.1, seconds=1.0, loss=2.0,
                                   images_per_second=9.0, terms={"long" * 500: 2.0}))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path), dumps(CONFIG)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
    rows = read_run(path).rows
    assert [row.step for row in rows] == list(range(len(rows)))
    with RunWriter.resume(path) as writer:
        writer.add_row(row(len(rows)))
    assert len(read_run(path).rows) == len(rows) + 1
