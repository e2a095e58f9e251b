"""GEXF 1.2 (https://gexf.net): for Gephi and Gephi Lite, with where each node stands.

Everything is kept: kind and year are attributes, facts are those that begin with ``fact.``. All
links have a direction there; which kinds have none, their kind tells.
"""

from collections.abc import Mapping, Sequence

from tutelage.graph.export._flat import Value, flat, quoted, types
from tutelage.graph.model import Link, Node
from tutelage.graph.store import Place

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://www.gexf.net/1.2draft" xmlns:viz="http://www.gexf.net/1.2draft/viz" \
version="1.2">
<graph defaultedgetype="directed">
"""


def write(nodes: Sequence[Node], links: Sequence[Link], places: Mapping[str, Place]) -> bytes:
    """Return the file, in UTF-8."""
    keys = {node.id: node.key for node in nodes}
    parts = [_HEAD]
    of_nodes = [_node(node) for node in nodes]
    of_links: list[dict[str, Value]] = [{"kind": each.kind, **flat(each.facts)} for each in links]
    for tag, told in (("node", of_nodes), ("edge", of_links)):
        parts.append(f"<attributes class={quoted(tag)}>")
        for name, kind in types(told).items():
            parts.append(f"<attribute id={quoted(name)} title={quoted(name)} type={quoted(kind)}/>")
        parts.append("</attributes>\n")
    parts.append("<nodes>\n")
    for node, record in zip(nodes, of_nodes, strict=True):
        place = _place(places.get(node.key))
        ends = f"id={quoted(node.key)} label={quoted(node.label)}"
        parts.append(f"<node {ends}>{_values(record)}{place}</node>\n")
    parts.append("</nodes>\n<edges>\n")
    for number, (link, record) in enumerate(zip(links, of_links, strict=True)):
        ends = f"source={quoted(keys[link.source])} target={quoted(keys[link.target])}"
        weight = quoted(link.weight)
        parts.append(f'<edge id="{number}" {ends} weight={weight}>{_values(record)}</edge>\n')
    parts.append("</edges>\n</graph>\n</gexf>\n")
    return "".join(parts).encode()


def _node(node: Node) -> dict[str, Value]:
    year: dict[str, Value] = {} if node.year is None else {"year": node.year}
    return {"kind": node.kind, **year, **flat(node.facts)}


def _values(record: Mapping[str, Value]) -> str:
    told = (
        f"<attvalue for={quoted(name)} value={quoted(value)}/>" for name, value in record.items()
    )
    return f"<attvalues>{''.join(told)}</attvalues>"


def _place(place: Place | None) -> str:
    return (
        f"<viz:position x={quoted(place.x)} y={quoted(place.y)} z={quoted(0.0)}/>" if place else ""
    )
