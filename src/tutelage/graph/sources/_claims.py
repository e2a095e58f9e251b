"""The claims that every source of literature makes: a work, its authors, its topics."""

from collections.abc import Iterable

from tutelage.graph.identity import name_id, work_ids
from tutelage.graph.model import Claim, LinkClaim, NodeClaim


def known(**facts: object) -> dict[str, object]:
    """Return the facts that are there."""
    return {name: value for name, value in facts.items() if value not in (None, "", [], False)}


def person(label: str, *strong: str) -> NodeClaim | None:
    """Return an author known by strong ids, or else by name; None where there is neither."""
    ids = tuple(filter(None, strong)) or tuple(filter(None, [name_id("person", label)]))
    if not ids:
        return None
    return NodeClaim(kind="person", ids=ids, label=label or ids[0], facts=_spelt(ids, "orcid"))


def work(
    *strong: str,
    title: str,
    people: Iterable[NodeClaim | None],
    year: int | None,
    topics: Iterable[tuple[NodeClaim | None, float]] = (),
    cites: Iterable[str] = (),
    **facts: object,
) -> list[Claim]:
    """Return what a record says of a work: itself first, then its authors, topics, references.

    It is nothing where there is neither an id nor a title.
    """
    authors = [each for each in people if each]
    ids = work_ids(strong=strong, title=title, authors=[each.label for each in authors], year=year)
    if not ids:
        return []
    told = known(**facts) | _spelt(ids, "doi", "arxiv")
    found: list[Claim] = [
        NodeClaim(kind="work", ids=ids, label=title or ids[0], year=year, facts=told)
    ]
    for position, author in enumerate(authors, start=1):
        place = {"position": position, "authors": len(authors)}
        found.append(author)
        found.append(LinkClaim(kind="authorship", source=author.ids[0], target=ids[0], facts=place))
    for topic, score in topics:
        if topic:
            found.append(topic)
            found.append(
                LinkClaim(kind="topic_signal", source=ids[0], target=topic.ids[0], weight=score)
            )
    found += [LinkClaim(kind="cites", source=ids[0], target=cited) for cited in cites if cited]
    return found


def topic(label: str, *strong: str) -> NodeClaim | None:
    """Return a topic; None where it has no name."""
    ids = tuple(filter(None, strong)) or tuple(filter(None, [name_id("topic", label)]))
    return NodeClaim(kind="topic", ids=ids, label=label) if ids and label else None


def _spelt(ids: tuple[str, ...], *namespaces: str) -> dict[str, object]:
    """Return the names of some namespaces as facts."""
    parts = [name.partition(":") for name in reversed(ids)]
    return {space: name for space, _, name in parts if space in namespaces}
