"""Claims as the rows that are kept of them, and what of them cannot be kept."""

import json
import math
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from json.encoder import encode_basestring_ascii
from typing import Any

from tutelage.errors import GraphError, did_you_mean
from tutelage.graph.model import (
    LINK_CODES,
    LINK_KINDS,
    NODE_CODES,
    NODE_KINDS,
    LinkClaim,
    NodeClaim,
)
from tutelage.graph.store._talk import Row

ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
LONGEST_ID, LONGEST_LABEL = 500, 10_000  # characters

ASSERTABLE = {name: code for code, name in enumerate(LINK_CODES) if not LINK_KINDS[name].projection}
PROJECTIONS = [code for code, name in enumerate(LINK_CODES) if LINK_KINDS[name].projection]
UNDIRECTED = [code for code, name in enumerate(LINK_CODES) if not LINK_KINDS[name].directed]


def node_row(claim: NodeClaim) -> Row:
    """Return (kind, ids, label, year, facts) as they are kept.

    Raises:
        GraphError: the claim cannot be kept; the message says why.
    """
    if claim.kind not in NODE_KINDS:
        raise GraphError(
            f"a node wants a kind of {', '.join(NODE_KINDS)}, got {claim.kind!r}."
            f"{did_you_mean(str(claim.kind), NODE_KINDS)}"
        )
    if not claim.ids:
        raise GraphError(f"{claim.label!r} wants at least one id. Give it one that is its own.")
    for name in claim.ids:
        demand_text("an id", name, LONGEST_ID)
    demand_text("a label", claim.label, LONGEST_LABEL)
    if claim.year is not None and not abs(claim.year) < 10_000:
        raise GraphError(f"{claim.ids[0]!r} wants a year or None, got {claim.year!r}.")
    facts = dumps(claim.facts) if claim.facts else "{}"
    return NODE_CODES.index(claim.kind), dumps_texts(claim.ids), claim.label, claim.year, facts


def node_claim(row: Sequence[Any]) -> NodeClaim:
    """Return a claim that was kept."""
    kind, ids, label, year, facts = row
    return NodeClaim(
        kind=NODE_CODES[kind],
        ids=tuple(json.loads(ids)),
        label=label,
        year=year,
        facts=json.loads(facts),
    )


def link_row(claim: LinkClaim) -> tuple[Row, Row]:
    """Return the ends of a link, and (weight, facts) as they are kept."""
    demand_link(claim)
    ends = link_ends(ASSERTABLE[claim.kind], claim.source, claim.target)
    return ends, (float(claim.weight), dumps(claim.facts) if claim.facts else "")


def demand_link(claim: LinkClaim) -> None:
    """Demand a link that can be kept."""
    if claim.kind in ASSERTABLE and 0 <= claim.weight < math.inf:
        return
    told = f"the link of {claim.source!r} to {claim.target!r}"
    if claim.kind not in ASSERTABLE:
        raise GraphError(
            f"{told} wants a kind that a source can claim, of {', '.join(ASSERTABLE)}, got "
            f"{claim.kind!r}.{did_you_mean(str(claim.kind), ASSERTABLE)}"
        )
    raise GraphError(f"{told} wants a finite weight of at least 0, got {claim.weight!r}.")


def dumps(value: object) -> str:
    """Return JSON of one form."""
    try:
        return ENCODE(value)
    except (TypeError, ValueError) as error:
        raise GraphError(f"facts want what JSON can write: {error}. Got {value!r}.") from None


def dumps_texts(texts: Iterable[str]) -> str:
    """Return the JSON that `dumps` gives of a list of texts, but at once."""
    return f"[{','.join(map(encode_basestring_ascii, texts))}]"


def digest_of(row: Row) -> int:
    """Return a number that stands for a claim's row."""
    kind, ids, label, year, facts = row
    text = f"{kind}\x1f{ids}\x1f{label}\x1f{year}\x1f{facts}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def storable(text: str) -> bool:
    """Return whether databases can keep a text: Unicode, without a NUL."""
    try:
        return "\0" not in text and (text.isascii() or bool(text.encode()))
    except UnicodeEncodeError:
        return False


def demand_text(what: str, text: str, longest: int) -> None:
    """Demand a text that can be kept."""
    if not storable(text) or len(text) > longest:
        raise GraphError(
            f"{what} wants Unicode text without NUL of at most {longest} characters, got "
            f"{text[:100]!r} of {len(text)}."
        )


def link_ends(kind: int, source: str, target: str) -> Row:
    """Return what tells a link from others: its ends sorted where its kind has no direction."""
    return (kind, *sorted((source, target))) if kind in UNDIRECTED else (kind, source, target)
