"""Files of literature and of graphs, as claims: what a file is, its content tells."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tutelage.errors import GraphError
from tutelage.graph.model import Claim, Claims
from tutelage.graph.sources import (
    bibtex,
    crossref,
    csv,
    exported,
    gexf,
    graphml,
    openalex,
    semantic_scholar,
)
from tutelage.graph.sources._json import entries as json_entries
from tutelage.graph.sources._reading import Report, Stream, UnfitError, attempted, settle

__all__ = ["Report", "read"]

FORMATS = "OpenAlex, Crossref, Semantic Scholar (JSON), BibTeX, CSV, GraphML, GEXF, our own JSON"

_Numbered = Iterator[tuple[int, Claims]]


def read(
    path: Path, report: Report, progress: Callable[[int, int], None] | None = None
) -> Iterator[Claims]:
    """Yield the claims of a file, nodes before the links that end in them.

    The report fills as they are taken. What is broken in a file is skipped and reported with its
    line; a file that is broken as a whole, or a trap, raises.

    Args:
        path: The file, gzip or not.
        report: What to fill.
        progress: Hears how many of how many bytes are read.

    Raises:
        GraphError: the file cannot be read, is of no known format, broken off, or exceeds a limit.
    """
    with Stream(path, progress) as stream:
        yield from settle(_claims(stream, report), report)
    if not report.nodes:
        told = [f"in line {line:,}, {reason}" for line, reason in report.problems[:1]]
        raise GraphError(
            f"{path} holds nothing that can be imported: {told[0] if told else 'it has no nodes'}. "
            f"What can be: {FORMATS}."
        )


def _claims(stream: Stream, report: Report) -> _Numbered:
    head = stream.head()
    begin = head.lstrip()[:1]
    if begin in ("{", "["):
        return _of_records(json_entries(stream, report), report)
    if graphml.matches(head):
        report.format = "GraphML"
        return _of_records(graphml.entries(stream), report)
    if gexf.matches(head):
        report.format = "GEXF"
        return _of_records(gexf.entries(stream), report)
    if bibtex.matches(head):
        report.format = "BibTeX"
        return bibtex.claims(stream, report)
    if csv.matches(head):
        report.format = "CSV"
        return csv.claims(stream, report)
    told = f"it begins with {head.strip()[:40]!r}" if begin else "it is empty"
    if "\0" in head:
        told += ", which is no UTF-8 text: unpack it, or save it as UTF-8"
    raise GraphError(
        f"{stream.path} is in no format that can be imported: {told}. What can be: {FORMATS}."
    )


def _of_records(entries: Iterable[tuple[int, Any]], report: Report) -> _Numbered:
    """Yield what records say, each read by the format it looks like; bad ones are reported."""
    for line, entry in entries:
        for claim in attempted(line, partial(_of_record, entry, report), report):
            yield line, claim


def _of_record(entry: Any, report: Report) -> Iterable[Claim]:
    if not isinstance(entry, Mapping):
        raise UnfitError(f"a record is an object, not {str(entry)[:40]!r}")
    if report.format in ("GraphML", "GEXF"):
        return exported.claims(entry, report)
    for name, source in _SOURCES.items():
        if source.matches(entry):
            report.format = report.format or name
            told: Iterable[Claim] = source.claims(entry)
            return told
    if exported.matches(entry):
        report.format = report.format or "JSON"
        return exported.claims(entry, report)
    raise UnfitError("the record is none of OpenAlex, Crossref, Semantic Scholar or an export")


_SOURCES: Mapping[str, Any] = {
    "OpenAlex": openalex,
    "Crossref": crossref,
    "Semantic Scholar": semantic_scholar,
}
