"""Semantic Scholar: papers as its Graph API and its datasets give them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tutelage.graph.identity import arxiv_id, doi_id, number_id
from tutelage.graph.model import Claim, LinkClaim, NodeClaim
from tutelage.graph.sources._claims import person, topic, work
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

_TYPES = {"JournalArticle": "article", "Conference": "conference paper"}


def matches(entry: Mapping[str, Any]) -> bool:
    """Say whether a record looks like Semantic Scholar's."""
    return "paperId" in entry or "corpusId" in entry


def claims(entry: Mapping[str, Any]) -> Iterator[Claim]:
    """Yield what a paper says, and what it says of those it cites and that cite it.

    Raises:
        UnfitError: it has no id.
    """
    name = next(iter(_ids(entry)), "")
    if not name:
        raise UnfitError("the paper has no paperId, corpusId, DOI or arXiv id")
    yield from _paper(entry)
    for direction in ("references", "citations"):
        for other in records(entry.get(direction)):
            if ends := _ids(other)[:1]:
                yield from _paper(other)
                source, target = [name, *ends] if direction == "references" else [*ends, name]
                yield LinkClaim(kind="cites", source=source, target=target)


def _ids(entry: Mapping[str, Any]) -> list[str]:
    others, paper = record(entry.get("externalIds")), entry.get("paperId")
    sha = isinstance(paper, str) and re.fullmatch("[0-9a-f]{40}", paper)
    found = (
        doi_id(others.get("DOI")),
        arxiv_id(others.get("ArXiv")),
        number_id("s2", entry.get("corpusId", others.get("CorpusId"))),
        f"s2paper:{paper}" if sha else "",
    )
    return [name for name in found if name]


def _paper(entry: Mapping[str, Any]) -> list[Claim]:
    kind = plain(next(iter(items(entry.get("publicationTypes"))), None), NAME)
    fields = [each.get("category") for each in records(entry.get("s2FieldsOfStudy"))]
    labels = dict.fromkeys(
        plain(each, NAME) for each in fields or items(entry.get("fieldsOfStudy"))
    )
    return work(
        *_ids(entry),
        title=plain(entry.get("title"), TITLE),
        people=map(_author, records(entry.get("authors"))),
        year=year(entry.get("year")),
        topics=[(topic(label), 1.0) for label in labels],
        abstract=plain(entry.get("abstract")),
        type=_TYPES.get(kind, kind.lower()),
        venue=plain(entry.get("venue"), NAME),
        url=safe_url(entry.get("url")),
        cited_by=whole(entry.get("citationCount")),
    )


def _author(entry: Mapping[str, Any]) -> NodeClaim | None:
    return person(plain(entry.get("name"), NAME), number_id("s2author", entry.get("authorId")))
