"""The graph in one file of SQLite: the store that needs no server."""

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path

from tutelage.errors import GraphBusyError, GraphError
from tutelage.graph.store._sql import SqlStore
from tutelage.graph.store._talk import HEAVIER_STAYS, LINK_COLUMNS, Row, Talk

APPLICATION = 0x7475746C  # "tutl", in the header of the file
VERSION = 1  # of the tables
MIGRATIONS: dict[int, str] = {}  # version -> what makes the next one of it
WAIT_SECONDS = 30.0  # for another process to finish writing
WRITING_CACHE = 262_144  # KiB
READING_CACHE = 32_768
SORTING_CACHE = 16_384  # an index's rows are sorted while the processor has them at hand
WRITING = (
    f"cache_size = -{WRITING_CACHE}",
    "synchronous = NORMAL",  # no loss but of the last changes
    "threads = 1",  # beside the own one, to sort
)
TOGETHER = 100  # rows that a statement adds: SQLite was once built for at most 999 values
STEPS = 2_000  # of SQLite's machine between two looks at the clock

TABLES = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE origin (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
    nodes INTEGER NOT NULL, links INTEGER NOT NULL
);
CREATE TABLE claim (
    id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, digest INTEGER NOT NULL,
    node INTEGER NOT NULL, kind INTEGER NOT NULL, ids TEXT NOT NULL, label TEXT NOT NULL,
    year INTEGER, facts TEXT NOT NULL
);
CREATE UNIQUE INDEX claim_of_origin ON claim (origin, digest);
CREATE INDEX claim_of_node ON claim (node, origin);
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL, node INTEGER NOT NULL);
CREATE INDEX name_by_text ON name (text);
CREATE INDEX name_of_node ON name (node);
CREATE TABLE node (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind INTEGER NOT NULL, label TEXT NOT NULL,
    year INTEGER, importance REAL NOT NULL, rank INTEGER NOT NULL, facts TEXT NOT NULL
);
CREATE INDEX node_by_rank ON node (rank);
CREATE TABLE link (
    source INTEGER NOT NULL, kind INTEGER NOT NULL, target INTEGER NOT NULL,
    origin INTEGER NOT NULL, source_name INTEGER NOT NULL, target_name INTEGER NOT NULL,
    weight REAL NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (source, kind, target, origin, source_name, target_name)
) WITHOUT ROWID;
CREATE TABLE linked (
    origin INTEGER NOT NULL, name INTEGER NOT NULL, PRIMARY KEY (origin, name)
) WITHOUT ROWID;
CREATE TABLE tally (
    what TEXT NOT NULL, kind INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (what, kind)
) WITHOUT ROWID;
CREATE TABLE place (
    scene TEXT NOT NULL, key TEXT NOT NULL, x REAL NOT NULL, y REAL NOT NULL,
    PRIMARY KEY (scene, key)
) WITHOUT ROWID;
CREATE TABLE spot (
    node INTEGER PRIMARY KEY, x REAL NOT NULL, y REAL NOT NULL, community INTEGER NOT NULL
);
CREATE TABLE saved_view (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, saved TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO fact (name, value) VALUES
    ('version', 0), ('origin', 0), ('claim', 0), ('name', 0), ('node', 0), ('rank', 0),
    ('late', 0);
"""
# Rows are never taken out: one that is out of date has a rank that no node has any more.
WORDS = (
    "CREATE VIRTUAL TABLE words USING fts5 (text, content = '', detail = none, columnsize = 0, "
    "tokenize = 'ascii', prefix = '1 2 3')"
)
BACK = "CREATE INDEX link_by_target ON link (target, kind, source)"


class SqliteTalk(Talk):
    """A transaction with SQLite."""

    numbers = texts = "IN (SELECT value FROM json_each(?))"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def stream(self, statement: str, *given: object) -> Iterator[Row]:
        """See `Talk.stream`."""
        return self.connection.execute(statement, given)

    def run(self, statement: str, *given: object) -> None:
        """See `Talk.run`."""
        self.connection.execute(statement, given)

    def many(self, statement: str, rows: Iterable[Row]) -> None:
        """See `Talk.many`."""
        self.connection.executemany(statement, rows)

    def insert(self, into: str, rows: Iterable[Row], conflict: str = "") -> None:
        """See `Talk.insert`. Many rows a statement take half the time of a statement a row."""
        stream = iter(rows)
        while several := list(islice(stream, TOGETHER)):
            places = f"({', '.join('?' * len(several[0]))})"
            values = ", ".join([places] * len(several))
            statement = f"INSERT INTO {into} VALUES {values} {conflict}"
            self.run(statement, *chain.from_iterable(several))

    def pack(self, values: Collection[int] | Collection[str]) -> object:
        """See `Talk.pack`."""
        return json.dumps(list(values))

    def add_links(self, rows: Iterable[Row]) -> None:
        """See `Talk.add_links`."""
        self.insert(f"link ({LINK_COLUMNS})", rows, HEAVIER_STAYS)

    def index_words(self, rows: Iterable[tuple[int, int, str]], *, anew: bool) -> None:
        """See `Talk.index_words`."""
        if anew:
            self.run("INSERT INTO words (words) VALUES ('delete-all')")
        self.insert("words (rowid, text)", ((rank, words) for _, rank, words in rows))
        if anew:
            self.run("INSERT INTO words (words) VALUES ('optimize')")

    def ask_words(self, terms: list[tuple[str, bool]], kinds: list[str], limit: int) -> list[int]:
        """See `Talk.ask_words`."""
        asked = [f'"{word}"{"*" if goes_on else ""}' for word, goes_on in terms]
        if kinds:
            asked.append(f"({' OR '.join(f'{chr(34)}{kind}{chr(34)}' for kind in kinds)})")
        found = self.rows(
            "SELECT node.id FROM words JOIN node ON node.rank = words.rowid "
            "WHERE words MATCH ? ORDER BY words.rowid LIMIT ?",
            " AND ".join(asked),
            limit,
        )
        return [row[0] for row in found]

    def drop_back_index(self) -> None:
        """See `Talk.drop_back_index`."""
        self.run("DROP INDEX link_by_target")

    def build_back_index(self) -> None:
        """See `Talk.build_back_index`."""
        self.run(f"PRAGMA cache_size = -{SORTING_CACHE}")
        try:
            self.run(BACK)
        finally:  # the connection goes on
            self.run(f"PRAGMA cache_size = -{WRITING_CACHE}")


class SqliteStore(SqlStore):
    """A `Store` in a file.

    Readers each have a connection of their own that cannot write, and see the graph as it was when
    they began, however long a writer takes. One writes at a time, in this process and in others.

    Args:
        path: the file; made, with its folder, where there is none.
        deadline_seconds: what a reading method may take.

    Raises:
        GraphError: it is no graph, or one of a newer toolkit, or SQLite lacks what is needed.
    """

    def __init__(self, path: Path, *, deadline_seconds: float = 5.0) -> None:
        super().__init__()
        self.file, self.deadline_seconds = path.resolve(), deadline_seconds
        self._free: list[sqlite3.Connection] = []
        self._all: list[sqlite3.Connection] = []
        self._pool_lock = threading.Lock()
        self._closed = False
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect(write=True)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise
        except sqlite3.Error as error:
            raise GraphError(
                f"{path} cannot be opened as a graph: {error}. It can be rebuilt from the records "
                "and imports on disk: move it away, then `tutelage graph rebuild`."
            ) from error
        except OSError as error:
            raise GraphError(f"{path} cannot be made: {error}.") from error

    def _connect(self, *, write: bool) -> sqlite3.Connection:
        # Autocommit: transactions are begun by hand. Threads take turns with a connection.
        connection = sqlite3.connect(
            f"{self.file.as_uri()}?mode={'rwc' if write else 'ro'}",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        if not write:
            connection.execute(f"PRAGMA cache_size = -{READING_CACHE}")
        connection.execute("PRAGMA mmap_size = 1073741824")
        connection.execute(
            "PRAGMA temp_store = memory" if not write else "PRAGMA temp_store = file"
        )
        with self._pool_lock:
            self._all.append(connection)
        return connection

    # ------------------------------------------------------------------ opening
    def _prepare(self) -> None:
        demand_fts5(self._writer)
        version, application = (
            self._writer.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("user_version", "application_id")
        )
        empty = not self._writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not empty and application != APPLICATION:
            raise GraphError(f"{self.file} is a database, but no graph. Name another file.")
        if version > VERSION:
            raise GraphError(
                f"{self.file} was written by a newer toolkit (tables {version}, known here are "
                f"{VERSION}). Upgrade the toolkit, or name another file."
            )
        mode = self._writer.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise GraphError(
                f"{self.file} lies where SQLite cannot keep a write-ahead log (it gave {mode!r}), "
                "such as a network drive. Put the graph on a local disk."
            )
        for setting in WRITING:
            self._writer.execute(f"PRAGMA {setting}")
        if not empty and version < VERSION:
            self._migrate(version)
        elif empty:
            self._create()

    def _create(self) -> None:
        with self.writing() as talk:
            if talk.one("SELECT count(*) FROM sqlite_schema"):
                return  # another process was quicker
            for statement in [*TABLES.split(";\n"), BACK, WORDS]:
                talk.run(statement)
            talk.run(f"PRAGMA application_id = {APPLICATION}")
            talk.run(f"PRAGMA user_version = {VERSION}")

    def _migrate(self, version: int) -> None:
        """Bring tables of an older toolkit up to date; a copy of the file as it was stays."""
        copy = self.file.with_name(f"{self.file.name}.tables{version}")
        with closing(sqlite3.connect(copy)) as backup:
            self._writer.backup(backup)
        with self.writing() as talk:
            for step in range(version, VERSION):
                for statement in MIGRATIONS[step].split(";\n"):
                    talk.run(statement)
            talk.run(f"PRAGMA user_version = {VERSION}")

    # ------------------------------------------------------------------ transactions
    @contextmanager
    def writing(self) -> Iterator[Talk]:
        """See `SqlStore.writing`."""
        self._demand_open()
        with self._told():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteTalk(self._writer)
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Talk]:
        """See `SqlStore.reading`."""
        connection = self._borrow()
        ends = time.monotonic() + self.deadline_seconds
        connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS)
        try:
            with self._told():
                connection.execute("BEGIN")
                yield SqliteTalk(connection)
        finally:
            connection.set_progress_handler(None, 0)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._pool_lock:
                self._free.append(connection)

    def _borrow(self) -> sqlite3.Connection:
        self._demand_open()
        with self._pool_lock:
            if self._free:
                return self._free.pop()
        return self._connect(write=False)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our words what SQLite refuses."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise GraphBusyError(
                    f"the question took longer than {self.deadline_seconds:g} s. Ask for less."
                ) from None
            if "locked" in str(error):
                raise GraphBusyError(
                    f"another process has been writing to {self.file} for {WAIT_SECONDS:g} s. "
                    "Try again when it is done."
                ) from None
            raise GraphError(f"{self.file}: {error}.") from error
        except UnicodeEncodeError as error:
            raise GraphError(f"a store wants Unicode text, got {error.object!r}.") from None

    def _demand_open(self) -> None:
        if self._closed:
            raise GraphError(f"{self.file} was closed.")

    def close(self) -> None:
        """See `Store.close`."""
        with self.write_lock, self._pool_lock:
            self._closed = True
            # The writer last: who may not write cannot put the log away, which the next one to
            # open the file would have to read.
            for connection in reversed(self._all):
                connection.close()
            self._all, self._free = [], []


def demand_fts5(connection: sqlite3.Connection) -> None:
    """Demand a SQLite that can search.

    Raises:
        GraphError: it was built without FTS5, or is older than 3.35.
    """
    built = {row[0] for row in connection.execute("PRAGMA compile_options")}
    if "ENABLE_FTS5" not in built or sqlite3.sqlite_version_info < (3, 35):
        raise GraphError(
            f"the graph wants SQLite 3.35 or later with FTS5, Python has {sqlite3.sqlite_version}"
            f"{'' if 'ENABLE_FTS5' in built else ' without FTS5'}. Use a Python from python.org, "
            "conda or your system, or keep the graph in PostgreSQL."
        )
