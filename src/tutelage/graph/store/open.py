"""Open a graph, wherever it is kept."""

from pathlib import Path

from tutelage.graph.store._store import Store

DEADLINE = 5.0
"""Seconds that a question may take of which somebody waits for the answer."""


def open_store(where: str | Path, *, deadline_seconds: float = DEADLINE) -> Store:
    """Return the store in a file, made if there is none, or at a ``postgresql://`` URL.

    Args:
        where: The file or URL.
        deadline_seconds: What a reading method may take.

    Raises:
        GraphError: it cannot be opened; the message says why.
    """
    if isinstance(where, str) and where.startswith(("postgresql://", "postgres://")):
        from tutelage.graph.store.postgres import PostgresStore

        return PostgresStore(where, deadline_seconds=deadline_seconds)
    from tutelage.graph.store.sqlite import SqliteStore

    return SqliteStore(Path(where), deadline_seconds=deadline_seconds)
