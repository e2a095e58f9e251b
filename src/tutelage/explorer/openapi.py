"""The OpenAPI 3.1 document, made from the table of operations and the types they declare."""

from typing import Any

from tutelage import __version__
from tutelage.explorer.answers import File, Problem
from tutelage.explorer.operations import OPERATIONS, Operation
from tutelage.explorer.questions import field_types, parameter, required
from tutelage.explorer.routes.views import Exported
from tutelage.graph.query import Query

PROBLEMS = {
    "400": "A question or a body that does not fit.",
    "403": "Not from this server's own page, or without its cookie.",
    "404": "Nothing goes by that name.",
    "409": "It is there, and cannot be read.",
    "503": "It took longer than a question may.",
}

MEDIA_TYPES = {
    "/api/export": (
        "image/svg+xml",
        "application/graphml+xml",
        "application/gexf+xml",
        "text/csv",
        "application/x-bibtex",
        "application/json",
    ),
    "/api/picture": ("image/svg+xml",),
}


def document() -> dict[str, Any]:
    """Return the document: every operation, what it wants and what it answers."""
    from pydantic import TypeAdapter

    wanted = {operation.returns for operation in OPERATIONS if operation.returns is not File}
    wanted |= {operation.question for operation in OPERATIONS if operation.has_body}
    types = sorted({*wanted, Problem}, key=str)
    schemas, definitions = TypeAdapter.json_schemas(
        [(cls, "serialization", TypeAdapter(cls)) for cls in types],
        ref_template="#/components/schemas/{model}",
    )
    shapes = {cls: schemas[cls, "serialization"] for cls in types}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _told(operation, shapes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tutelage graph explorer",
            "version": __version__,
            "description": "What the page of `tutelage explore` asks of its server. It answers "
            "only to a browser that it let in, from its own page.",
        },
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def _told(operation: Operation, shapes: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}_{operation.path.rpartition('/')[2]}",
        "summary": operation.summary,
        "responses": {
            "200": {"description": "The answer.", "content": _content(operation, shapes)},
            **{status: _problem(said) for status, said in PROBLEMS.items()},
        },
    }
    if operation.has_body:
        body = {"application/json": {"schema": shapes[operation.question]}}
        told["requestBody"] = {"required": True, "content": body}
    elif parameters := _parameters(operation.question):
        told["parameters"] = parameters
    return told


def _content(operation: Operation, shapes: dict[Any, Any]) -> dict[str, Any]:
    if operation.returns is File:
        return {media_type: {} for media_type in MEDIA_TYPES[operation.path]}
    return {"application/json": {"schema": shapes[operation.returns]}}


def _problem(said: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": said, "content": {"application/json": {"schema": schema}}}


def _parameters(question: Any) -> list[dict[str, Any]]:
    if question is Exported:  # a format, and all that a view has
        return [*_parameters_of(Exported)[:1], *_parameters_of(Query)]
    return _parameters_of(question)


def _parameters_of(question: Any) -> list[dict[str, Any]]:
    from pydantic import TypeAdapter

    wanted = required(question)
    told = []
    for name, hint in field_types(question).items():
        schema = TypeAdapter(hint).json_schema()
        if name in (bounds := getattr(question, "bounds", {})):
            schema["minimum"], schema["maximum"] = bounds[name]
        told.append(
            {
                "name": parameter(name),
                "in": "query",
                "required": parameter(name) in wanted,
                "schema": schema,
            }
        )
    return told
