"""The border: a mapping from a file or a flag becomes a dataclass here, or one clear error."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from annotated_types import Ge, Gt, Le, Lt, MinLen

from tutelage.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one key of a table; an empty key means the table as a whole."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """A table after the check: the value if it could be built, and every mistake found."""

    value: T | None
    mistakes: tuple[Mistake, ...]


def check(cls: type[T], mapping: Mapping[str, object], where: str = "") -> T:
    """Return an instance of the dataclass `cls` made from `mapping`, or say all that is wrong.

    The check is strict: an int may stand for a float, but a bool is no number, text is not turned
    into a number, and every number is finite. Ranges are those of the annotations, such as
    ``Annotated[float, annotated_types.Gt(0)]``; a ``__post_init__`` that raises ValueError is
    heard. A missing key takes its default. `where` opens each line of the message.

    Raises:
        ConfigError: an unknown key, a missing one, a wrong type or a value out of range; all the
            mistakes of the mapping at once, a line each.

    >>> @dataclass(frozen=True)
    ... class Config:
    ...     beta: Annotated[float, Ge(0)] = 8.0
    ...     temperature: Annotated[float, Gt(0)] = 4.0
    >>> check(Config, {"beta": 6})
    Config(beta=6.0, temperature=4.0)
    >>> check(Config, {"beat": 6, "temperature": 0}, where="recipe.toml: [method]")
    Traceback (most recent call last):
    ...
    tutelage.errors.ConfigError: recipe.toml: [method] beat: no such key; there is beta, \
temperature. Did you mean 'beta'?
    recipe.toml: [method] temperature: wanted a number above 0, got 0.
    """
    checked = examine(cls, mapping)
    if checked.value is None or checked.mistakes:
        raise ConfigError("\n".join(_line(where, mistake) for mistake in checked.mistakes))
    return checked.value


def examine(cls: type[T], mapping: Mapping[str, object]) -> Checked[T]:
    """Return what `check` would return or say, without raising."""
    hints = type_hints(cls)
    known = {key: value for key, value in mapping.items() if key in hints}
    # The first mistake told of a key stands; the later ones would only repeat it.
    texts = {key: _unknown(key, hints) for key in mapping if key not in hints}
    for key, given in known.items():
        inner = hints[key] if is_dataclass(hints[key]) and isinstance(given, Mapping) else None
        if isinstance(inner, type):  # a table in the table: its mistakes by its own keys
            for mistake in examine(inner, cast(Mapping[str, object], given)).mistakes:
                texts[".".join(part for part in (key, mistake.key) if part)] = mistake.text
        elif not _is_finite(given):
            texts[key] = f"wanted finite numbers only, got {shown(given)}."
        elif _is_misplaced_bool(hints[key], given):
            texts[key] = wanted_got(hints[key], given)
    from pydantic import ValidationError  # 50 ms that `import tutelage.config` need not pay

    value: T | None = None
    try:
        # JSON is the strict mode that still takes a list for a tuple and a table for a dataclass.
        value = _adapter(cast(Any, cls)).validate_json(
            json.dumps(known, default=_as_json), strict=True
        )
    except ValidationError as error:
        told = {key.partition(".")[0] for key in texts}
        for key, text in _explain(error, hints, known):
            if key not in told:
                texts.setdefault(key, text)
    return Checked(value, tuple(Mistake(key, text) for key, text in texts.items()))


def type_hints(cls: type) -> dict[str, Any]:
    """Return the annotations, ranges included, of the fields that `cls` takes when called."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls) if field.init}


def wanted(hint: Any) -> str:
    """Say in words what an annotation asks for.

    >>> wanted(Annotated[float, Gt(0)]), wanted(tuple[int, ...]), wanted(Literal["sgd", "adamw"])
    ('a number above 0', 'a list, each a whole number', "'sgd' or 'adamw'")
    """
    base, limits = strip(hint)
    return " ".join([_wanted_base(base), *_wanted_limits(limits)])


def strip(hint: Any) -> tuple[Any, tuple[object, ...]]:
    """Split ``Annotated[base, limits...]`` into base and limits; other hints have no limits."""
    if get_origin(hint) is Annotated:
        base, *limits = get_args(hint)
        return base, tuple(limits)
    return hint, ()


def shown(value: object) -> str:
    """Return a value as a recipe would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return repr(value)


def wanted_got(hint: Any, value: object) -> str:
    """Say what an annotation asks for and what came instead, with the nearest allowed name."""
    base, _ = strip(hint)
    near = ""
    if get_origin(base) is Literal and isinstance(value, str):
        near = did_you_mean(value, [choice for choice in get_args(base) if isinstance(choice, str)])
    return f"wanted {wanted(hint)}, got {shown(value)}.{near}"


_NAMES: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
}


def _wanted_base(base: Any) -> str:
    origin, arguments = get_origin(base), get_args(base)
    if origin is Literal:
        return _any_of([shown(choice) for choice in arguments])
    if origin in (Union, UnionType):  # nothing in TOML writes None: leaving the key out does
        return _any_of([wanted(choice) for choice in arguments if choice is not NoneType])
    if origin is tuple and Ellipsis not in arguments:
        return f"a list of {len(arguments)}, each {wanted(arguments[0])}"
    if origin in (tuple, list, Sequence):
        return f"a list, each {wanted(arguments[0])}"
    return _NAMES.get(base, getattr(base, "__name__", str(base)))


def _any_of(choices: list[str]) -> str:
    *head, last = choices
    return f"{', '.join(head)} or {last}" if head else last


def _wanted_limits(limits: tuple[object, ...]) -> list[str]:
    words = []
    for limit in limits:
        if isinstance(limit, Gt):
            words.append(f"above {limit.gt}")
        elif isinstance(limit, Ge):
            words.append(f"of at least {limit.ge}")
        elif isinstance(limit, Lt):
            words.append(f"below {limit.lt}")
        elif isinstance(limit, Le):
            words.append(f"of at most {limit.le}")
        elif isinstance(limit, MinLen):
            words.append("that is not empty")
    return [" and ".join(words)] if words else []


def _unknown(key: str, known: Mapping[str, object]) -> str:
    there = ", ".join(known) or "none"
    return f"no such key; there is {there}.{did_you_mean(key, known)}"


def _is_finite(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _is_misplaced_bool(hint: Any, value: object) -> bool:
    """Tell whether a bool would pass for the 0 or 1 of a Literal, as ``True == 1``."""
    base, _ = strip(hint)
    choices = get_args(base) if get_origin(base) is Literal else (value,)
    return isinstance(value, bool) and not any(isinstance(choice, bool) for choice in choices)


def _as_json(value: object) -> object:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return {}  # a date, say, fits no field, and is refused as such


@lru_cache(maxsize=256)
def _adapter(cls: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def _explain(
    error: "ValidationError", hints: Mapping[str, Any], mapping: Mapping[str, object]
) -> list[tuple[str, str]]:
    told = []
    for detail in error.errors(include_url=False):
        key = str(detail["loc"][0]) if detail["loc"] else ""
        if key in mapping:
            told.append((key, wanted_got(hints[key], mapping[key])))
        elif detail["type"] == "missing":
            told.append((key, f"wanted {wanted(hints[key])}, got nothing."))
        else:  # raised by the dataclass itself, about the table as a whole
            cause = detail.get("ctx", {}).get("error")
            told.append((key, str(cause or detail["msg"])))
    return told


def _line(where: str, mistake: Mistake) -> str:
    opening = " ".join(part for part in (where, mistake.key) if part)
    return f"{opening}: {mistake.text}" if opening else mistake.text


def default_of(cls: type, name: str) -> object:
    """Return the default of one field of a dataclass, or `dataclasses.MISSING`."""
    field = next(field for field in fields(cls) if field.name == name)
    return field.default if field.default_factory is MISSING else field.default_factory()
