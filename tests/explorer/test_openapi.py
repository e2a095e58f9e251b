"""The OpenAPI document: valid, of every route, and true of the real answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.explorer.test_safety import EXAMPLES, ask
from tutelage.explorer.app import ROUTES
from tutelage.explorer.openapi import document

KEPT = Path(__file__).parents[2] / "docs" / "explorer-api.json"
DOCUMENT = document()
OPERATIONS = [
    (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
]


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_document_in_docs_is_of_this_version() -> None:
    assert json.loads(KEPT.read_text(encoding="utf-8")) == DOCUMENT, (
        "write it anew: python tools/write_explorer_api.py"
    )


def test_every_route_of_the_api_is_in_the_document() -> None:
    there = {
        (method, route.path)
        for route in ROUTES
        for method in route.methods or ()
        if route.path.startswith("/api/") and method != "HEAD"
    }
    assert there - {("GET", "/api/openapi.json")} == set(OPERATIONS)


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no other properties than it names."""
    if isinstance(schema, dict):
        made = {name: closed(value) for name, value in schema.items()}
        if "properties" in made:
            made.setdefault("additionalProperties", False)
            made["required"] = list(made["properties"])
        return made
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_document_is_true_of_an_answer(server: Any, method: str, path: str) -> None:
    (route,) = [each for each in ROUTES if each.path == path and method in (each.methods or ())]
    answer = ask(server, method, route)
    told = DOCUMENT["paths"][path][method.lower()]["responses"]["200"]["content"]
    kind = answer.header("content-type").partition(";")[0]
    assert answer.status == 200
    assert kind in told
    if "schema" in told[kind]:
        components = closed(DOCUMENT["components"])
        schema = {"components": components, **closed(told[kind]["schema"])}
        Draft202012Validator(schema).validate(answer.json)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_example_of_a_route_is_what_the_document_wants(method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method.lower()]
    example = EXAMPLES[method, path]
    if isinstance(example, dict):
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        schema = {"components": DOCUMENT["components"], **schema}
        Draft202012Validator(schema).validate(example)
    else:
        names = {pair.partition("=")[0] for pair in example.split("&") if pair}
        parameters = operation.get("parameters", [])
        assert names <= {each["name"] for each in parameters}
        assert {each["name"] for each in parameters if each["required"]} <= names


def test_a_problem_is_what_the_document_says(server: Any) -> None:
    answer = server.ask("GET", "/api/node", "key=nobody")
    schema = {"components": DOCUMENT["components"], "$ref": "#/components/schemas/Problem"}
    Draft202012Validator(schema).validate(answer.json)
