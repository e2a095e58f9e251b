"""What `tutelage.graph.export` writes, read back: nodes and links of any kind, and their places."""

from collections.abc import Iterator, Mapping
from typing import Any

from tutelage.graph.identity import normal_id
from tutelage.graph.model import Claim, LinkClaim, NodeClaim
from tutelage.graph.sources._reading import (
    TITLE,
    Report,
    UnfitError,
    facts,
    items,
    node_kind,
    number,
    record,
    year,
)
from tutelage.graph.store import Place
from tutelage.graph.text import clean

MOST_PLACE = 1e9
"""A place farther out is none."""


def matches(entry: Mapping[str, Any]) -> bool:
    """Say whether a record looks like a node or a link of an export."""
    return "kind" in entry and ("key" in entry or {"source", "target"} <= entry.keys())


def claims(entry: Mapping[str, Any], report: Report) -> Iterator[Claim]:
    """Yield the one claim of a node or a link; the place of a node goes into the report.

    Raises:
        UnfitError: it names no kind, no key or no ends.
    """
    told = facts(record(entry.get("facts")))
    if {"source", "target"} <= entry.keys():
        yield _link(entry, told)
        return
    key = _id(entry.get("key"))
    others = [normal_id(name) for name in items(told.pop("ids", []))]
    x, y = number(entry.get("x")), number(entry.get("y"))
    if x is not None and y is not None and max(abs(x), abs(y)) <= MOST_PLACE:
        report.places[key] = Place(x, y)
    label = entry.get("label")
    yield NodeClaim(
        kind=node_kind(entry.get("kind")),
        ids=tuple(dict.fromkeys(filter(None, (key, *others)))),
        label=(clean(label, TITLE) if isinstance(label, str) else "") or key,
        year=year(entry.get("year")),
        facts=told,
    )


def _link(entry: Mapping[str, Any], told: dict[str, object]) -> LinkClaim:
    weight = number(entry.get("weight", 1.0))
    if weight is None:
        raise UnfitError(f"the weight of a link is a finite number, not {entry['weight']!r}")
    return LinkClaim(
        kind=str(entry.get("kind")),
        source=_id(entry["source"]),
        target=_id(entry["target"]),
        weight=weight,
        facts=told,
    )


def _id(value: object) -> str:
    name = normal_id(value)
    if not name:
        raise UnfitError(f"{value!r} is no id: a namespace, a colon and a name")
    return name
