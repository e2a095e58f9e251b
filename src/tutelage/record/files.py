"""Files that are whole or not there, and one writer at a time."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from tutelage.errors import RecordError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written there at `path` in one step.

    The draft lies in the same folder. At the end it is forced to the disk and takes the place of
    the old file, so that a crash at any moment leaves the old file or the new one, never a part.
    After an exception the old file stays and the draft goes.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "result.json"
    >>> with replacing(target) as draft:
    ...     _ = draft.write_text("{}")
    >>> target.read_text(), len(list(target.parent.iterdir()))
    ('{}', 1)
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}{DRAFT}")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


DRAFT = ".draft"
"""How the name of an unfinished file ends; one that is left over came from a crash."""


def sync_folder(path: Path) -> None:
    """Force the entries of a folder to the disk, so that a new name outlives a power cut."""
    if sys.platform == "win32":  # a folder cannot be opened there, and need not be
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Lock:
    """The right to write one folder, held by one writer at a time.

    The operating system holds it, so it ends with the process, whatever ends that, and nothing
    stale is left. POSIX record locks are used because a forked worker does not inherit them: a
    reader process that outlives its killed parent would keep a `flock` for seconds. They do not
    stop a second writer in the same process, hence `_held`; nothing else may open the file, since
    closing it anywhere in the process would give the lock up.
    """

    _held: ClassVar[set[tuple[int, str]]] = (
        set()
    )  # (process, path); a forked child holds none of these

    def __init__(self, path: Path) -> None:
        """Take the lock at once.

        Raises:
            RecordError: another writer has it.
        """
        self._key = (os.getpid(), str(path.resolve()))
        if self._key in Lock._held:
            raise RecordError(_taken(path.parent, "this process"))
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._handle)
        except OSError as error:
            writer = os.read(self._handle, 20).decode()
            os.close(self._handle)
            raise RecordError(_taken(path.parent, f"process {writer or 'unknown'}")) from error
        Lock._held.add(self._key)
        os.ftruncate(self._handle, 0)
        os.write(self._handle, str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock up; a second call does nothing."""
        if self._key in Lock._held:
            Lock._held.discard(self._key)
            os.close(self._handle)


def _taken(folder: Path, writer: str) -> str:
    return (
        f"{folder} is being written by {writer}; wait until it ends, or take another folder: "
        f"run.name names that of a run, teacher.cache that of a teacher's answers."
    )


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        # A byte far behind the content, which stays readable: Windows locks are mandatory.
        os.lseek(handle, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
