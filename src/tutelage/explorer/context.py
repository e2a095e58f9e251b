"""What every question is answered from."""

from dataclasses import dataclass
from pathlib import Path

from tutelage.explorer.answers import UnknownError
from tutelage.graph.model import Node
from tutelage.graph.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Explorer:
    """The graph and the folder of the runs."""

    store: Store
    runs: Path

    def node(self, key: str) -> Node:
        """Return a node by its key or another of its ids.

        Raises:
            UnknownError: there is none.
        """
        found = self.store.nodes([key])
        if not found:
            raise UnknownError(f"The graph has no {key!r}; it may have been there before.")
        return found[0]
