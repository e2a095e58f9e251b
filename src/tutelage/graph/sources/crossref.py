"""Crossref: works as ``api.crossref.org/works`` gives them, alone or in lists."""

from collections.abc import Mapping
from typing import Any

from tutelage.graph.identity import doi_id, orcid_id
from tutelage.graph.model import Claim, NodeClaim
from tutelage.graph.sources._claims import person, work
from tutelage.graph.sources._reading import (
    NAME,
    TITLE,
    UnfitError,
    items,
    record,
    records,
    whole,
    year,
)
from tutelage.graph.text import plain, safe_url


def matches(entry: Mapping[str, Any]) -> bool:
    """Say whether a record looks like Crossref's."""
    return "DOI" in entry


def claims(entry: Mapping[str, Any]) -> list[Claim]:
    """Return what a work with its authors and references says.

    Raises:
        UnfitError: its DOI is none.
    """
    name = doi_id(entry.get("DOI"))
    if not name:
        raise UnfitError(f"{entry.get('DOI')!r} is no DOI")
    kind = plain(entry.get("subtype") or entry.get("type"), NAME).replace("-", " ")
    return work(
        name,
        title=plain(_first(entry.get("title")), TITLE),
        people=map(_author, records(entry.get("author"))),
        year=next(filter(None, (_year(entry, name) for name in ("issued", "published"))), None),
        cites=[doi_id(each.get("DOI")) for each in records(entry.get("reference"))],
        abstract=plain(entry.get("abstract")),
        type={"journal article": "article"}.get(kind, kind),
        venue=plain(_first(entry.get("container-title")), NAME),
        url=safe_url(entry.get("URL")),
        cited_by=whole(entry.get("is-referenced-by-count")),
    )


def _first(value: object) -> object:
    return next(iter(items(value)), None)


def _year(entry: Mapping[str, Any], name: str) -> int | None:
    return year(_first(_first(record(entry.get(name)).get("date-parts"))))


def _author(entry: Mapping[str, Any]) -> NodeClaim | None:
    parts = (plain(entry.get("given"), NAME), plain(entry.get("family"), NAME))
    label = " ".join(filter(None, parts)) or plain(entry.get("name"), NAME)
    return person(label, orcid_id(entry.get("ORCID")))
