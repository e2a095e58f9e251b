"""A file is whole or not there, and one process writes at a time."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tutelage.errors import RecordError
from tutelage.record import file_sha256, replacing
from tutelage.record.files import Lock

HOLD = """
    import sys, time
    from pathlib import Path
    from tutelage.record.files import Lock
    lock = Lock(Path(sys.argv[1]))
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(path: Path, program: str = HOLD) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("old", encoding="utf-8")
    with replacing(target) as draft:
        draft.write_text("new", encoding="utf-8")
        assert draft.parent == target.parent  # a rename is atomic only within one file system
        assert target.read_text(encoding="utf-8") == "old"
    assert target.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_exception_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("old", encoding="utf-8")

    def write_half() -> None:
        with replacing(target) as draft:
            draft.write_text("half", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk gone")

    target = tmp_path / "result.json"
    target.write_text("old", encoding="utf-8")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk gone"), replacing(target) as draft:
        draft.write_text("new", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_draft_is_on_the_disk_before_it_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(file: int) -> None:
        happened.append("fsync")
        fsync(file)

    def noted_replace(self: Path, target: Path) -> Path:
        happened.append("replace")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    with replacing(tmp_path / "result.json") as draft:
        draft.write_text("new", encoding="utf-8")
    folder_is_synced = [] if sys.platform == "win32" else ["fsync"]
    assert happened == ["fsync", "replace", *folder_is_synced]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_kill_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("old", encoding="utf-8")
    program = """
        import os, signal, sys
        from pathlib import Path
        from tutelage.record import replacing
        Path.replace = lambda self, to: os.kill(os.getpid(), signal.SIGKILL)
        with replacing(Path(sys.argv[1])) as draft:
            draft.write_text("new")
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(target)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert target.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 2  # the draft, which `RunWriter.resume` removes


def test_a_lock_keeps_another_process_out_and_names_the_holder(tmp_path: Path) -> None:
    with (
        holder(tmp_path / "lock") as process,
        pytest.raises(
            RecordError, match=rf"{tmp_path.name} is being written by process {process.pid};"
        ),
    ):
        Lock(tmp_path / "lock")


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        process.kill()
        process.wait()
        Lock(tmp_path / "lock").release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_worker_that_outlives_its_killed_parent_does_not_keep_the_lock(
    tmp_path: Path,
) -> None:
    program = """
        import os, sys, time
        from pathlib import Path
        from tutelage.record.files import Lock
        lock = Lock(Path(sys.argv[1]))
        if os.fork():
            Path(sys.argv[1] + ".ready").touch()
            print("held", flush=True)
        else:
            os.close(1)  # or the reader of this pipe would wait for the child
            Path(sys.argv[1] + ".child").write_text(str(os.getpid()))
        time.sleep(60)
    """
    child = tmp_path / "lock.child"
    with holder(tmp_path / "lock", program) as process:
        while not (child.exists() and child.read_text(encoding="utf-8")):
            assert process.poll() is None
        process.kill()
        process.wait()
        worker = int(child.read_text(encoding="utf-8"))
        try:
            os.kill(worker, 0)  # it lives
            Lock(tmp_path / "lock").release()
        finally:
            os.kill(worker, signal.SIGKILL)


def test_a_lock_keeps_a_second_writer_of_the_same_process_out(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    with pytest.raises(RecordError, match="is being written by this process; wait"):
        Lock(tmp_path / "." / "lock")
    lock.release()
    lock.release()
    Lock(tmp_path / "lock").release()


def test_the_hash_of_a_file_is_sha256_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000  # 1.28 MB: more than one block
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
