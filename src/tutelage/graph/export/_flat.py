"""Nodes and links as attributes side by side, which XML formats want, with the type of each."""

import json
from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

from tutelage.graph.model import Facts
from tutelage.graph.text import clean

_BOOLEANS = ("True", "False")  # as networkx writes them

FACT = "fact."
"""What the names of attributes that are facts begin with."""

Value = bool | int | float | str
_TYPES: Mapping[type, str] = {bool: "boolean", int: "long", float: "double", str: "string"}


def flat(facts: Facts) -> dict[str, Value]:
    """Return facts under ``fact.``; reading each as JSON, or as it stands, gives it back."""
    return {f"{FACT}{name}": _value(value) for name, value in facts.items()}


def _value(value: object) -> Value:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and not (_is_json(value) or value in _BOOLEANS):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def types(records: Iterable[Mapping[str, Value]]) -> dict[str, str]:
    """Return the type of each attribute by its name; of what differs, a text."""
    found: dict[str, str] = {}
    for record in records:
        for name, value in record.items():
            kind = _TYPES[type(value)]
            found[name] = kind if found.get(name, kind) == kind else "string"
    return dict(sorted(found.items()))


def spelt(value: Value) -> str:
    """Return a value as text without the characters that XML cannot hold."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return clean(text, len(text) + 1)


def quoted(value: Value) -> str:
    """Return a value as an attribute of XML has it, in quotes."""
    return quoteattr(spelt(value))
