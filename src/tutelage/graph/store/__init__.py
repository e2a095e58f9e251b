"""Where the graph is kept: SQLite in one file, or PostgreSQL beyond one machine."""

from tutelage.graph.store._store import Group, Origin, Path, Place, SavedView, Store

__all__ = ["Group", "Origin", "Path", "Place", "SavedView", "Store"]
