"""What filters leave of the nodes that were reached, and of the links between them."""

from collections.abc import Collection, Mapping

from tutelage.graph.model import Link, Node
from tutelage.graph.query import Query
from tutelage.graph.store import Store


def sift(
    store: Store,
    nodes: Mapping[int, Node],
    links: Collection[Link],
    start: Collection[int],
    query: Query,
) -> tuple[list[Node], list[Link]]:
    """Return the nodes and links that the filters of a query let through.

    A node that loses all its links by that goes too, unless the query begins at it by name.
    """
    passing = {number for number, node in nodes.items() if _passes(node, query)}
    passing -= _without(store, nodes, "work", "topic_signal", query.topic)
    passing -= _without(store, nodes, "run", "uses", query.method)
    named = set(start) if query.at else set()
    kept = [link for link in links if link.source in passing and link.target in passing]
    near = _near(passing, kept)
    for number in [number for number in passing if nodes[number].key in query.fold]:
        passing -= {end for end in near[number] if near[end] == {number}} - named
    linked = {end for link in links for end in (link.source, link.target)}
    passing -= {number for number in passing & linked if not near[number]} - named
    return (
        [node for number, node in nodes.items() if number in passing],
        [link for link in kept if link.source in passing and link.target in passing],
    )


def _passes(node: Node, query: Query) -> bool:
    if query.accuracy is not None and node.kind in ("run", "model"):
        accuracy = node.facts.get("accuracy")
        if not isinstance(accuracy, float) or accuracy < query.accuracy:
            return False
    if node.year is None:
        return True
    return not (
        (query.since is not None and node.year < query.since)
        or (query.until is not None and node.year > query.until)
    )


def _without(
    store: Store, nodes: Mapping[int, Node], kind: str, link_kind: str, key: str
) -> set[int]:
    """Return the nodes of a kind that no link of `link_kind` joins to the node of `key`."""
    if not key:
        return set()
    of_kind = {number for number, node in nodes.items() if node.kind == kind}
    wanted = {node.id for node in store.nodes([key])}
    links, _ = store.among(of_kind | wanted)
    return of_kind - {
        link.source for link in links if link.kind == link_kind and link.target in wanted
    }


def _near(numbers: Collection[int], links: Collection[Link]) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {number: set() for number in numbers}
    for link in links:
        near[link.source].add(link.target)
        near[link.target].add(link.source)
    return near
