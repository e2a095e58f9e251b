"""The graph in PostgreSQL, for more than one machine: the same tables, beside the same logic."""

import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

from tutelage.errors import GraphBusyError, GraphError
from tutelage.graph.store._sql import SqlStore
from tutelage.graph.store._talk import HEAVIER_STAYS, LINK_COLUMNS, LINK_ENDS, Row, Talk

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

VERSION = 1  # of the tables
WRITING = 0x7475746C  # the lock that one writer holds
WAIT_SECONDS = 30  # for another process to finish writing
COPIED = 1_000  # rows from which they are sent as a stream
WORDED = 10_000  # nodes whose words are sent at a time

TABLES = """
CREATE TABLE fact (name text COLLATE "C" PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE origin (
    id bigint PRIMARY KEY, key text COLLATE "C" NOT NULL UNIQUE, label text NOT NULL,
    nodes bigint NOT NULL, links bigint NOT NULL
);
CREATE TABLE claim (
    id bigint PRIMARY KEY, origin bigint NOT NULL, digest bigint NOT NULL, node bigint NOT NULL,
    kind integer NOT NULL, ids text NOT NULL, label text NOT NULL, year integer,
    facts text NOT NULL
);
CREATE UNIQUE INDEX claim_of_origin ON claim (origin, digest);
CREATE INDEX claim_of_node ON claim (node, origin);
CREATE TABLE name (id bigint PRIMARY KEY, text text COLLATE "C" NOT NULL, node bigint NOT NULL);
CREATE INDEX name_by_text ON name (text);
CREATE INDEX name_of_node ON name (node);
CREATE TABLE node (
    id bigint PRIMARY KEY, key text COLLATE "C" NOT NULL, kind integer NOT NULL,
    label text NOT NULL, year integer, importance double precision NOT NULL,
    rank bigint NOT NULL, facts text NOT NULL, words tsvector NOT NULL DEFAULT ''
);
CREATE INDEX node_by_rank ON node (rank);
CREATE INDEX node_by_words ON node USING gin (words);
CREATE TABLE link (
    source bigint NOT NULL, kind integer NOT NULL, target bigint NOT NULL, origin bigint NOT NULL,
    source_name bigint NOT NULL, target_name bigint NOT NULL, weight double precision NOT NULL,
    facts text COLLATE "C" NOT NULL,
    PRIMARY KEY (source, kind, target, origin, source_name, target_name)
);
CREATE TABLE linked (origin bigint NOT NULL, name bigint NOT NULL, PRIMARY KEY (origin, name));
CREATE TABLE tally (
    what text COLLATE "C" NOT NULL, kind integer NOT NULL, number bigint NOT NULL,
    PRIMARY KEY (what, kind)
);
CREATE TABLE place (
    scene text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, x double precision NOT NULL,
    y double precision NOT NULL, PRIMARY KEY (scene, key)
);
CREATE TABLE spot (
    node bigint PRIMARY KEY, x double precision NOT NULL, y double precision NOT NULL,
    community bigint NOT NULL
);
CREATE TABLE saved_view (
    name text COLLATE "C" PRIMARY KEY, query text NOT NULL, saved text NOT NULL
);
"""
BACK = "CREATE INDEX link_by_target ON link (target, kind, source)"


class PostgresTalk(Talk):
    """A transaction with PostgreSQL."""

    numbers = "IN (SELECT unnest(?::bigint[]))"
    texts = "IN (SELECT unnest(?::text[]))"

    def __init__(self, connection: "Connection[Row]") -> None:
        self.connection = connection

    def stream(self, statement: str, *given: object) -> Iterator[Row]:
        """See `Talk.stream`."""
        return iter(self.connection.execute(_asked(statement), given or None))

    def run(self, statement: str, *given: object) -> None:
        """See `Talk.run`."""
        self.connection.execute(_asked(statement), given or None)

    def many(self, statement: str, rows: Iterable[Row]) -> None:
        """See `Talk.many`."""
        with self.connection.cursor() as cursor:
            cursor.executemany(_asked(statement), rows)

    def pack(self, values: Collection[int] | Collection[str]) -> object:
        """See `Talk.pack`."""
        return list(values)

    def add_links(self, rows: Iterable[Row]) -> None:
        """See `Talk.add_links`."""
        stream = iter(rows)
        head = list(islice(stream, COPIED))
        if len(head) < COPIED:
            self.insert(f"link ({LINK_COLUMNS})", head, HEAVIER_STAYS)
            return
        self.run("CREATE TEMPORARY TABLE sent (LIKE link) ON COMMIT DROP")
        self._copy(f"COPY sent ({LINK_COLUMNS}) FROM STDIN", chain(head, stream))
        self.run(
            f"INSERT INTO link ({LINK_COLUMNS}) SELECT DISTINCT ON ({LINK_ENDS}) {LINK_COLUMNS} "
            f"FROM sent ORDER BY {LINK_ENDS}, weight DESC, facts DESC {HEAVIER_STAYS}"
        )
        self.run("DROP TABLE sent")

    def index_words(self, rows: Iterable[tuple[int, int, str]], *, anew: bool) -> None:
        """See `Talk.index_words`."""
        self.run("CREATE TEMPORARY TABLE worded (id bigint, words text) ON COMMIT DROP")
        # In portions: what yields the rows may ask on the connection that the copy keeps busy.
        stream = ((node, text) for node, _, text in rows)
        while portion := list(islice(stream, WORDED)):
            self._copy("COPY worded (id, words) FROM STDIN", portion)
        self.run(
            "UPDATE node SET words = array_to_tsvector(string_to_array(worded.words, ' ')) "
            "FROM worded WHERE worded.id = node.id"
        )
        self.run("DROP TABLE worded")

    def ask_words(self, terms: list[tuple[str, bool]], kinds: list[str], limit: int) -> list[int]:
        """See `Talk.ask_words`."""
        asked = [f"'{word}'{':*' if goes_on else ''}" for word, goes_on in terms]
        if kinds:
            asked.append(f"({' | '.join(f'{chr(39)}{kind}{chr(39)}' for kind in kinds)})")
        found = self.rows(
            "SELECT id FROM node WHERE words @@ ?::tsquery ORDER BY rank LIMIT ?",
            " & ".join(asked),
            limit,
        )
        return [row[0] for row in found]

    def drop_back_index(self) -> None:
        """See `Talk.drop_back_index`."""
        self.run("DROP INDEX link_by_target")

    def build_back_index(self) -> None:
        """See `Talk.build_back_index`."""
        self.run(BACK)

    def _copy(self, statement: str, rows: Iterable[Row]) -> None:
        with self.connection.cursor() as cursor, cursor.copy(_asked(statement)) as copy:
            for row in rows:
                copy.write_row(row)


class PostgresStore(SqlStore):
    """A `Store` in a database of PostgreSQL.

    Args:
        url: such as ``postgresql://user@host/database``; its tables are made where there are none.
        deadline_seconds: what a reading method may take.

    Raises:
        GraphError: there is no connection, or the tables are of a newer toolkit.
    """

    def __init__(self, url: str, *, deadline_seconds: float = 5.0) -> None:
        super().__init__()
        try:
            import psycopg
        except ImportError:
            raise GraphError(
                "a graph in PostgreSQL wants psycopg. Get it by `pip install 'tutelage[postgres]'`."
            ) from None
        self._psycopg = psycopg
        self.url, self.deadline_seconds = url, deadline_seconds
        self._free: list[Connection[Row]] = []
        self._pool_lock = threading.Lock()
        self._closed = False
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self.writing() as talk:
            if talk.one("SELECT to_regclass('fact')") is None:
                for statement in [*TABLES.strip().rstrip(";").split(";\n"), BACK]:
                    talk.run(statement)
                facts = ("version", "origin", "claim", "name", "node", "rank", "late")
                rows = [*((name, 0) for name in facts), ("tables", VERSION)]
                talk.insert("fact (name, value)", rows)
            tables = talk.one("SELECT value FROM fact WHERE name = 'tables'")
        if tables is None or tables > VERSION:
            raise GraphError(
                f"the database holds tables of a newer toolkit ({tables}, known here are "
                f"{VERSION}), or of something else. Upgrade the toolkit, or name another database."
            )

    def _connect(self) -> "Connection[Row]":
        return self._psycopg.connect(self.url, connect_timeout=10, autocommit=True)

    # ------------------------------------------------------------------ transactions
    @contextmanager
    def writing(self) -> Iterator[Talk]:
        """See `SqlStore.writing`."""
        with self._borrowed() as connection, connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [WRITING])
            yield PostgresTalk(connection)

    @contextmanager
    def reading(self) -> Iterator[Talk]:
        """See `SqlStore.reading`."""
        with self._borrowed() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute(
                f"SET LOCAL statement_timeout = {max(1, int(1000 * self.deadline_seconds))}"
            )
            yield PostgresTalk(connection)

    @contextmanager
    def _borrowed(self) -> "Iterator[Connection[Row]]":
        """Lend a connection, and say in our words what PostgreSQL refuses."""
        if self._closed:
            raise GraphError("the store was closed.")
        errors = self._psycopg.errors
        try:
            with self._pool_lock:
                connection = self._free.pop() if self._free else None
            connection = connection or self._connect()
            try:
                yield connection
            finally:
                with self._pool_lock:
                    if connection.closed or self._closed:
                        connection.close()
                    else:
                        self._free.append(connection)
        except errors.QueryCanceled:
            raise GraphBusyError(
                f"the question took longer than {self.deadline_seconds:g} s. Ask for less."
            ) from None
        except errors.LockNotAvailable:
            raise GraphBusyError(
                f"another process has been writing to the graph for {WAIT_SECONDS} s. "
                "Try again when it is done."
            ) from None
        except self._psycopg.Error as error:
            raise GraphError(f"PostgreSQL: {str(error).strip()}.") from error
        except UnicodeEncodeError as error:
            raise GraphError(f"a store wants Unicode text, got {error.object!r}.") from None

    def close(self) -> None:
        """See `Store.close`."""
        with self.write_lock, self._pool_lock:
            self._closed = True
            for connection in self._free:
                connection.close()
            self._free = []


def _asked(statement: str) -> "psycopg.sql.SQL":
    from psycopg.sql import SQL

    return SQL(statement.replace("?", "%s"))
