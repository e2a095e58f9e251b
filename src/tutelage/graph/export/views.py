"""A view as a file: of its nodes and links as data, or of how it looks as a picture."""

from collections.abc import Mapping

from tutelage.graph.export import FORMATS, export
from tutelage.graph.export.svg import Line, Mark, svg
from tutelage.graph.model import Link
from tutelage.graph.query import Query
from tutelage.graph.store import Store
from tutelage.graph.view import View, view

PICTURE = "svg"

VIEW_FORMATS: Mapping[str, tuple[str, str]] = {
    PICTURE: (".svg", "image/svg+xml"),
    **{name: (each.suffix, each.media_type) for name, each in FORMATS.items()},
}
"""Suffix and media type by the name of a format."""


def export_view(name: str, store: Store, query: Query) -> bytes:
    """Return a file of what a query shows, where it stands.

    Raises:
        GraphError: there is no such format, or the graph does not hold what the query names.
        GraphBusyError: it took longer than it may.
    """
    seen = view(store, query)
    if name == PICTURE:
        return picture(seen).encode()
    nodes = store.nodes([each.brief.key for each in seen.nodes])
    number = {node.key: node.id for node in nodes}
    asserted = {
        (link.source, link.kind, link.target): link
        for link in store.among(list(number.values()), origin=query.within)[0]
    }
    links = []
    for tie in seen.links:
        source, target = number[tie.source], number[tie.target]
        derived = Link(
            source=source, kind=tie.kind, target=target, weight=tie.weight, facts={}, origin=""
        )
        links.append(asserted.get((source, tie.kind, target), derived))
    return export(name, nodes, links, {each.brief.key: each.place for each in seen.nodes})


def picture(seen: View, *, dark: bool = False) -> str:
    """Return a view as an SVG document."""
    return svg(
        [
            Mark(
                key=node.brief.key,
                kind=node.brief.kind,
                label=node.brief.label,
                sub=node.brief.sub,
                signal=node.signal,
            )
            for node in seen.nodes
        ],
        [
            Line(source=tie.source, target=tie.target, kind=tie.kind, reason=tie.reason)
            for tie in seen.links
        ],
        {node.brief.key: node.place for node in seen.nodes},
        title=seen.title,
        total_nodes=seen.counts.total_nodes,
        dark=dark,
    )
