"""OpenAlex: works, authors and topics as its API and its snapshot give them.

See https://developers.openalex.org, "key concepts", for the fields of each.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tutelage.graph.identity import arxiv_id, doi_id, openalex_id, orcid_id
from tutelage.graph.model import Claim, NodeClaim
from tutelage.graph.sources._claims import known, person, topic, work
from tutelage.graph.sources._reading import (
    NAME,
    TITLE,
    UnfitError,
    items,
    number,
    record,
    records,
    whole,
    year,
)
from tutelage.graph.text import abstract, plain, safe_url

LEAST_SCORE = 0.3
"""A topic that a work bears with less is left out."""


def matches(entry: Mapping[str, Any]) -> bool:
    """Say whether a record looks like OpenAlex's."""
    return "openalex.org/" in str(entry.get("id", "")).lower()


def claims(entry: Mapping[str, Any]) -> list[Claim]:
    """Return what a work with its authors, topics and references says; an author; a topic.

    Raises:
        UnfitError: it is none of them.
    """
    name = openalex_id(entry.get("id"))
    match name[: len("openalex:W")]:
        case "openalex:W":
            return _work(name, entry)
        case "openalex:A":
            return [_person(name, entry)]
        case "openalex:T":
            return [_topic(name, entry)]
    raise UnfitError(f"{entry.get('id')!r} is no work, author or topic of OpenAlex")


def _work(name: str, entry: Mapping[str, Any]) -> list[Claim]:
    place = record(entry.get("primary_location"))
    pages = [each.get("landing_page_url") for each in [place, *records(entry.get("locations"))]]
    return work(
        doi_id(entry.get("doi")) or doi_id(record(entry.get("ids")).get("doi")),
        next(filter(None, map(arxiv_id, pages)), ""),
        name,
        title=plain(entry.get("display_name") or entry.get("title"), TITLE),
        people=map(_author, records(entry.get("authorships"))),
        year=year(entry.get("publication_year")),
        topics=_topics(entry),
        cites=[openalex_id(each, "W") for each in items(entry.get("referenced_works"))],
        abstract=abstract(entry.get("abstract_inverted_index")),
        type=plain(entry.get("type"), NAME),
        venue=plain(record(place.get("source")).get("display_name"), NAME),
        url=next(filter(None, map(safe_url, [*pages, entry.get("doi"), entry["id"]])), ""),
        cited_by=whole(entry.get("cited_by_count")),
        retracted=entry.get("is_retracted") is True,
    )


def _author(entry: Mapping[str, Any]) -> NodeClaim | None:
    author = record(entry.get("author"))
    label = plain(author.get("display_name") or entry.get("raw_author_name"), NAME)
    return person(label, openalex_id(author.get("id"), "A"), orcid_id(author.get("orcid")))


def _topics(entry: Mapping[str, Any]) -> Iterator[tuple[NodeClaim | None, float]]:
    """Yield the topics of a work or, in records of before there were any, its concepts."""
    for each in records(entry.get("topics")) or records(entry.get("concepts")):
        score = number(each.get("score", 1.0))
        name = openalex_id(each.get("id"), "TC")
        if name and score is not None and score >= LEAST_SCORE:
            yield topic(plain(each.get("display_name"), NAME), name), min(score, 1.0)


def _person(name: str, entry: Mapping[str, Any]) -> NodeClaim:
    orcid = orcid_id(entry.get("orcid"))
    others = {plain(each, NAME) for each in items(entry.get("display_name_alternatives"))}
    return NodeClaim(
        kind="person",
        ids=tuple(filter(None, (name, orcid))),
        label=plain(entry.get("display_name"), NAME) or name,
        facts=known(
            orcid=orcid.removeprefix("orcid:"),
            works_count=whole(entry.get("works_count")),
            url=safe_url(entry["id"]),
            names=sorted(filter(None, others)),
        ),
    )


def _topic(name: str, entry: Mapping[str, Any]) -> NodeClaim:
    count = whole(entry.get("works_count"))
    return NodeClaim(
        kind="topic",
        ids=(name,),
        label=plain(entry.get("display_name"), NAME) or name,
        facts=known(
            works_count=count,
            works_count_source="OpenAlex" if count else "",
            description=plain(entry.get("description")),
            url=safe_url(entry["id"]),
        ),
    )
