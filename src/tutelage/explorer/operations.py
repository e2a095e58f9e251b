"""The table of all that can be asked; routes, their checks and the OpenAPI file follow it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from tutelage.explorer.questions import Body
from tutelage.explorer.routes import graph, keeping, runs, views


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and a path, and the function that answers: `answer(explorer, question)`.

    What it wants and gives are the types that the function declares.
    """

    method: str
    path: str
    answer: Callable[[Any, Any], Any]

    @property
    def question(self) -> Any:
        """The class of the question, which knows how to read itself by `parse`."""
        return list(get_type_hints(self.answer).values())[1]

    @property
    def returns(self) -> Any:
        """The class of the answer."""
        return get_type_hints(self.answer)["return"]

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.answer.__doc__ or "").partition("\n")[0]

    @property
    def has_body(self) -> bool:
        """Whether the question stands in the body instead of the query string."""
        return issubclass(self.question, Body)


OPERATIONS = (
    Operation("GET", "/api/version", graph.version),
    Operation("GET", "/api/kinds", graph.kinds),
    Operation("GET", "/api/origins", graph.origins),
    Operation("GET", "/api/search", graph.search),
    Operation("GET", "/api/view", views.view),
    Operation("GET", "/api/node", graph.node),
    Operation("GET", "/api/neighbours", graph.neighbours),
    Operation("GET", "/api/path", graph.path),
    Operation("GET", "/api/map", views.everything),
    Operation("GET", "/api/export", views.export),
    Operation("GET", "/api/picture", views.picture),
    Operation("GET", "/api/run", runs.run),
    Operation("GET", "/api/compare", runs.compare),
    Operation("GET", "/api/classes", runs.classes),
    Operation("GET", "/api/views", keeping.views),
    Operation("POST", "/api/views", keeping.save_view),
    Operation("DELETE", "/api/views", keeping.delete_view),
    Operation("POST", "/api/places", keeping.put_places),
)
