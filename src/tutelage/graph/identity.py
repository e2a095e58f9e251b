"""Which ids name the same thing, in what form they are kept, and what several claims of it come to.

An id is a namespace and a name: ``doi:10.1109/cvpr52688.2022.01165``. A strong id names one thing
for ever. A weak one is made of what people read: ``title:<title>|<first surname>|<year>`` of a
work, ``name:<name>`` of a person, ``topic:<name>`` of a topic, all folded. Weak ids join what
strong ids do not keep apart.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from tutelage.graph.model import NodeClaim

STRONG = ("doi", "arxiv", "orcid", "openalex", "s2", "s2paper", "s2author", "method", "model")
"""Namespaces, the strongest first; those that are not here come after them, before the weak."""

WEAK = ("title", "name", "topic")

NAMES = 50
"""Other names that a node keeps."""

KIND_OF = {
    "doi": "work", "arxiv": "work", "s2": "work", "s2paper": "work", "title": "work",
    "openalex:W": "work", "openalex:A": "person", "openalex:T": "topic", "openalex:C": "topic",
    "orcid": "person", "s2author": "person", "name": "person", "topic": "topic",
    "method": "method", "model": "model", "data": "data", "run": "run",
}  # fmt: skip
"""The kind of node that a namespace names; OpenAlex tells it by the letter of the id."""

_LONGEST = 300
_WEAK_OF = {"person": "name", "topic": "topic"}  # a kind of node to what its label makes
_RANK = {space: rank for rank, space in enumerate(STRONG)}
_RANK |= {space: len(STRONG) + 1 + rank for rank, space in enumerate(WEAK)}
_ORIGINS = ("shipped", "run", "import")  # whom to believe first


# ------------------------------------------------------------------ normal forms
_DOI = re.compile(r"(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:)?\s*(10\.\d{4,9}/\S+)", re.I)
_ARXIV = re.compile(
    r"(?:(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf)/|arxiv:)?\s*"
    r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?(?:\.pdf)?",
    re.I,
)
_OPENALEX = re.compile(r"(?:https?://(?:api\.)?openalex\.org/(?:\w+/)?|openalex:)?([A-Z]\d+)", re.I)
_ORCID = re.compile(r"(?:https?://orcid\.org/|orcid:)?((?:\d{4}-){3}\d{3}[\dX])", re.I)
_OTHER = re.compile(r"([a-z][a-z0-9_-]*):(\S(?:.*\S)?)")


def doi_id(text: object) -> str:
    """Return the id of a DOI in any of its spellings, or "" if it is none.

    arXiv's own DOIs become arXiv ids.

    >>> doi_id("https://doi.org/10.1109/CVPR52688.2022.01165")
    'doi:10.1109/cvpr52688.2022.01165'
    >>> doi_id("10.48550/arXiv.2203.08679")
    'arxiv:2203.08679'
    """
    name = _match(_DOI, unquote(text) if isinstance(text, str) else text).rstrip(".,;").lower()
    if name.startswith("10.48550/arxiv."):
        return arxiv_id(name.removeprefix("10.48550/arxiv."))
    return f"doi:{name}" if name and name.isprintable() else ""


def arxiv_id(text: object) -> str:
    """Return the id of an arXiv identifier or address, without its version, or "".

    >>> arxiv_id("https://arxiv.org/pdf/2203.08679v2"), arxiv_id("math.GT/0309136")
    ('arxiv:2203.08679', 'arxiv:math/0309136')
    """
    archive, slash, number = _match(_ARXIV, text).lower().rpartition("/")
    name = f"{archive.partition('.')[0]}{slash}{number}"
    return f"arxiv:{name}" if name else ""


def openalex_id(text: object, letters: str = "WATC") -> str:
    """Return the id of an OpenAlex address or bare id that begins with one of `letters`, or "".

    >>> openalex_id("https://openalex.org/W2741809807"), openalex_id("https://openalex.org/F1", "W")
    ('openalex:W2741809807', '')
    """
    name = _match(_OPENALEX, text).upper()
    return f"openalex:{name}" if name and name[0] in letters else ""


def orcid_id(text: object) -> str:
    """Return the id of an ORCID whose check digit (ISO 7064, MOD 11-2) is right, or "".

    >>> orcid_id("https://orcid.org/0000-0002-1825-0097"), orcid_id("0000-0002-1825-0098")
    ('orcid:0000-0002-1825-0097', '')
    """
    name = _match(_ORCID, text).upper()
    digits = name.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2 % 11
    return f"orcid:{name}" if digits and "0123456789X"[(12 - total) % 11] == digits[-1] else ""


def number_id(namespace: str, value: object) -> str:
    """Return an id of a number, such as Semantic Scholar's ``s2`` and ``s2author``, or ""."""
    text = str(value) if type(value) is int else value
    return (
        f"{namespace}:{text}" if isinstance(text, str) and re.fullmatch(r"\d{1,18}", text) else ""
    )


_FORMS = {"doi": doi_id, "arxiv": arxiv_id, "openalex": openalex_id, "orcid": orcid_id}


def normal_id(text: object) -> str:
    """Return the normal form of an id of any namespace, or "" if it is none.

    >>> normal_id("DOI:10.1109/CVPR"), normal_id("name:Borui  Zhao"), normal_id("no namespace")
    ('doi:10.1109/cvpr', 'name:borui zhao', '')
    """
    if not isinstance(text, str) or len(text) > 2 * _LONGEST:
        return ""
    space, _, name = text.strip().partition(":")
    space = space.lower()
    if space in _FORMS:
        return _FORMS[space](name)
    if space in ("name", "topic"):
        return f"{space}:{folded}" if (folded := fold(name)) else ""
    found = _OTHER.fullmatch(f"{space}:{name.strip()}")
    return found[0] if found and found[0].isprintable() else ""


def _match(form: re.Pattern[str], text: object) -> str:
    if not isinstance(text, str) or len(text) > _LONGEST:
        return ""
    found = form.fullmatch(text.strip())
    return found[1] if found else ""


# ------------------------------------------------------------------ weak ids
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return the words of a text in small letters without accents or marks between them.

    >>> fold("Décoûpled  Knowledge-Distillation!")
    'decoupled knowledge distillation'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(text.casefold()))[:_LONGEST]


def name_id(kind: str, label: str) -> str:
    """Return the weak id of a person or a topic; "" for other kinds and labels without a word."""
    space = _WEAK_OF.get(kind)
    folded = fold(label) if space else ""
    return f"{space}:{folded}" if folded else ""


def work_ids(
    *, strong: Iterable[str] = (), title: str, authors: Sequence[str] = (), year: int | None = None
) -> tuple[str, ...]:
    """Return the ids of a work: those that are no empty text, and the weak one of its title.

    A title with no author is nothing to go by ("Editorial") unless there is nothing else.

    >>> work_ids(title="Decoupled Knowledge Distillation", authors=("Borui Zhao",), year=2022)
    ('title:decoupled knowledge distillation|zhao|2022',)
    """
    ids = dict.fromkeys(filter(None, strong))
    surname = fold(authors[0]).rpartition(" ")[2] if authors else ""
    folded = fold(title)
    if folded and (surname or not ids):
        ids[f"title:{folded}|{surname}|{'' if year is None else year}"] = None
    return tuple(ids)


# ------------------------------------------------------------------ what a store asks
def namespace(name: str) -> str:
    """Return what stands before the colon of an id."""
    return name.partition(":")[0]


def kind_of(name: str) -> str:
    """Return the kind of node that an id can name, "" where its namespace is open to all."""
    space = namespace(name)
    return KIND_OF.get(name[:10] if space == "openalex" else space, "")


def own_ids(claim: NodeClaim) -> tuple[str, ...]:
    """Return the ids to keep for a claim: its own, and the weak one that its label makes."""
    weak = "" if _is_stub(claim) else name_id(claim.kind, claim.label)
    return tuple(dict.fromkeys((*claim.ids, weak) if weak else claim.ids))


def look_up_ids(claim: NodeClaim, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids under which the thing may be kept already.

    These are its `own_ids` and, of a work, its title's in the years before and after: a preprint
    and its paper.
    """
    found = own
    for name in claim.ids:
        if name.startswith("title:"):
            head, _, year = name.rpartition("|")
            if year.isdecimal():
                found += (f"{head}|{int(year) - 1}", f"{head}|{int(year) + 1}")
    return found


def may_merge(a: Mapping[str, set[str]], b: Mapping[str, set[str]], by: str) -> bool:
    """Return whether an id that two nodes share makes one of them, from the `strong_ids` of each.

    A strong one does. A weak one does not where a namespace of strong ids has names of both and
    none in common: two DOIs, two ORCIDs.
    """
    if namespace(by) not in WEAK:
        return True
    return all(not a[space].isdisjoint(b[space]) for space in a.keys() & b.keys())


def strong_ids(ids: Iterable[str]) -> dict[str, set[str]]:
    """Return those of some ids that name one thing for ever, by their namespace."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in ids:
        if (space := namespace(name)) not in WEAK:
            found[space].add(name)
    return dict(found)


def key_of(ids: Collection[str]) -> str:
    """Return the id that stands for all: of the strongest namespace, the first by its letters."""
    return min(ids, key=strength)


def strength(name: str) -> tuple[int, str]:
    """Return what sorts ids, the strongest first."""
    return _RANK.get(namespace(name), len(STRONG)), name


def merged(claims: Sequence[tuple[str, NodeClaim]]) -> NodeClaim:
    """Return one claim out of several of the same thing, each with its origin's key.

    Their order does not matter. The toolkit and runs are believed before imports, a claim that
    says more before one that says less, and each fact is taken from the first that has it. Counts
    of citations only grow, and once retracted is retracted. `names` are all other labels, `ids`
    all ids.
    """
    ordered = [claim for _, claim in sorted(claims, key=_trust)]
    named = [claim for claim in ordered if not _is_stub(claim)]
    label = (named or ordered)[0].label
    facts: dict[str, Any] = {}
    names: set[str] = set()
    told: Any
    for claim in ordered:
        told = dict(claim.facts)
        names.update(told.pop("names", ()))
        if "works_count" in facts:
            told.pop("works_count_source", None)  # of another count
        facts = {**told, **facts}
    for fact, choose in (("cited_by", max), ("retracted", any)):
        told = [claim.facts[fact] for claim in ordered if fact in claim.facts]
        facts |= {fact: choose(told)} if told else {}
    names |= {claim.label for claim in named}
    names.discard(label)
    if names:
        facts["names"] = sorted(names)[:NAMES]
    return NodeClaim(
        kind=ordered[0].kind,
        ids=tuple(sorted({name for claim in ordered for name in own_ids(claim)}, key=strength)),
        label=label,
        year=next((claim.year for claim in ordered if claim.year is not None), None),
        facts=dict(sorted(facts.items())),
    )


def _is_stub(claim: NodeClaim) -> bool:
    """Say whether all that is known of a thing is that it is named: an id stands for its label."""
    return claim.label in claim.ids


def _trust(claim_of: tuple[str, NodeClaim]) -> tuple[int, bool, int, str, str]:
    origin, claim = claim_of
    space = namespace(origin)
    rank = _ORIGINS.index(space) if space in _ORIGINS else len(_ORIGINS)
    return rank, _is_stub(claim), -len(claim.facts), origin, repr(claim)
