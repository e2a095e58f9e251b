"""Views of the graph: what the page draws, the map of everything, pictures and downloads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import GraphError, did_you_mean
from tutelage.explorer.answers import File, fields_of
from tutelage.explorer.context import Explorer
from tutelage.explorer.questions import Question
from tutelage.graph.brief import Brief
from tutelage.graph.model import NODE_CODES
from tutelage.graph.query import Query
from tutelage.graph.view import Counts, Tie
from tutelage.graph.view import view as look

Format = Literal["svg", "graphml", "gexf", "csv", "bibtex", "json"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenNode(Brief):
    """A node in a view, at `x` to the right and `y` upwards."""

    signal: int
    links: int
    x: float
    y: float
    community: int
    more: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenView:
    """A view as the page draws it. `query` is its question in normal form.

    `truncated` says that there is more than it may show; `unplaced` are the nodes whose places in
    the `scene` nobody keeps yet.
    """

    version: int
    query: str
    scene: str
    title: str
    nodes: list[SeenNode]
    links: Sequence[Tie]
    counts: Counts
    truncated: bool
    unplaced: Sequence[str]


def view(explorer: Explorer, question: Query) -> SeenView:
    """Show a part of the graph: its nodes with places and signals, its links with reasons."""
    seen = look(explorer.store, question)
    return SeenView(
        version=seen.version,
        query=seen.query.text,
        scene=seen.query.scene,
        title=seen.title,
        nodes=[
            SeenNode(
                **fields_of(node.brief),
                signal=node.signal,
                links=node.links,
                x=node.place.x,
                y=node.place.y,
                community=node.community,
                more=node.more,
            )
            for node in seen.nodes
        ],
        links=seen.links,
        counts=seen.counts,
        truncated=seen.truncated,
        unplaced=seen.unplaced,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything(Question):
    """How many nodes of the map at most."""

    limit: int = 100_000
    bounds: ClassVar = {"limit": (1, 200_000)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Map:
    """The map as columns. `kinds` and `link_kinds` are positions in the lists of /api/kinds.

    `source` and `target` are positions in the columns of the nodes.
    """

    keys: list[str]
    labels: list[str]
    kinds: list[int]
    x: list[float]
    y: list[float]
    community: list[int]
    size: list[float]
    source: list[int]
    target: list[int]
    link_kinds: list[int]
    truncated: bool


def everything(explorer: Explorer, question: Everything) -> Map:
    """Show where the most important nodes of the whole graph stand, and the links between them."""
    spots, links = explorer.store.map(limit=question.limit)
    total = sum(explorer.store.count()[0].values())
    numbers = np.array([spot.number for spot in spots], np.int64)
    order = np.argsort(numbers)

    def positions(ends: NDArray[np.int64]) -> list[int]:
        return order[np.searchsorted(numbers, ends, sorter=order)].tolist()  # type: ignore[no-any-return]

    return Map(
        keys=[spot.key for spot in spots],
        labels=[spot.label for spot in spots],
        kinds=[NODE_CODES.index(spot.kind) for spot in spots],
        x=np.round([spot.x for spot in spots], 3).tolist(),
        y=np.round([spot.y for spot in spots], 3).tolist(),
        community=[spot.community for spot in spots],
        size=np.round([spot.importance for spot in spots], 4).tolist(),
        source=positions(links.source),
        target=positions(links.target),
        link_kinds=links.kind.tolist(),
        truncated=total > len(spots),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """A view as a file of some format: the names of a view, and `format`."""

    format: Format
    query: Query

    @classmethod
    def parse(cls, pairs: list[tuple[str, str]]) -> "Exported":
        """Read the pairs of a query string.

        Raises:
            GraphError: a format or a view that there is not.
        """
        formats = [value for name, value in pairs if name == "format"]
        choices = get_args(Format)
        if len(formats) != 1 or formats[0] not in choices:
            told = formats[0] if len(formats) == 1 else f"{len(formats)} of them"
            raise GraphError(
                f"format wants one of {', '.join(choices)}, got {told!r}."
                f"{did_you_mean(told, choices)}"
            )
        rest = [(name, value) for name, value in pairs if name != "format"]
        return cls(format=formats[0], query=Query.parse(rest))  # type: ignore[arg-type]


def export(explorer: Explorer, question: Exported) -> File:
    """Download a view as SVG, GraphML, GEXF, CSV, BibTeX or JSON."""
    from tutelage.graph.export.views import VIEW_FORMATS, export_view

    suffix, media_type = VIEW_FORMATS[question.format]
    content = export_view(question.format, explorer.store, question.query)
    return File(content=content, media_type=media_type, name=f"graph{suffix}")


def picture(explorer: Explorer, question: Query) -> File:
    """Draw a view as SVG, for a page that cannot draw it itself."""
    from tutelage.graph.export.views import picture as draw

    drawn = draw(look(explorer.store, question))
    return File(content=drawn.encode(), media_type="image/svg+xml")
