"""A large file is read by a process of its own, so that one core reads while another writes."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from queue import Queue
from typing import Any, BinaryIO

import numpy as np

from tutelage.errors import GraphError
from tutelage.graph.model import Claims, LinkClaim, LinkClaims, NodeClaim, size_of
from tutelage.graph.sources import Report, read

Progress = Callable[[int, int], None]

LARGE = 8 << 20  # bytes from which a process, a third of a second, pays
BATCH = 20_000  # links or other claims that are sent at a time
AHEAD = 200  # batches that wait for whoever takes them, of half a megabyte
COLUMNS = {
    "kind": np.int8,
    "source": np.int32,
    "target": np.int32,
    "weight": np.float64,
    "line": np.int64,
}
CHILD = "from tutelage.graph.sources.apart import main; main()"


def read_large(path: Path, report: Report, progress: Progress | None = None) -> Iterator[Claims]:
    """Yield what `tutelage.graph.sources.read` does, read apart where the file is large.

    The report is filled when all claims are taken.

    Raises:
        GraphError: as `read` does, and if the process that reads ends early.
    """
    try:
        large = path.stat().st_size >= LARGE
    except OSError:
        large = False  # `read` says what is wrong
    if large and sys.executable:
        return _read_apart(path, report, progress)
    return read(path, report, progress)


def _read_apart(path: Path, report: Report, progress: Progress | None) -> Iterator[Claims]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert child.stdout
    batches: Queue[bytes] = Queue(AHEAD)
    stopped = threading.Event()
    fetching = threading.Thread(
        target=_fetch, args=(child.stdout, batches, stopped), name="graph import", daemon=True
    )
    fetching.start()
    ids: list[str] = []
    try:
        while batch := batches.get():
            told, *content = pickle.loads(batch)
            if told == "claims":
                (done, total), *claims = content
                if progress:
                    progress(done, total)
                yield from _unpacked(claims, ids)
            elif told == "report":
                for field in fields(report):
                    setattr(report, field.name, getattr(content[0], field.name))
                return
            else:
                raise content[0]
        raise GraphError(
            f"{path} was not read to its end: the process that read it ended with "
            f"{child.wait()}. Import it again."
        )
    finally:
        stopped.set()
        child.kill()
        child.wait()
        while fetching.is_alive():
            while not batches.empty():
                batches.get()
            fetching.join(0.01)
        child.stdout.close()


def _fetch(pipe: BinaryIO, batches: "Queue[bytes]", stopped: threading.Event) -> None:
    """Take what comes off the pipe, so that the reader need not wait; at its end put nothing."""
    while not stopped.is_set():
        size = int.from_bytes(pipe.read(8), "little")
        batch = pipe.read(size)
        batches.put(batch if len(batch) == size else b"")
        if not batch or len(batch) < size:
            return


# -------------------------------------------------------------------------- in the child
def main() -> None:
    """Read the file that is named, and send what it claims."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked hears it, and ends this process
    gc.disable()  # reading makes no cycles
    pipe = sys.stdout.buffer
    try:
        _send_all(Path(sys.argv[1]), pipe)
        pipe.flush()
    except BrokenPipeError:  # nobody listens any more
        os._exit(1)


def _send_all(path: Path, pipe: BinaryIO) -> None:
    report = Report()
    batch = _Batch()
    read_so_far = [0, 0]  # bytes, of how many; it goes with the claims, whose number is bounded

    def hear(*how_far: int) -> None:
        read_so_far[:] = how_far

    try:
        for claim in read(path, report, hear):
            if batch.add(claim) >= BATCH:
                _send(pipe, "claims", read_so_far, *batch.packed())
        _send(pipe, "claims", read_so_far, *batch.packed())
        _send(pipe, "report", report)
    except GraphError as error:
        _send(pipe, "error", error)


def _send(pipe: BinaryIO, *content: object) -> None:
    batch = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    pipe.write(len(batch).to_bytes(8, "little"))
    pipe.write(batch)


class _Batch:
    """Claims that are sent together: nodes, then links, then columns of links."""

    def __init__(self) -> None:
        self._sent = 0  # ids
        self._clear()

    def _clear(self) -> None:
        self._nodes: list[tuple[Any, ...]] = []
        self._links: list[tuple[Any, ...]] = []
        self._columns: list[LinkClaims] = []
        self._count = 0

    def add(self, claim: Claims) -> int:
        """Add a claim; return how many there are."""
        if isinstance(claim, NodeClaim):
            self._nodes.append((claim.kind, claim.ids, claim.label, claim.year, claim.facts))
        elif isinstance(claim, LinkClaim):
            self._links.append((claim.kind, claim.source, claim.target, claim.weight, claim.facts))
        else:
            self._columns.append(claim)
        self._count += size_of(claim)
        return self._count

    def packed(self) -> tuple[Any, ...]:
        """Return what `_unpacked` takes, and begin anew."""
        columns = {
            name: np.concatenate([getattr(part, name) for part in self._columns]).astype(kind)
            for name, kind in COLUMNS.items()
            if self._columns
        }
        ids = self._columns[0].ids[self._sent :] if self._columns else []
        self._sent += len(ids)
        found = self._nodes, self._links, ids, columns
        self._clear()
        return found


def _unpacked(content: Sequence[Any], ids: list[str]) -> Iterator[Claims]:
    nodes, links, more_ids, columns = content
    for kind, names, label, year, facts in nodes:
        yield NodeClaim(kind=kind, ids=names, label=label, year=year, facts=facts)
    for kind, source, target, weight, facts in links:
        yield LinkClaim(kind=kind, source=source, target=target, weight=weight, facts=facts)
    ids += more_ids
    if columns:
        yield LinkClaims(ids=ids, **columns)
