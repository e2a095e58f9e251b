"""What a reader keeps: named views, and where nodes were put. Nothing else can be changed here."""

from dataclasses import dataclass
from typing import Any

from tutelage.errors import GraphError
from tutelage.explorer.answers import Done
from tutelage.explorer.context import Explorer
from tutelage.explorer.questions import Body, Question
from tutelage.explorer.routes.graph import Anything
from tutelage.graph.query import MOST
from tutelage.graph.store import Place, SavedView

NAME = 200
"""Characters of the name of a view."""

ADDRESS = 20_000
"""Characters of the query string of a view or a scene."""

FAR = 1e6
"""Where the plane ends, in distances between two linked nodes."""

VIEWS = 1_000
"""Views that can be kept."""


def views(explorer: Explorer, question: Anything) -> list[SavedView]:
    """List the views that have names."""
    return explorer.store.views()


@dataclass(frozen=True, kw_only=True, slots=True)
class NewView(Body):
    """A name for a view; `query` is the page's query string."""

    name: str
    query: str

    def __post_init__(self) -> None:
        """Demand a name that can be read and a query that fits an address."""
        _demand_text("name", self.name, 1, NAME)
        _demand_text("query", self.query, 0, ADDRESS)


def save_view(explorer: Explorer, body: NewView) -> SavedView:
    """Give a view a name, in place of the one that had it."""
    names = {view.name for view in explorer.store.views()}
    if body.name not in names and len(names) >= VIEWS:
        raise GraphError(f"at most {VIEWS:,} views can be kept; delete one first.")
    return explorer.store.save_view(body.name, body.query)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedView(Question):
    """A view, by its name."""

    name: str


def delete_view(explorer: Explorer, question: NamedView) -> Done:
    """Forget a view."""
    explorer.store.delete_view(question.name)
    return Done()


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPlaces(Body):
    """Where nodes stand in a scene: x and y by key."""

    scene: str
    places: dict[str, tuple[float, float]]

    def __post_init__(self) -> None:
        """Demand finite numbers, and no more nodes than a view can show."""
        _demand_text("scene", self.scene, 0, ADDRESS)
        given: Any = self.places  # what came, whatever it is
        if not isinstance(given, dict) or len(self.places) > MOST:
            raise GraphError(f"places wants an object of at most {MOST:,} keys.")
        for key, place in self.places.items():
            if not _is_place(place):
                raise GraphError(
                    f"places wants [x, y] for each key, got {str(place)[:50]} for {key[:100]!r}."
                )


def put_places(explorer: Explorer, body: NewPlaces) -> Done:
    """Keep where nodes stand, so that they stand there again."""
    explorer.store.put_places(
        body.scene, {key: Place(float(x), float(y)) for key, (x, y) in body.places.items()}
    )
    return Done()


def _demand_text(name: str, value: Any, least: int, most: int) -> None:
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise GraphError(f"{name} wants a text of {least} to {most:,} characters.")


def _is_place(place: Any) -> bool:
    return (
        isinstance(place, list | tuple)
        and len(place) == 2
        and all(type(value) in (int, float) and abs(value) <= FAR for value in place)
    )
