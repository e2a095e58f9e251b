"""Open a graph, wherever it is kept."""

from pathlib import Path

from tutelage.graph.store._store import Store


def open_store(where: str | Path) -> Store:
    """Return the store in a file, made if there is none, or at a ``postgresql://`` URL.

    Raises:
        GraphError: it cannot be opened; the message says why.
    """
    if isinstance(where, str) and where.startswith(("postgresql://", "postgres://")):
        from tutelage.graph.store.postgres import PostgresStore

        return PostgresStore(where)
    from tutelage.graph.store.sqlite import SqliteStore

    return SqliteStore(Path(where))
