"""Where the graph is kept: SQLite in one file, or PostgreSQL beyond one machine."""

from tutelage.graph.store._store import Group, Origin, Path, Place, SavedView, Store
from tutelage.graph.store.open import open_store

__all__ = ["Group", "Origin", "Path", "Place", "SavedView", "Store", "open_store"]
