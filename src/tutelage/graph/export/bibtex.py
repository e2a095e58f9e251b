"""BibTeX of the works among the nodes, with their authors where the authorships are there too."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tutelage.graph.identity import fold
from tutelage.graph.model import Link, Node
from tutelage.graph.store import Place

_TYPES = {"article": "article", "conference paper": "inproceedings", "dissertation": "phdthesis"}
_VENUE = {"article": "journal", "inproceedings": "booktitle", "phdthesis": "school"}
_LATEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}
_LATEX |= {"^": r"\textasciicircum{}", **{letter: f"\\{letter}" for letter in "&%$#_"}}


def write(nodes: Sequence[Node], links: Sequence[Link], places: Mapping[str, Place]) -> bytes:
    """Return the entries, in UTF-8, in the order of the nodes; other nodes are left out."""
    names = {node.id: node.label for node in nodes}
    authors: dict[int, list[tuple[int, int]]] = defaultdict(list)
    topics: dict[int, list[int]] = defaultdict(list)
    for link in links:
        if link.kind == "authorship":
            position = link.facts.get("position")
            place = position if isinstance(position, int) else len(links)
            authors[link.target].append((place, link.source))
        elif link.kind == "topic_signal":
            topics[link.source].append(link.target)
    keys: set[str] = set()
    entries = []
    for node in nodes:
        if node.kind == "work":
            people = [names[person] for _, person in sorted(authors[node.id])]
            words = [names[topic] for topic in topics[node.id]]
            entries.append(entry(node, people, words, keys))
    return "\n".join(entries).encode()


def entry(
    node: Node, people: Sequence[str] = (), words: Sequence[str] = (), taken: set[str] | None = None
) -> str:
    """Return the entry of a work by its authors, under a citation key that is not taken yet."""
    facts = node.facts
    kind = _TYPES.get(str(facts.get("type", "")), "misc")
    fields = {
        "title": f"{{{_latex(node.label)}}}",  # braces twice, so that styles keep its capitals
        "author": " and ".join(_author(name) for name in people),
        "year": "" if node.year is None else str(node.year),
        _VENUE.get(kind, "howpublished"): _latex(str(facts.get("venue", ""))),
        "doi": _address(facts.get("doi", "")),
        "eprint": str(facts.get("arxiv", "")),
        "archiveprefix": "arXiv" if facts.get("arxiv") else "",
        "url": _address(facts.get("url", "")),
        "keywords": ", ".join(_latex(re.sub("[,;]", " ", word)) for word in words),
        "abstract": _latex(str(facts.get("abstract", ""))),
    }
    lines = "".join(f",\n  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{kind}{{{_key(node, people, set() if taken is None else taken)}{lines}\n}}\n"


def _address(text: object) -> str:
    """Return an address without what would end its field."""
    return re.sub(r"[{}\\]", lambda letter: f"%{ord(letter[0]):02X}", str(text))


def _author(name: str) -> str:
    """Return a name whole where BibTeX would take it apart."""
    told = _latex(name)
    return f"{{{told}}}" if re.search(r",|\band\b", told) else told


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _key(node: Node, people: Sequence[str], taken: set[str]) -> str:
    """Return such as ``zhao2022decoupled``, with a letter behind where that is taken."""
    surname = fold(people[0]).rpartition(" ")[2] if people else ""
    word = next((word for word in fold(node.label).split() if len(word) > 3), "")
    key = re.sub(r"[^a-z0-9]", "", f"{surname}{node.year or ''}{word}") or "work"
    number, found = 1, key
    while found in taken:
        number += 1
        found = f"{key}-{number}"
    taken.add(found)
    return found
