"""Serving the explorer: a free port, a start address, workers, and a watch over the runs."""

import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tutelage.errors import ConfigError, TutelageError
from tutelage.explorer.app import make_app
from tutelage.explorer.safety import LONGEST_QUERY, START
from tutelage.explorer.settings import Settings, is_loopback, known_as
from tutelage.explorer.tokens import LEAST, issue, new_secret
from tutelage.graph.home import graph_home
from tutelage.graph.store import Store

if TYPE_CHECKING:
    from tutelage.graph.watch import Watch

PORT = 8765
"""Where the explorer is looked for first."""

TRIED = 50
"""Ports that are tried from the first on, before any free one is taken."""

EVERY = 2.0
"""Seconds between two looks at the runs."""

FIRST = 0.5
"""Seconds before the first look, in which the server comes to stand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was asked for on the command line."""

    runs: Path
    graph: str
    host: str
    port: int
    token: str
    workers: int
    browser: bool

    def __post_init__(self) -> None:
        """Demand a token where others can reach the server."""
        if not is_loopback(self.host) and not self.token:
            raise ConfigError(
                f"a server on {self.host} can be reached from other machines, so it wants a token "
                f"of at least {LEAST} characters: --token, or TUTELAGE_TOKEN in the environment. "
                f"Without --host only this machine can reach it."
            )
        if self.token and len(self.token) < LEAST:
            raise ConfigError(
                f"a token wants at least {LEAST} characters, got {len(self.token)}; "
                f"`python -c 'import secrets; print(secrets.token_urlsafe(32))'` makes one."
            )


def serve(plan: Plan, say: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Raises:
        TutelageError: the graph cannot be opened, or the address cannot be listened at.
    """
    store = graph_home(plan.runs, plan.graph).open()
    try:
        listening = listen(plan.host, plan.port)
        with TemporaryDirectory(prefix="tutelage-") as tickets, listening:
            settings = Settings(
                graph=plan.graph,
                runs=plan.runs,
                port=listening.getsockname()[1],
                hosts=known_as(plan.host, listening.getsockname()[1]),
                session=new_secret(),
                tickets=Path(tickets),
                token=plan.token,
            )
            address = start_address(plan.host, settings)
            say(address)
            if plan.browser:
                # The port listens already: a browser that is quicker than the server waits.
                threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
            runs = Keeper(keep_runs(store, plan.runs), name="graph of runs", say=say)
            with runs, Keeper(keep_map(store), name="map", say=say):
                _run(settings, listening, plan.workers)
    finally:
        store.close()


def add_shipped(store: Store) -> None:
    """Put what the toolkit itself knows into the graph."""
    from tutelage.graph.literature import shipped_claims

    for origin, claims in shipped_claims().items():
        store.replace(origin, claims)


def listen(host: str, port: int) -> socket.socket:
    """Listen at a port, or where that is taken at one of the next, or at any.

    Raises:
        ConfigError: nothing can listen at that host.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + TRIED, 65536)
    for tried in range(port, last):
        with suppress(OSError):
            return socket.create_server((host.strip("[]"), tried), family=family)
    try:
        return socket.create_server((host.strip("[]"), 0), family=family)
    except OSError as error:
        raise ConfigError(
            f"nothing can listen at {host}: {error.strerror or error}; give an address of this "
            f"machine as --host."
        ) from error


def start_address(host: str, settings: Settings) -> str:
    """Return an address that lets a browser in, once."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    name = f"[{name}]" if ":" in name else name
    query = urlencode({"token": issue(settings.tickets)})
    return f"http://{name}:{settings.port}{START}?{query}"


class Keeper:
    """Does something again and again in the background, and says what goes wrong, once."""

    def __init__(
        self, work: Callable[[], object], *, name: str, say: Callable[[str], None]
    ) -> None:
        self._work = work
        self._say = say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    def __enter__(self) -> "Keeper":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Do it no more, after the present time."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _keep(self) -> None:
        told = ""
        wait = FIRST
        while not self._stop.wait(wait):
            began = time.monotonic()
            trouble = ""
            try:
                self._work()
            except TutelageError as error:  # it may be mended while the server runs
                trouble = str(error)
            if trouble and trouble != told:
                self._say(f"The {self._thread.name} could not be brought up to date: {trouble}")
            told = trouble
            took = time.monotonic() - began
            wait = max(EVERY, 10 * took)  # a tenth of one core at most


def keep_runs(store: Store, runs: Path) -> Callable[[], object]:
    """Return what brings the graph up to the runs, and at first to what the toolkit knows now."""
    watch: list[Watch] = []

    def keep() -> None:
        if not watch:
            from tutelage.graph.watch import Watch  # with what no start of a server waits for

            add_shipped(store)
            watch.append(Watch(store, runs))
        watch[0].sync()

    return keep


def keep_map(store: Store) -> Callable[[], object]:
    """Return what brings the map of everything up to the graph, where that changed."""
    drawn = [-1]

    def keep() -> None:
        if store.is_late():  # an import was not seen to its end
            store.refresh()
        version = store.version()
        if version != drawn[0]:
            from tutelage.graph.atlas import draw_map  # with scipy, for which no server waits

            draw_map(store)
            drawn[0] = version

    return keep


def _run(settings: Settings, listening: socket.socket, workers: int) -> None:
    """Answer until a signal comes, then end what is under way."""
    from uvicorn.config import Config
    from uvicorn.server import Server

    config = Config(
        partial(make_app, settings),
        factory=True,
        workers=workers,
        http="h11",
        ws="none",
        lifespan="on",
        proxy_headers=False,  # who asks is told by the connection alone
        server_header=False,
        access_log=False,  # it would tell start tokens
        log_level="warning",
        h11_max_incomplete_event_size=2 * LONGEST_QUERY,
        timeout_graceful_shutdown=3,
    )
    if workers > 1:
        from uvicorn.supervisors import Multiprocess

        Multiprocess(config, [listening]).run()
        return
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises its signals again when it is done
    try:
        Server(config).run([listening])
    except KeyboardInterrupt:
        return


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
