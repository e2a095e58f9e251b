"""Writing a run folder: the only thing that may change one."""

import os
import secrets
import shutil
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tutelage.config import RunConfig, dumps, load
from tutelage.errors import RecordError
from tutelage.record.files import DRAFT, Lock, replacing, sync_folder
from tutelage.record.lines import encode
from tutelage.record.read import (
    CLASSES,
    CONFIG,
    EVALUATIONS,
    LOCK,
    RESULT,
    ROWS,
    started,
    state,
    whole_lines,
)
from tutelage.record.schema import ClassMeans, Evaluation, Result, Row


@dataclass(frozen=True, slots=True)
class Mark:
    """How many lines a run had written at a checkpoint: what a resumed run goes back to."""

    rows: int = 0
    evaluations: int = 0


class RunWriter:
    """A run folder, open for writing by this process alone until `close`.

    `create` makes a new one, `resume` opens an unfinished one. Each line reaches the operating
    system before its call returns, so nothing is lost when the process is killed; `mark` forces
    all lines to the disk, so that nothing a checkpoint remembers is lost when the power goes.

    In several processes only the first writes.
    """

    def __init__(self, path: Path) -> None:
        """Open a folder that is there; use `create` or `resume`."""
        self.path = path
        with ExitStack() as opened:
            opened.callback(Lock(path / LOCK).release)
            self._rows = opened.enter_context(closing(LineFile(path / ROWS)))
            self._evaluations = opened.enter_context(closing(LineFile(path / EVALUATIONS)))
            self._opened = opened.pop_all()

    @classmethod
    def create(cls, path: Path, config: RunConfig) -> "RunWriter":
        """Make the folder of a new run: with its ``run.toml``, or not at all.

        Raises:
            RecordError: something is there already.
        """
        _refuse_existing(path)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT}")
        try:
            draft.mkdir(parents=True)
            with replacing(draft / CONFIG) as file:
                file.write_text(dumps(config), encoding="utf-8", newline="\n")
            with suppress(FileNotFoundError):
                path.rmdir()  # empty, or it would have been refused; Windows renames onto nothing
            draft.rename(path)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            _refuse_existing(path)  # another process may have been quicker
            raise RecordError(
                f"the run folder {path} could not be made: {error.strerror or error}; choose "
                f"another run.dir."
            ) from error
        sync_folder(path.parent)
        return cls(path)

    @classmethod
    def resume(cls, path: Path) -> "RunWriter":
        """Open an unfinished run to go on with it; what a crash left half written is dropped.

        Raises:
            RecordError: there is no run, it is complete, or another process writes it.
        """
        now = state(path)
        if now != "unfinished":
            raise RecordError(
                f"there is no unfinished run at {path}: it is {now}; "
                + ("start it without --resume." if now == "new" else "there is nothing to resume.")
            )
        writer = cls(path)
        for draft in path.glob(f".*{DRAFT}"):
            draft.unlink()
        return writer

    @property
    def config(self) -> RunConfig:
        """The run's configuration, as its ``run.toml`` says."""
        return load(self.path / CONFIG)

    @property
    def started(self) -> str:
        """When the run was created: UTC, ISO 8601."""
        return started(self.path)

    def add_row(self, row: Row) -> None:
        """Append a row."""
        self._rows.append(encode(row))

    def add_evaluation(self, evaluation: Evaluation) -> None:
        """Append an evaluation."""
        self._evaluations.append(encode(evaluation))

    def mark(self) -> Mark:
        """Force all lines to the disk and say how many there are: a checkpoint keeps this."""
        self._rows.sync()
        self._evaluations.sync()
        return Mark(rows=self._rows.count, evaluations=self._evaluations.count)

    def truncate_to(self, *, rows: int, evaluations: int) -> None:
        """Drop the lines that were written after a checkpoint's `mark`.

        Raises:
            RecordError: there are fewer lines than the checkpoint remembers.
        """
        self._rows.truncate_to(rows)
        self._evaluations.truncate_to(evaluations)

    def put_classes(self, classes: ClassMeans) -> None:
        """Write ``classes.json``."""
        with replacing(self.path / CLASSES) as file:
            file.write_text(encode(classes) + "\n", encoding="utf-8", newline="\n")

    def finish(self, result: Result) -> None:
        """Write ``result.json``: from now on the run is complete."""
        self.mark()
        with replacing(self.path / RESULT) as file:
            file.write_text(encode(result, indent=2) + "\n", encoding="utf-8", newline="\n")

    def close(self) -> None:
        """Close the files and let other writers in; a second call does nothing."""
        self._opened.close()

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LineFile:
    """A file of whole lines that grows at its end; a last line without an end is dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab+")
        self._file.seek(0)
        lines = whole_lines(self._file.read())
        self.count = len(lines)
        self._file.truncate(sum(map(len, lines)))

    def append(self, line: str) -> None:
        """Add a line, given without its end, and hand it to the operating system."""
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        self.count += 1

    def sync(self) -> None:
        """Force all lines to the disk."""
        os.fsync(self._file.fileno())

    def truncate_to(self, count: int) -> None:
        """Keep the first `count` lines."""
        if not 0 <= count <= self.count:
            raise RecordError(
                f"{self._path} holds {self.count} whole lines, but the checkpoint remembers "
                f"{count}; the file was changed after the checkpoint: start the run anew under "
                f"another run.name."
            )
        self._file.seek(0)
        lines = whole_lines(self._file.read())
        self._file.truncate(sum(map(len, lines[:count])))
        self.count = count
        self.sync()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _refuse_existing(path: Path) -> None:
    now = state(path)
    if now == "unfinished":
        raise RecordError(
            f"the run {path} is there already, unfinished; go on with it by --resume, or give this "
            f"one another run.name."
        )
    if now == "complete":
        raise RecordError(
            f"the run {path} is there already, complete; look at it with `tutelage show {path}`, "
            f"or give this one another run.name."
        )
