"""BibTeX: entries with authors by name; LaTeX in them becomes the letters it stands for."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tutelage.graph.identity import arxiv_id, doi_id
from tutelage.graph.model import Claim
from tutelage.graph.sources._claims import person, topic, work
from tutelage.graph.sources._reading import NAME, TITLE, Report, Stream, year
from tutelage.graph.text import plain, safe_url

_VENUES = ("journal", "journaltitle", "booktitle", "school", "howpublished")
_ADDRESSES = ("doi", "eprint", "url")
_TYPES = {"inproceedings": "conference paper", "phdthesis": "dissertation", "misc": ""}


def matches(head: str) -> bool:
    """Say whether a text begins like BibTeX: an entry, after comments if any."""
    return re.search(r"^\s*@\s*[A-Za-z]+\s*[{(]", head, re.MULTILINE) is not None


def claims(stream: Stream, report: Report) -> Iterator[tuple[int, Claim]]:
    """Yield what the entries of a file say, with their lines; broken blocks are reported."""
    from bibtexparser import middlewares, model
    from bibtexparser.entrypoint import parse_string

    # A block that is broken is in the report; the library's own log would say it twice.
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    library = parse_string(stream.text(report))
    addresses = {id(entry): _addresses(entry) for entry in library.entries}
    for middleware in (
        middlewares.LatexDecodingMiddleware(),
        middlewares.SeparateCoAuthors(),
        middlewares.SplitNameParts(),
        middlewares.MergeNameParts(style="first"),
    ):
        library = middleware.transform(library)
    for block in library.blocks:
        line = (block.start_line or 0) + 1
        if isinstance(block, model.ParsingFailedBlock):
            why = getattr(block.error, "abort_reason", None) or str(block.error)
            report.skip(line, f"the block is no BibTeX: {why}")
        elif isinstance(block, model.Entry):
            fields = {each.key.lower(): each.value for each in block.fields}
            fields |= addresses[id(block)]
            found = _entry(block.entry_type.lower(), fields) if fields.get("title") else []
            if not found:
                report.skip(line, f"the entry {block.key} has no title")
            yield from ((line, claim) for claim in found)


def _addresses(entry: Any) -> dict[str, str]:
    """Take the addresses out of an entry, since LaTeX would read ``%`` and ``~`` in them its way.

    In other fields BibTeX knows no comments, so there ``%`` is one too.
    """
    found, others = {}, []
    for each in entry.fields:
        if each.key.lower() in _ADDRESSES:
            text = re.sub(r"^\s*\\url\s*\{(.*)\}\s*$", r"\1", str(each.value))
            found[each.key.lower()] = re.sub(r"\\([_%&#{}~$])(?:\{\})?", r"\1", text)
        else:
            if isinstance(each.value, str):
                each.value = re.sub(r"(?<!\\)%", r"\\%", each.value)
            others.append(each)
    entry.fields = others
    return found


def _entry(kind: str, fields: Mapping[str, Any]) -> list[Claim]:
    address = fields.get("url")
    arxiv = arxiv_id(fields.get("eprint")) or arxiv_id(address)
    told = (fields.get(name) for name in _VENUES)
    names = [plain(name, NAME) for name in fields.get("author", fields.get("editor", []))]
    words = [word.strip() for word in re.split("[,;]", plain(fields.get("keywords")))]
    return work(
        doi_id(fields.get("doi")) or doi_id(address),
        arxiv,
        title=plain(fields["title"], TITLE),
        people=[person(name) for name in names if name.lower() != "others"],
        year=year(fields.get("year", fields.get("date"))),
        topics=[(topic(word), 1.0) for word in words],
        abstract=plain(fields.get("abstract")),
        type=_TYPES.get(kind, kind) or ("preprint" if arxiv else ""),
        venue=plain(next(filter(None, told), None), NAME),
        url=safe_url(address),
    )
