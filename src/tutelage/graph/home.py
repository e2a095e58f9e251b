"""Where a graph lives: its store, and beside it the imported files from which it can be rebuilt."""

import gc
import logging
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tutelage.errors import GraphBusyError, GraphError, did_you_mean
from tutelage.graph.model import Claims, NodeClaim
from tutelage.graph.query import Query
from tutelage.graph.store import Origin, Store
from tutelage.graph.store.open import open_store

if TYPE_CHECKING:  # a server that starts reads no files
    from tutelage.graph.sources import Report

Progress = Callable[[int, int], None]
"""Hears how many of how many bytes of a file are read."""

GRAPH = "graph.sqlite"
"""What a graph is called among the runs."""

SHIPPED = frozenset({"shipped:dkd", "shipped:methods"})
"""The origins of what comes with the toolkit."""

IMPORT = "import:"
"""What the key of an imported file's origin begins with, before its kept name."""

PATIENCE = 600.0
"""Seconds that a question of a tool may take: all links of a large graph take a minute."""

DAY = 86_400  # seconds
DIGITS = 12  # of the SHA-256 of an imported file, which its kept name begins with
LONGEST = 100  # bytes of its own name, which ends the kept one


class Home:
    """A graph's store and its imports.

    An imported file is kept before it is applied, under its digest and name. The folder says what
    belongs to the graph and the store what of it is in, so that there is no third list to be
    wrong: whatever ends a process at whatever moment, `open` applies what is missing.

    >>> import tempfile
    >>> home = Home(Path(tempfile.mkdtemp()) / "graph.sqlite")
    >>> with closing(home.open()) as store:
    ...     [origin.key for origin in store.origins()]
    ['shipped:dkd', 'shipped:methods']
    """

    def __init__(self, graph: str | Path, imports: Path | None = None) -> None:
        """Touch nothing yet.

        Args:
            graph: A file, or a ``postgresql://`` URL.
            imports: The folder of imported files; ``graph.imports`` beside ``graph.sqlite``, and
                a URL wants one said.
        """
        self.graph = graph
        self.imports = imports or Path(graph).with_suffix(".imports")

    def open(self) -> Store:
        """Return the store, with what comes with the toolkit and all kept imports in it.

        A kept import that is not in it and cannot be read, or has been damaged, stays out, with a
        warning in the log.

        Raises:
            GraphError: it cannot be opened.
        """
        store = open_store(self.graph, deadline_seconds=PATIENCE)
        try:
            there = {origin.key for origin in store.origins()}
            if not there >= SHIPPED:
                from tutelage.graph.literature import shipped_claims

                for origin, claims in shipped_claims().items():
                    store.replace(origin, claims)
            for path in self.kept():
                if _origin(path).key not in there:
                    _apply_kept(store, path)
        except BaseException:
            store.close()
            raise
        return store

    def kept(self) -> list[Path]:
        """Return the imported files, as they are kept."""
        if not self.imports.is_dir():
            return []
        return sorted(path for path in self.imports.iterdir() if not path.name.startswith("."))

    def namesakes(self, path: Path) -> list[str]:
        """Return the kept names of all imports of files that are called as this one."""
        return [kept.name for kept in self.kept() if _label(kept) == _own_name(path)]

    def import_file(self, path: Path, progress: Progress | None = None) -> "Report":
        """Import a file: whole or, after an error, not at all. Twice is the same as once.

        Raises:
            GraphError: it cannot be read or is refused; see `tutelage.graph.sources.read`.
        """
        from tutelage.graph.sources import Report

        with closing(self.open()) as store:
            before = self.kept()
            kept = self._keep(path)
            report = Report()
            try:
                _apply(store, kept, report, progress)
            except BaseException as error:  # whatever it is, it would meet the next `open` too
                if kept not in before and not self._holds(store, kept):
                    kept.unlink(missing_ok=True)
                if isinstance(error, GraphError):
                    raise type(error)(str(error).replace(str(kept), str(path))) from error
                raise
            if not kept.exists():  # another process gave up on the same file meanwhile
                self._keep(path)
            return report

    def refresh(self) -> bool:
        """Bring up to date what large imports left for later; return whether there was anything.

        The map of everything is drawn as well, so that no server has to while it is being used.
        """
        with closing(open_store(self.graph, deadline_seconds=PATIENCE)) as store:
            late = store.is_late()
            if late:
                from tutelage.graph.atlas import draw_map

                store.refresh()
                draw_map(store)
            return late

    def _holds(self, store: Store, kept: Path) -> bool:
        """Say whether another process has imported the same file."""
        return _origin(kept).key in {origin.key for origin in store.origins()}

    def read_file(self, path: Path, progress: Progress | None = None) -> "Report":
        """Return what an import of a file would give, and change nothing.

        Raises:
            GraphError: as `import_file` does.
        """
        from tutelage.graph.sources import Report, read

        report = Report()
        for _ in read(path, report, progress):
            pass
        return report

    def forget(self, name: str) -> None:
        """Take an import out of the graph, and its file away.

        Raises:
            GraphError: none is kept under that name, or more than one.
        """
        with closing(open_store(self.graph, deadline_seconds=PATIENCE)) as store:
            keys = [origin.key for origin in store.origins() if origin.key.startswith(IMPORT)]
            # Also those whose file is away already, since a kill came between the two.
            there = {path.name for path in self.kept()} | {key[len(IMPORT) :] for key in keys}
            found = sorted(each for each in there if name in (each, each[DIGITS + 1 :]))
            if len(found) != 1:
                names = found or sorted(there)
                raise GraphError(
                    f"one import is to be forgotten, and {len(found)} are named {name!r}: there "
                    f"are {', '.join(names) or 'none'}.{did_you_mean(name, names)}"
                )
            kept = self.imports / found[0]
            kept.unlink(missing_ok=True)  # first, so that a kill now does not bring it back
            store.remove(_origin(kept).key)

    def rebuild(
        self, runs: Path, *, dry_run: bool = False, progress: Progress | None = None
    ) -> "list[tuple[Origin, Report]]":
        """Build the graph anew from what comes with the toolkit, the imports and the runs.

        Named views and places stay. An import that cannot be read any more is left out, and its
        report says why.

        Args:
            runs: The folder of runs.
            dry_run: Read everything, change nothing.
            progress: Hears how far each import is read.
        """
        from tutelage.graph.watch import Watch

        parts = self._parts(progress)
        if dry_run:
            return [(origin, _drained(claims, report)) for origin, report, claims in parts]
        built = []
        with closing(open_store(self.graph, deadline_seconds=PATIENCE)) as store:
            for origin in store.origins():
                store.remove(origin.key)
            for origin, report, claims in parts:
                try:
                    store.apply(origin, claims)
                except GraphError as error:
                    report.skip(0, str(error))
                else:
                    _put_places(store, origin, report)
                built.append((origin, report))
            Watch(store, runs).sync()
            store.refresh()
        return built

    def _parts(
        self, progress: Progress | None
    ) -> "Iterator[tuple[Origin, Report, Iterable[Claims]]]":
        from tutelage.graph.literature import shipped_claims
        from tutelage.graph.sources import Report

        for origin, claims in shipped_claims().items():
            nodes = sum(isinstance(claim, NodeClaim) for claim in claims)
            yield origin, Report(nodes=nodes, links=len(claims) - nodes), claims
        for path in self.kept():
            report = Report()
            yield _origin(path), report, _kept_claims(path, report, progress)

    def _keep(self, path: Path) -> Path:
        """Copy a file among the imports, where it is whole or not there."""
        from tutelage.record import file_sha256, replacing

        try:
            digest = file_sha256(path)
        except OSError as error:
            raise GraphError(f"{path} cannot be read: {error.strerror or error}.") from error
        kept = self.imports / f"{digest[:DIGITS]}-{_own_name(path)}"
        try:
            if not kept.exists() or file_sha256(kept) != digest:
                self.imports.mkdir(parents=True, exist_ok=True)
                self._sweep()
                with replacing(kept) as draft:
                    shutil.copyfile(path, draft)
                    if file_sha256(draft) != digest:
                        raise GraphError(f"{path} changed while it was read; import it again.")
        except OSError as error:
            raise GraphError(
                f"{path} cannot be kept in {self.imports}: {error.strerror or error}."
            ) from error
        return kept

    def _sweep(self) -> None:
        """Take away what copies left that were killed; none takes days."""
        from tutelage.record.files import DRAFT

        for draft in self.imports.glob(f".*{DRAFT}"):
            with suppress(OSError):  # another process may be sweeping
                if time.time() - draft.stat().st_mtime > DAY:
                    draft.unlink()


def graph_home(runs: Path, graph: str | None = None) -> Home:
    """Return where the graph of a folder of runs lives: by itself among them, or at `graph`."""
    where = graph or str(runs / GRAPH)
    return Home(where, runs / "graph.imports" if "://" in where else None)


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Look for no garbage in cycles: an import makes none, and a third of its time would go."""
    there = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if there:
            gc.enable()


def _apply(store: Store, path: Path, report: "Report", progress: Progress | None = None) -> None:
    origin = _origin(path)
    with _no_cycles():
        store.replace(origin, _kept_claims(path, report, progress))
    _put_places(store, origin, report)


def _apply_kept(store: Store, path: Path) -> None:
    from tutelage.graph.sources import Report

    try:
        _apply(store, path, Report())
    except GraphBusyError:
        raise
    except GraphError as error:
        logging.getLogger(__name__).warning(
            "%s is kept but not in the graph: %s `tutelage graph forget %s` takes it away.",
            path,
            error,
            path.name,
        )


def _put_places(store: Store, origin: Origin, report: "Report") -> None:
    """Put the nodes of an import where its file says, but none that stands already."""
    if report.places:
        scene = Query(within=origin.key).scene
        stand = store.places(scene)
        store.put_places(scene, {key: p for key, p in report.places.items() if key not in stand})


def _kept_claims(path: Path, report: "Report", progress: Progress | None) -> Iterator[Claims]:
    from tutelage.graph.sources.apart import read_large
    from tutelage.record import file_sha256

    if file_sha256(path)[:DIGITS] != path.name[:DIGITS]:
        raise GraphError(
            f"{path} is not the file that was imported. Put that back, or take it away and import "
            f"it again."
        )
    yield from read_large(path, report, progress)


def _origin(kept: Path) -> Origin:
    return Origin(key=f"{IMPORT}{kept.name}", label=_label(kept))


def _own_name(path: Path) -> str:
    return re.sub(r"[^\w.-]+", "_", path.name).encode()[-LONGEST:].decode(errors="ignore")


def _label(kept: Path) -> str:
    return kept.name[DIGITS + 1 :]


def _drained(claims: Iterable[Claims], report: "Report") -> "Report":
    try:
        for _ in claims:
            pass
    except GraphError as error:
        report.skip(0, str(error))
    return report
