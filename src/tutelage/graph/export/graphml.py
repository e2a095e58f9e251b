"""GraphML (http://graphml.graphdrawing.org): for yEd, Gephi, Cytoscape, networkx, igraph.

Everything is kept: kind, label, year and place are attributes, facts are those that begin with
``fact.``. All links have a direction there; which kinds have none, their kind tells.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from tutelage.graph.export._flat import Value, flat, quoted, spelt, types
from tutelage.graph.model import Link, Node
from tutelage.graph.store import Place

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""


def write(nodes: Sequence[Node], links: Sequence[Link], places: Mapping[str, Place]) -> bytes:
    """Return the file, in UTF-8."""
    keys = {node.id: node.key for node in nodes}
    points = [(f"id={quoted(node.key)}", _node(node, places.get(node.key))) for node in nodes]
    lines = [
        (f"source={quoted(keys[link.source])} target={quoted(keys[link.target])}", _link(link))
        for link in links
    ]
    parts = [_HEAD]
    for tag, told in (("node", points), ("edge", lines)):
        for name, kind in types(record for _, record in told).items():
            parts.append(
                f"<key id={quoted(f'{tag}.{name}')} for={quoted(tag)} "
                f"attr.name={quoted(name)} attr.type={quoted(kind)}/>\n"
            )
    parts.append('<graph edgedefault="directed">\n')
    for tag, told in (("node", points), ("edge", lines)):
        for ends, record in told:
            data = "".join(
                f"<data key={quoted(f'{tag}.{name}')}>{escape(spelt(value))}</data>"
                for name, value in record.items()
            )
            parts.append(f"<{tag} {ends}>{data}</{tag}>\n")
    parts.append("</graph>\n</graphml>\n")
    return "".join(parts).encode()


def _node(node: Node, place: Place | None) -> dict[str, Value]:
    told: dict[str, Value] = {"kind": node.kind, "label": node.label}
    if node.year is not None:
        told["year"] = node.year
    if place:
        told |= {"x": place.x, "y": place.y}
    return told | flat(node.facts)


def _link(link: Link) -> dict[str, Value]:
    return {"kind": link.kind, "weight": link.weight, **flat(link.facts)}
