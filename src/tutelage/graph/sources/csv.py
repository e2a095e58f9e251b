"""CSV: a table of works, or the plain table of links that is the quickest way in.

Works, a row each: ``title, authors, year, doi, arxiv, openalex, venue, type, abstract, url,
topics, cited_by, references``; the first or an id is needed. Authors, topics and references are
parted by ``;``, references are ids.

Links, a row each: ``source_kind, source, link, target_kind, target`` and, where wanted, ``weight,
source_label, target_label, source_year, target_year``. An end is an id with its namespace
(``doi:10.1109/...``) or else a name: of a person or topic its own, of a work its title. A row
with no link tells of its source alone.
"""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter

from tutelage.errors import GraphError
from tutelage.graph.identity import (
    arxiv_id,
    doi_id,
    kind_of,
    name_id,
    normal_id,
    openalex_id,
    work_ids,
)
from tutelage.graph.model import LINK_KINDS, Claim, LinkClaim, NodeClaim
from tutelage.graph.sources._claims import person, topic, work
from tutelage.graph.sources._reading import (
    MOST_LINE,
    NAME,
    TITLE,
    Report,
    Stream,
    UnfitError,
    attempted,
    node_kind,
    number,
    whole,
    year,
)
from tutelage.graph.text import clean, plain, safe_url

WORKS = (
    *("title", "authors", "year", "doi", "arxiv", "openalex", "venue", "type", "abstract", "url"),
    *("topics", "cited_by", "references"),
)
LINKS = ("source_kind", "source", "link", "target_kind", "target")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell that a spreadsheet would run begins with; exports put ``'`` before it."""


def matches(head: str) -> bool:
    """Say whether the first line names columns of works or of links."""
    names = _names(head.partition("\n")[0])
    return set(LINKS) <= set(names) or bool({"title", "doi", "arxiv"} & set(names))


def claims(stream: Stream, report: Report) -> Iterator[tuple[int, Claim]]:
    """Yield what the rows say, with their lines; rows that say nothing are reported."""
    lines = _Lines(stream, report)
    first = next(lines)
    separator, names = _separator(first), _names(first)
    limit = csv.field_size_limit(sys.maxsize)  # rows are bounded already
    rows = csv.reader(lines, delimiter=separator, strict=True)
    read = (_Links if set(LINKS) <= set(names) else _Works)(names)
    try:
        for cells in _rows(rows, lines, report):
            line = stream.line
            if len(cells) > len(names):
                report.skip(line, f"the row has {len(cells)} cells for {len(names)} columns")
                continue
            cells += [""] * (len(names) + 1 - len(cells))  # the last for columns that are missing
            for claim in attempted(line, partial(read.claims, cells), report):
                yield line, claim
    finally:
        csv.field_size_limit(limit)


def _rows(rows: Iterator[list[str]], lines: "_Lines", report: Report) -> Iterator[list[str]]:
    while True:
        lines.row = 0
        try:
            cells = next(rows, None)
        except csv.Error as error:
            report.skip(lines.stream.line, f"the row is no CSV: {error}")
            continue
        if cells is None:
            return
        if any(cells):
            yield cells


class _Lines:
    """The lines of a table; those that are no UTF-8 are left out and told."""

    def __init__(self, stream: Stream, report: Report) -> None:
        self.stream = stream
        self.row = 0  # characters of the row that is being read, which quotes keep open
        self._report = report
        self._lines = stream.lines()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for number_, line in self._lines:
            try:
                text = line.decode()
            except UnicodeDecodeError:
                if number_ == 1:
                    raise GraphError(
                        f"line 1 of {self.stream.path} is no UTF-8, and names the columns. Save "
                        f"the table as UTF-8."
                    ) from None
                self._report.skip(number_, "the line is no UTF-8")
                continue
            self.row += len(text)
            if self.row > MOST_LINE:
                raise GraphError(
                    f"line {number_:,} of {self.stream.path} is in a row of more than "
                    f"{MOST_LINE >> 20} MiB: is a quotation mark missing before?"
                )
            return text
        raise StopIteration


def _separator(line: str) -> str:
    return max(",;\t", key=line.count)


def _names(line: str) -> list[str]:
    try:
        cells = next(csv.reader(io.StringIO(line.strip()), delimiter=_separator(line)), [])
    except csv.Error:
        return []
    return [name.strip().lower() for name in cells]


def _cell(cell: str) -> str:
    """Return a cell without the mark that keeps spreadsheets from running it."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell


def _place(names: Sequence[str], name: str) -> int:
    """Return where a column stands; of one that is missing, where an empty cell does."""
    return names.index(name) if name in names else -1


class _Works:
    def __init__(self, names: Sequence[str]) -> None:
        self._places = {name: _place(names, name) for name in WORKS}

    def claims(self, row: Sequence[str]) -> list[Claim]:
        cells = {name: _cell(row[place]) for name, place in self._places.items()}
        several = {
            name: [each.strip() for each in cells[name].split(";") if each.strip()]
            for name in ("authors", "topics", "references")
        }
        found = work(
            doi_id(cells["doi"]),
            arxiv_id(cells["arxiv"]),
            openalex_id(cells["openalex"], "W"),
            title=plain(cells["title"], TITLE),
            people=[person(plain(name, NAME)) for name in several["authors"]],
            year=year(cells["year"]),
            topics=[(topic(plain(name, NAME)), 1.0) for name in several["topics"]],
            cites=[normal_id(name) or doi_id(name) for name in several["references"]],
            abstract=plain(cells["abstract"]),
            type=plain(cells["type"], NAME),
            venue=plain(cells["venue"], NAME),
            url=safe_url(cells["url"]),
            cited_by=whole(cells["cited_by"]),
        )
        if not found:
            raise UnfitError("the row has neither a title nor an id")
        return found


class _Links:
    def __init__(self, names: Sequence[str]) -> None:
        self._ends: dict[tuple[str, ...], str] = {}  # what cells say -> an id claimed already
        self._source, self._target = (
            itemgetter(
                *(
                    _place(names, each)
                    for each in (f"{end}_kind", end, f"{end}_label", f"{end}_year")
                )
            )
            for end in ("source", "target")
        )
        self._kind, self._weight = _place(names, "link"), _place(names, "weight")

    def claims(self, row: Sequence[str]) -> list[Claim]:
        fresh: dict[tuple[str, ...], NodeClaim] = {}  # said only if the row is fit as a whole
        found: list[Claim] = []
        source = self._end(self._source(row), fresh)
        if kind := _cell(row[self._kind]):
            target = self._end(self._target(row), fresh)
            found.append(_link(kind, source, target, _cell(row[self._weight])))
        if fresh:
            self._ends |= {cells: claim.ids[0] for cells, claim in fresh.items()}
            found[:0] = fresh.values()
        return found

    def _end(self, cells: tuple[str, ...], fresh: dict[tuple[str, ...], NodeClaim]) -> str:
        if cells in self._ends:
            return self._ends[cells]
        if cells not in fresh:
            fresh[cells] = _node(*map(_cell, cells))
        return fresh[cells].ids[0]


def _link(kind: str, source: str, target: str, told: str) -> LinkClaim:
    """Return what a row says of a link."""
    if kind not in LINK_KINDS:
        raise UnfitError(f"there is no kind of link {kind!r}")
    weight = number(told) if told else 1.0
    if weight is None:
        raise UnfitError(f"a weight is a finite number, not {told!r}")
    return LinkClaim(kind=kind, source=source, target=target, weight=weight)


def _node(kind: str, told: str, label: str, when: str) -> NodeClaim:
    """Return what a row says of an end."""
    kind, told, label, day = node_kind(kind), clean(told, TITLE), clean(label, TITLE), year(when)
    name = normal_id(told)
    if kind_of(name) or (name and label):  # with a label beside it, any namespace will do
        return NodeClaim(kind=kind, ids=(name,), label=label or name, year=day)
    label = label or told
    if kind == "work":
        name = next(iter(work_ids(title=label, year=day)), "")
    elif kind in ("person", "topic"):
        name = name_id(kind, label)
    else:
        name = normal_id(f"{kind}:{told}")
    if not name:
        raise UnfitError(f"a {kind} needs an id with its namespace or a name, not {told!r}")
    return NodeClaim(kind=kind, ids=(name,), label=label, year=day)
