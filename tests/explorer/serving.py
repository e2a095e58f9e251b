"""A real `tutelage explore` in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(runs: Path, *flags: str, python: str = sys.executable) -> Iterator[str]:
    """Serve a folder of runs, and give the address that lets a browser in, once.

    At the end the server is told to stop, and must do so without a word of complaint.
    """
    environment = dict(os.environ)
    if python != sys.executable:  # an installation that must stand by itself
        environment.pop("PYTHONPATH", None)
    server = subprocess.Popen(
        [python, "-m", "tutelage", "explore", "--runs", str(runs), "--no-browser", *flags],
        cwd=runs,  # not the checkout, whose folders Python would find first
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    told = ""
    try:
        told = server.stdout.readline()
        assert told.startswith("http://127.0.0.1:"), told + str(server.poll())
        yield told.strip()
    finally:
        server.terminate()
        output, complaints = server.communicate(timeout=20)
    assert (output, complaints, server.returncode) == ("", "", 0)
