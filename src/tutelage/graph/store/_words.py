"""What search compares: the words of a node, and the questions that a typed text comes to.

Words are cut and folded here, not by a database, so that both stores find the same. Three signs
that no text holds mark words apart: the kind of a node, how its label begins, and, within that,
the gap between two words. So "begins with", "is of this kind" and "has this word" are all the same
cheap look into one index of words.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from itertools import islice

from tutelage.errors import GraphError, did_you_mean
from tutelage.graph.model import NODE_CODES, Facts

KIND, BEGIN, GAP = "\u00a7", "\u2261", "\u2022"
LONGEST = 64  # characters of a word that count
BEGINNING = 40  # characters of a label that count for how it begins
MOST = 12  # words of a question that count
MOST_WORDS = 5_000  # of a node

_WORD = re.compile(r"[^\W_]+")
# Letters that Unicode does not take apart, though people type them without their strokes.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "þ": "th", "æ": "ae", "œ": "oe"}
    | {"\u0131": "i"}
)

Term = tuple[str, bool]
"""A word, and whether it may go on."""


def fold(text: str) -> str:
    """Return a text without case, accents and ligatures.

    >>> fold("Łukasz Straße, Müller")
    'lukasz strasse, muller'
    """
    whole = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in whole if not unicodedata.combining(letter))
    return bare.casefold().translate(_LETTERS)


def cut(text: str) -> list[str]:
    """Return the words of a text, folded, in their order.

    >>> cut("Decoupled KD: teacher-student")
    ['decoupled', 'kd', 'teacher', 'student']
    """
    return [
        word[:LONGEST] for word in _WORD.findall(text.lower() if text.isascii() else fold(text))
    ]


def words(kind: str, label: str, facts: Facts) -> str:
    """Return all that search compares of a node: words with blanks between, marked ones first."""
    marked = [KIND + str(NODE_CODES.index(kind)), BEGIN + GAP.join(cut(label))[:BEGINNING]]
    texts = [label, *_texts(facts.get("names")), *_texts(facts.get("ids"))]
    found = dict.fromkeys(word for text in texts for word in cut(text))
    found |= dict.fromkeys(word for text in _texts(facts.get("abstract")) for word in cut(text))
    return " ".join([*marked, *islice(found, MOST_WORDS)])


def questions(text: str) -> list[list[Term]]:
    """Return what to ask for a text: labels equal to it, beginning with it, holding its words.

    Each question is terms that must all hold. Without a word in the text there is none.
    """
    asked = cut(text)[:MOST]
    if not asked:
        return []
    begin = BEGIN + GAP.join(asked)[:BEGINNING]
    *whole, last = asked
    return [[(begin, False)], [(begin, True)], [*((word, False) for word in whole), (last, True)]]


def kind_words(kinds: Collection[str]) -> list[str]:
    """Return the words that mark nodes of these kinds.

    Raises:
        GraphError: one is no kind of node.
    """
    for kind in kinds:
        if kind not in NODE_CODES:
            raise GraphError(
                f"a node is of a kind of {', '.join(NODE_CODES)}, not {kind!r}."
                f"{did_you_mean(kind, NODE_CODES)}"
            )
    return [KIND + str(NODE_CODES.index(kind)) for kind in kinds]


def _texts(found: object) -> Iterable[str]:
    if isinstance(found, str):
        return (found,)
    return (str(each) for each in found) if isinstance(found, list | tuple) else ()
