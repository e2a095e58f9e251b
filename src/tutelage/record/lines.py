"""Records to JSON and back, strictly.

JSON knows no infinity and no NaN. A number that is not finite is written as null and read back as
NaN; a field that is None is left out. So a null always says: it was measured, and was no number.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(record: Any, indent: int | None = None) -> str:
    """Return a record as JSON: one line without its end, or lines with an indent.

    >>> from tutelage.record.schema import Row
    >>> encode(Row(epoch=1, step=50, lr=0.1, seconds=2.0, images_per_second=1600.0, \
loss=math.nan, terms={"ce": math.inf}))
    '{"epoch": 1, "step": 50, "lr": 0.1, "seconds": 2.0, "images_per_second": 1600.0, \
"loss": null, "terms": {"ce": null}, "gradient_share": {}}'
    """
    return json.dumps(_plain(record), allow_nan=False, indent=indent)


def decode(cls: type[T], text: str | bytes) -> T:
    """Return the record of dataclass `cls` that one JSON text holds.

    Keys that `cls` does not know are passed over: a later version may have added them.

    Raises:
        ValueError: it is no JSON, a field is missing, or a field has another type.
    """
    record: T = _typed(cls, json.loads(text), cls.__name__)
    return record


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(item) for name, item in named if item is not None}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _typed(hint: Any, value: Any, name: str) -> Any:
    """Return `value` as `hint` wants it; every type that occurs in the schema is known here."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:  # X | None, where None is written by leaving the field out
        return _typed(next(kind for kind in arguments if kind is not NoneType), value, name)
    if origin is dict and isinstance(value, dict):
        return {key: _typed(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if origin is list and isinstance(value, list):
        return [_typed(arguments[0], item, f"{name}[{at}]") for at, item in enumerate(value)]
    if origin is Literal and value in arguments:
        return value
    if is_dataclass(hint) and isinstance(value, dict):
        return _dataclass(hint, value, name)
    if hint is float and (value is None or _is_number(value)):
        return math.nan if value is None else float(value)
    if (hint is int and _is_number(value) and isinstance(value, int)) or (
        hint is str and isinstance(value, str)
    ):
        return value
    raise ValueError(f"{name}: wanted {_name(hint)}, got {value!r}")


def _dataclass(cls: Any, table: dict[str, Any], name: str) -> Any:
    hints = _hints(cls)
    try:
        return cls(
            **{
                key: _typed(hints[key], item, f"{name}.{key}")
                for key, item in table.items()
                if key in hints
            }
        )
    except TypeError as error:  # Python's own words name the fields that are missing
        raise ValueError(f"{name}: {error}") from error


@lru_cache(maxsize=32)
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
