"""The table of all that can be asked; routes, their checks and the OpenAPI file follow it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, get_type_hints


@dataclass(frozen=True)
class Operation:
    """A method and a path, and where among the routes the function is that answers.

    What it wants and gives are the types that the function declares. Its module is loaded when it
    is first asked for: a server stands before it has arrays and layouts, see `load_answers`.
    """

    method: str
    path: str
    where: str

    @cached_property
    def answer(self) -> Callable[[Any, Any], Any]:
        """The function: `answer(explorer, question)`."""
        module, _, name = self.where.partition(".")
        routes = import_module(f"tutelage.explorer.routes.{module}")
        return getattr(routes, name)  # type: ignore[no-any-return]

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
        return self.method == "POST"


OPERATIONS = (
    Operation("GET", "/api/version", "graph.version"),
    Operation("GET", "/api/kinds", "graph.kinds"),
    Operation("GET", "/api/origins", "graph.origins"),
    Operation("GET", "/api/search", "graph.search"),
    Operation("GET", "/api/view", "views.view"),
    Operation("GET", "/api/node", "graph.node"),
    Operation("GET", "/api/neighbours", "graph.neighbours"),
    Operation("GET", "/api/path", "graph.path"),
    Operation("GET", "/api/map", "views.everything"),
    Operation("GET", "/api/export", "views.export"),
    Operation("GET", "/api/picture", "views.picture"),
    Operation("GET", "/api/run", "runs.run"),
    Operation("GET", "/api/compare", "runs.compare"),
    Operation("GET", "/api/classes", "runs.classes"),
    Operation("GET", "/api/views", "keeping.views"),
    Operation("POST", "/api/views", "keeping.save_view"),
    Operation("DELETE", "/api/views", "keeping.delete_view"),
    Operation("POST", "/api/places", "keeping.put_places"),
)


def load_answers() -> None:
    """Load what answers, ahead of the first question."""
    for operation in OPERATIONS:
        operation.answer  # noqa: B018
