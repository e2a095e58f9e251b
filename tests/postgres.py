"""A PostgreSQL server of the tests' own, from Debian's package, reached by a socket alone."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote


def binaries() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``, or None where there is none."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """Serve an empty cluster while the block runs; give the URL of its first database."""
    # Not pytest's folder, which is its user's alone, and whose path can be too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = _user()
    shutil.chown(folder, user)
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"],
        user=user,
        cwd=folder,
        capture_output=True,
        check=True,
    )
    settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off")
    flags = [flag for setting in settings for flag in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *flags], user=user, cwd=folder, stderr=log
        )
    try:
        deadline = time.monotonic() + 30
        ready: list[str | Path] = [programs / "pg_isready", "--quiet", "-h", folder]
        while subprocess.run(ready, check=False).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL did not start within 30 s"
            time.sleep(0.05)
        yield f"postgresql://tests@/postgres?host={quote(str(folder), safe='')}"
    finally:
        process.send_signal(signal.SIGINT)  # end connections, then stop
        process.wait(30)
        shutil.rmtree(folder)


def _user() -> str:
    """Return whom it runs as: it refuses to be root, so then it is Debian's user for it."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
