"""Text and addresses from sources nobody vouches for, made plain before anything keeps them."""

import html
import re
import unicodedata
from urllib.parse import urlsplit

MOST = 10_000
"""Characters that a text keeps."""

_WORDS = 5_000  # of an abstract; the longest that journals allow are a tenth of it
_TAG = re.compile(
    r"<!--.*?-->|<(?:/?|[!?])(?:[\w-]+:)?([A-Za-z][\w-]*)(?:[\s/][^<>]*)?>", re.DOTALL
)
_INLINE = re.compile(
    "a|abbr|b|bold|cite|code|em|font|i|italic|monospace|sc|scp|small|span|strong|su[bp]|tt|u", re.I
)
# What turns the direction of the text round it or is not seen at all, and what XML cannot hold.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ud800-\udfff\ufeff\ufff9-\uffff\U000e0000-\U000e007f]"
)


def plain(text: object, most: int = MOST) -> str:
    r"""Return a text without tags, entities and unseen characters, in one line of at most `most`.

    Entities are decoded once, after the tags are gone, so that what a source shows as text stays
    text. Whatever is no string becomes the empty one.

    >>> plain("H<sub>2</sub>O &amp;\n <b onclick='x'>p &lt; 0.05</b>")
    'H2O & p < 0.05'
    """
    if not isinstance(text, str):
        return ""
    text = text[: 4 * most]  # before the work, which is linear in it
    if "<" in text:
        text = _TAG.sub(_instead, text)
    if "&" in text:
        text = html.unescape(text)
    return clean(text, most)


def clean(text: str, most: int = MOST) -> str:
    """Return a text that is plain already without unseen characters, in one bounded line."""
    if not text.isascii() or not text.isprintable():
        text = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _instead(tag: re.Match[str]) -> str:
    """Inline tags leave nothing behind, others part words."""
    return "" if _INLINE.fullmatch(tag[1] or "") else " "


def safe_url(text: object) -> str:
    """Return an http or https address of some host, or the empty string.

    >>> safe_url("https://arxiv.org/abs/2203.08679"), safe_url("javascript:alert(1)")
    ('https://arxiv.org/abs/2203.08679', '')
    """
    if not isinstance(text, str):
        return ""
    text = text.strip()
    if len(text) > 2_000 or not text.isprintable() or re.search(r"[\s\\<>\"'`]", text):
        return ""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return ""
    fine = parts.scheme in ("http", "https") and host and "@" not in parts.netloc
    return text if fine and not _UNSEEN.search(text) else ""


def abstract(inverted: object) -> str:
    """Return the text of an inverted index, a word to its positions, as OpenAlex has abstracts.

    >>> abstract({"of": [1], "Lord": [0], "the": [2], "Rings": [3]})
    'Lord of the Rings'
    """
    if not isinstance(inverted, dict):
        return ""
    words: dict[int, str] = {}
    for word, places in inverted.items():
        if isinstance(word, str) and isinstance(places, list):
            for place in places:
                if type(place) is int and 0 <= place < _WORDS:
                    words[place] = word
    return plain(" ".join(words[place] for place in sorted(words)))
