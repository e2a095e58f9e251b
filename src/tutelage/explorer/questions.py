"""Questions to the API: what stands behind the ``?``, and what a POST brings, as dataclasses."""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from tutelage.errors import GraphError, did_you_mean

LONGEST = 2_000
"""Characters of one value."""

T = TypeVar("T")
Q = TypeVar("Q", bound="Question")


class Question:
    """What a GET or a DELETE asks; each field is a name of the query string.

    A tuple takes a name any number of times, everything else once. `bounds` are the least and the
    most of numbers.
    """

    bounds: ClassVar[dict[str, tuple[int, int]]] = {}

    @classmethod
    def parse(cls: type[Q], pairs: list[tuple[str, str]]) -> Q:
        """Read the pairs of a query string.

        Raises:
            GraphError: a name that is not asked for or comes twice, or a value that does not fit.
        """
        known = {parameter(name): hint for name, hint in field_types(cls).items()}
        read: dict[str, Any] = {}
        for name, value in pairs:
            demand_text(value)
            if name not in known:
                raise GraphError(f"there is no {name!r} to ask for.{did_you_mean(name, known)}")
            several = get_origin(known[name]) is tuple
            if name in read and not several:
                raise GraphError(f"{name} is wanted once, and came twice.")
            one = _read(name, value, known[name], cls.bounds.get(name))
            read[name] = (*read.get(name, ()), one) if several else one
        return _made(cls, read)


class Body:
    """What a POST brings: a JSON object with just the fields of the dataclass."""

    @classmethod
    def parse(cls: type[T], content: bytes) -> T:
        """Read the body of a request.

        Raises:
            GraphError: it is no JSON object, or not with these fields.
        """
        try:
            read = json.loads(content)
        except (ValueError, RecursionError):
            raise GraphError("the body wants a JSON object, and is not JSON.") from None
        if not isinstance(read, dict):
            raise GraphError("the body wants a JSON object.")
        for text in _texts(read):
            demand_text(text)
        known = list(field_types(cls))
        for name in read:
            if name not in known:
                raise GraphError(f"the body has no {name!r}.{did_you_mean(name, known)}")
        return _made(cls, read)


def demand_text(value: str) -> None:
    """Demand what every store can keep: no NUL, and no half of a character.

    Raises:
        GraphError: there is one.
    """
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise GraphError("a text wants whole characters, and no NUL.")


def field_types(cls: type) -> dict[str, Any]:
    """Return the type of each field of a dataclass, without what it has for its class."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def required(cls: Any) -> set[str]:
    """Return the names of the fields of a dataclass that have no default."""
    return {
        parameter(field.name)
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    }


def parameter(name: str) -> str:
    """Return a field's name as an address says it: without what keeps it from being Python's own.

    >>> parameter("from_"), parameter("to")
    ('from', 'to')
    """
    return name.removesuffix("_")


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, names of objects too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value:
            yield from _texts(item)
        if isinstance(value, dict):
            yield from _texts(list(value.values()))


def _made(cls: type[T], read: dict[str, Any]) -> T:
    for name in sorted(required(cls) - set(read)):
        raise GraphError(f"{name} is wanted, and is missing.")
    return cls(
        **{name: read[parameter(name)] for name in field_types(cls) if parameter(name) in read}
    )


def _read(name: str, value: str, hint: Any, bounds: tuple[int, int] | None) -> Any:
    if len(value) > LONGEST:
        raise GraphError(f"{name} wants at most {LONGEST:,} characters, got {len(value):,}.")
    if get_origin(hint) is Literal and value not in get_args(hint):
        choices = get_args(hint)
        raise GraphError(
            f"{name} wants one of {', '.join(choices)}, got {value!r}."
            f"{did_you_mean(value, choices)}"
        )
    if hint is not int:
        return value
    try:
        number = int(value)
    except ValueError:
        raise GraphError(f"{name} wants a whole number, got {value!r}.") from None
    if bounds and not bounds[0] <= number <= bounds[1]:
        raise GraphError(f"{name} wants {bounds[0]} to {bounds[1]:,}, got {number}.")
    return number
