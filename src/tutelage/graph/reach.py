"""Which nodes a query reaches: from where it begins, step by step, and through what was opened."""

from collections import Counter
from dataclasses import dataclass

from tutelage.errors import GraphError
from tutelage.graph.model import LINK_KINDS, NODE_KINDS, Node
from tutelage.graph.query import PAGE, Query
from tutelage.graph.store import Store


@dataclass(frozen=True, slots=True)
class Reach:
    """The nodes reached by number, in the order of the walk, and whether a limit cut some off."""

    nodes: dict[int, Node]
    truncated: bool


def start_of(store: Store, query: Query) -> list[Node]:
    """Return the nodes a query begins at.

    Raises:
        GraphError: the graph does not hold what the query names.
    """
    if query.at:
        found = store.nodes(query.at)
        if len(found) < len(query.at):
            known = {node.key for node in found}
            named = {name for node in found for name in _ids(node)} | known
            lost = [key for key in query.at if key not in named]
            if lost or not found:
                raise GraphError(f"the graph holds no {lost[0] if lost else query.at[0]!r}.")
        return found
    return store.members(query.within, limit=query.limit)


def reach(store: Store, start: list[Node], query: Query) -> Reach:
    """Walk from `start` along the kinds of links and nodes that `query` does not hide.

    Every node gives the strongest `PAGE` of each kind of link, one that was opened as many more as
    often as it was opened.
    """
    nodes = {node.id: node for node in start}
    link_kinds = [kind for kind in LINK_KINDS if kind not in query.hide]
    node_kinds = [kind for kind in NODE_KINDS if kind not in query.hide]
    truncated = not query.at and len(nodes) >= query.limit
    walked: set[int] = set()

    def walk(node: Node, pages: int) -> list[Node]:
        nonlocal truncated
        walked.add(node.id)
        groups = store.neighbours(
            node.id,
            link_kinds=link_kinds,
            node_kinds=node_kinds,
            origin=query.within,
            limit=PAGE * pages,
        )
        near = {found.id: found for group in groups for found in group.nodes}
        new = [found for number, found in near.items() if number not in nodes]
        room = query.limit - len(nodes)
        truncated = truncated or len(new) > room
        nodes.update((found.id, found) for found in new[: max(room, 0)])
        return new[: max(room, 0)]

    ring = start if query.at else []
    for _ in range(query.depth):
        ring = [found for node in ring for found in walk(node, 1)]
    times = Counter(query.open)
    for node in store.nodes(list(times)):
        if node.id in nodes:  # what is not shown has nothing to open
            walk(node, times[node.key] + (node.id in walked))
    return Reach(nodes, truncated)


def _ids(node: Node) -> list[str]:
    ids = node.facts.get("ids", ())
    return [str(name) for name in ids] if isinstance(ids, list | tuple) else []
