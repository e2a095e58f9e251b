"""A part of the graph as a file for other programs, or for another graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tutelage.errors import GraphError, did_you_mean
from tutelage.graph.export import bibtex, csv, gexf, graphml, json
from tutelage.graph.model import Link, Node
from tutelage.graph.store import Place

__all__ = ["FORMATS", "Format", "export"]

Write = Callable[[Sequence[Node], Sequence[Link], Mapping[str, Place]], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A format of files: how they end, what a server calls them, what writes them."""

    suffix: str
    media_type: str
    write: Write


FORMATS: Mapping[str, Format] = {
    "json": Format(suffix=".json", media_type="application/json", write=json.write),
    "graphml": Format(suffix=".graphml", media_type="application/graphml+xml", write=graphml.write),
    "gexf": Format(suffix=".gexf", media_type="application/gexf+xml", write=gexf.write),
    "csv": Format(suffix=".csv", media_type="text/csv; charset=utf-8", write=csv.write),
    "bibtex": Format(suffix=".bib", media_type="application/x-bibtex", write=bibtex.write),
}
"""The formats by name; each module says what it keeps."""


def export(
    name: str, nodes: Sequence[Node], links: Sequence[Link], places: Mapping[str, Place]
) -> bytes:
    """Return a file of some nodes, the links between them, and where they stand.

    Args:
        name: One of `FORMATS`.
        nodes: What the file holds.
        links: Their links; the ends are numbers of nodes. Others are left out.
        places: By key; a node need not have one.

    Raises:
        GraphError: there is no such format.
    """
    if name not in FORMATS:
        known = ", ".join(FORMATS)
        raise GraphError(
            f"a graph is exported as {known}, not {name!r}.{did_you_mean(name, FORMATS)}"
        )
    numbers = {node.id for node in nodes}
    inside = [link for link in links if link.source in numbers and link.target in numbers]
    return FORMATS[name].write(nodes, inside, places)
