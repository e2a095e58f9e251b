"""Answers of the API as frozen dataclasses, and their JSON, which knows no infinity and no NaN."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from html import escape
from typing import Any

from starlette.responses import HTMLResponse, Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What every refusal says."""

    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A change that was made."""

    done: bool = True


class UnknownError(Exception):
    """Nothing goes by that name: 404, with this sentence."""


class UnreadableError(Exception):
    """It is there, and cannot be read: 409, with this sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """An answer that is no JSON: a picture, or with a `name` a download."""

    content: bytes
    media_type: str
    name: str = ""


def problem(status: int, error: str) -> Response:
    """Return a refusal of the API."""
    return Response(to_json(Problem(error=error)), status, media_type="application/json")


def page(status: int, sentence: str) -> Response:
    """Return a page of one sentence, for a person."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Graph explorer</title>'
        f"<h1>Graph explorer</h1><p>{escape(sentence)}</p></html>",
        status,
    )


def to_json(answer: object) -> bytes:
    r"""Return an answer as JSON; numbers that are not finite become null.

    >>> to_json({"error": Problem(error="é")}), to_json([math.nan, 1.0])
    (b'{"error":{"error":"\\u00e9"}}', b'[null,1.0]')
    """
    try:
        text = json.dumps(answer, allow_nan=False, default=fields_of, separators=(",", ":"))
    except ValueError:  # rare, so only then is every number looked at
        text = json.dumps(plain(answer), allow_nan=False, separators=(",", ":"))
    return text.encode()


def plain(value: Any) -> Any:
    """Return a value as JSON has it: dataclasses as objects, no number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return plain(fields_of(value)) if is_dataclass(value) else value


def fields_of(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass, not copied: also for another that adds to them."""
    if not is_dataclass(record):
        raise TypeError(f"JSON wants plain values or dataclasses, got {type(record).__name__}.")
    return {name: getattr(record, name) for name in _names(record.__class__)}


@lru_cache(maxsize=64)
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))
