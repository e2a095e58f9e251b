"""JSON that keeps everything, and can be imported again."""

import json
from collections.abc import Mapping, Sequence

from tutelage.graph.model import Link, Node
from tutelage.graph.store import Place


def write(nodes: Sequence[Node], links: Sequence[Link], places: Mapping[str, Place]) -> bytes:
    """Return an object of ``nodes`` and ``links``, one a line."""
    keys = {node.id: node.key for node in nodes}
    told = {
        "nodes": [_node(node, places.get(node.key)) for node in nodes],
        "links": [
            {
                "source": keys[link.source],
                "kind": link.kind,
                "target": keys[link.target],
                "weight": link.weight,
                "facts": dict(link.facts),
            }
            for link in links
        ],
    }
    lists = (f"{json.dumps(name)}: [{_lines(records)}]" for name, records in told.items())
    return ("{" + ",\n".join(lists) + "}\n").encode()


def _node(node: Node, place: Place | None) -> dict[str, object]:
    told: dict[str, object] = {
        "key": node.key,
        "kind": node.kind,
        "label": node.label,
        "year": node.year,
        "facts": dict(node.facts),
    }
    return {**told, "x": place.x, "y": place.y} if place else told


def _lines(records: Sequence[Mapping[str, object]]) -> str:
    texts = (json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records)
    return ",".join(f"\n{text}" for text in texts)
