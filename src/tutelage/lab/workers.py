"""Many runs, some at a time, each in its own process."""

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tutelage.config import RunConfig, dumps, run_id
from tutelage.engine import Reporter
from tutelage.record import state
from tutelage.record.read import ROWS, whole_lines

MISTAKE, INTERRUPTED = 2, 130
"""How a worker ends when a message on its standard output says why, or when it was told to."""

POLL_SECONDS = 0.2


def carry_out(
    configs: Sequence[RunConfig], *, jobs: int, threads: int, reporter: Reporter
) -> dict[int, str]:
    """Carry out runs, at most `jobs` at a time, and return what became of those that failed.

    A complete run is left as it is, an unfinished one is gone on with. Each run is a process of its
    own, so a crash is its own too, and so is the memory it records. `threads` are torch's, of each
    run that does not ask for its own. The keys of the answer are places in `configs`, its values
    what the run said. The reporter hears of each epoch as a step of its run.

    When this function ends, in whatever way, no process of its own is left; what these were at can
    be gone on with by another call.
    """
    paths = [run_path(config) for config in configs]
    waiting = deque(place for place, path in enumerate(paths) if state(path) != "complete")
    epochs = configs[0].train.epochs if configs else 0
    done = [epochs_done(path, epochs) for path in paths]
    failures: dict[int, str] = {}
    reporter.start(len(configs), epochs, sum(done))
    with TemporaryDirectory(prefix="tutelage-") as drafts:
        running: dict[int, _Worker] = {}
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    place = waiting.popleft()
                    draft = Path(drafts) / f"{place}.toml"
                    running[place] = _Worker(_with_threads(configs[place], threads), draft)
                time.sleep(POLL_SECONDS)
                for place, worker in list(running.items()):
                    ended = worker.process.poll() is not None
                    if ended:
                        del running[place]
                        if message := worker.failure():
                            failures[place] = message
                            reporter.note(f"{paths[place].name} failed: {message}")
                    now = epochs_done(paths[place], epochs)
                    for _ in range(now - done[place]):
                        reporter.step()
                    done[place] = max(done[place], now)
        finally:
            for worker in running.values():
                worker.end()
            reporter.stop()
    return failures


def run_path(config: RunConfig) -> Path:
    """Return the folder of a run that the engine has prepared."""
    return Path(config.run.dir) / run_id(config)


def epochs_done(path: Path, epochs: int) -> int:
    """Return how many of its `epochs` a run has behind it, as its record says."""
    if state(path) == "complete":
        return epochs
    with suppress(FileNotFoundError), (path / ROWS).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 16_384))  # a row is far shorter
        lines = whole_lines(file.read())
        if lines:
            return int(json.loads(lines[-1])["epoch"]) - 1
    return 0


def _with_threads(config: RunConfig, threads: int) -> RunConfig:
    threads = config.fabric.threads or threads
    return replace(config, fabric=replace(config.fabric, threads=threads))


class _Worker:
    """One run as a process; `draft` is where its recipe, and beside it its words, are written."""

    def __init__(self, config: RunConfig, draft: Path) -> None:
        draft.write_text(dumps(config), encoding="utf-8")
        self._said, self._cried = draft.with_suffix(".out"), draft.with_suffix(".err")
        with self._said.open("wb") as said, self._cried.open("wb") as cried:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tutelage.lab._worker", str(draft)],
                stdin=subprocess.PIPE,  # its end is how the worker learns of ours
                stdout=said,
                stderr=cried,
                # What can be imported here can be imported there: `package.module:function` names.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )

    def failure(self) -> str:
        """Return what an ended worker has to say about its failure; nothing if all went well."""
        self._hang_up()
        code = self.process.returncode
        if code == 0:
            return ""
        if code == MISTAKE:
            return _read(self._said)
        return f"its process ended with code {code}.\n{_read(self._cried)}".strip()

    def end(self) -> None:
        """End the process, and wait until it has ended."""
        self._hang_up()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()
