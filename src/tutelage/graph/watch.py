"""Runs in the graph, as they are being written."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tutelage.errors import ConfigError, RecordError
from tutelage.graph.lineage import broken_claims, run_claims
from tutelage.graph.model import Claim
from tutelage.graph.store import Origin, Store
from tutelage.record import read_run

FILES = frozenset({"run.toml", "rows.jsonl", "evaluations.jsonl", "result.json"})

Signature = dict[str, tuple[int, int]]
"""When each of `FILES` that is there last changed, and how long it is."""


class Watch:
    """A folder of runs and the store that is to show them; `sync` brings the second up to it.

    What did not change since the last `sync` is not read again. Several processes may watch the
    same folder for the same store.
    """

    def __init__(self, store: Store, runs: Path) -> None:
        """Read nothing yet; the folder need not be there."""
        self.store, self.runs = store, runs
        self._seen: dict[str, Signature] | None = None  # until the first `sync`

    def sync(self) -> bool:
        """Look at the folder; return whether the graph changed.

        A run is in the graph from the moment its folder has a ``run.toml``. One that cannot be
        read is there with the reason; one that was deleted goes.

        Raises:
            GraphBusyError, GraphError: the store could not be changed; the next call tries again.
        """
        there = dict(_signatures(self.runs))
        seen = self._kept() if self._seen is None else self._seen
        if there == seen:
            return False
        changed = False
        for name in sorted(seen.keys() - there.keys()):
            self.store.remove(f"run:{name}")
            del seen[name]
            changed = True
        for name, signature in sorted(there.items()):
            if seen.get(name) != signature:
                changed |= self.store.replace(_origin(name), _claims(self.runs / name))
                seen[name] = signature
        self._seen = seen
        return changed

    def _kept(self) -> dict[str, Signature]:
        """Return the runs that the store holds from before, as of a time that is not known."""
        keys = [origin.key for origin in self.store.origins()]
        return {key.removeprefix("run:"): {} for key in keys if key.startswith("run:")}


def _signatures(runs: Path) -> Iterator[tuple[str, Signature]]:
    """Yield what can change of every run in a folder."""
    if not runs.is_dir():
        return
    with os.scandir(runs) as folders:  # whose entries, unlike paths, cost little by the thousand
        for folder in folders:
            if not folder.name.startswith(".") and folder.is_dir():  # no draft of a new run
                signature = _signature(folder.path)
                if "run.toml" in signature:
                    yield folder.name, signature


def _signature(folder: str) -> Signature:
    with suppress(OSError), os.scandir(folder) as files:  # deleted meanwhile, or not ours to read
        told = ((file.name, file.stat()) for file in files if file.name in FILES)
        return {name: (found.st_mtime_ns, found.st_size) for name, found in told}
    return {}


def _origin(name: str) -> Origin:
    return Origin(key=f"run:{name}", label=name)


def _claims(folder: Path) -> list[Claim]:
    try:
        return run_claims(read_run(folder))
    except (RecordError, ConfigError, OSError, UnicodeDecodeError) as error:
        return broken_claims(folder, error)
