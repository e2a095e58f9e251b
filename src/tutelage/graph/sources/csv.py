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
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, compress, count
from operator import itemgetter
from typing import Any

import numpy as np

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
from tutelage.graph.model import LINK_CODES, LINK_KINDS, Claim, Claims, LinkClaims, NodeClaim
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
SEAM = "\x1f"  # joins cells
NO_LINK = -1
PORTION = 250  # rows that are looked at together
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell that a spreadsheet would run begins with; exports put ``'`` before it."""


def matches(head: str) -> bool:
    """Say whether the first line names columns of works or of links."""
    names = _names(head.partition("\n")[0])
    return set(LINKS) <= set(names) or bool({"title", "doi", "arxiv"} & set(names))


def claims(stream: Stream, report: Report) -> Iterator[tuple[int, Claims]]:
    """Yield what the rows say, with their lines; rows that say nothing are reported."""
    text = _Text(stream, report)
    lines = chain.from_iterable(text)
    first = next(lines)
    separator, names = _separator(first), _names(first)
    limit = csv.field_size_limit(sys.maxsize)  # rows are bounded already
    rows = csv.reader(chain([first], lines), delimiter=separator, strict=True)
    read = (_Links if set(LINKS) <= set(names) else _Works)(names, report)
    try:
        for portion in _portions(rows, text, len(names), report):
            yield from read.claims(portion)
    finally:
        csv.field_size_limit(limit)


_KINDS = {"": NO_LINK, **{name: code for code, name in enumerate(LINK_CODES)}}
_Cells = tuple[str, ...]
_End = Callable[[Sequence[str]], _Cells]
_Rows = Sequence[tuple[int, list[str]]]
"""Rows with the lines they end in, each with a cell for every column and an empty last one."""


def _portions(rows: Any, text: "_Text", width: int, report: Report) -> Iterator[_Rows]:
    """Yield rows, many at a time; those that are no CSV or too wide are reported."""
    next(rows)  # the names
    found: list[tuple[int, list[str]]] = []
    ended = False
    while not ended:
        try:
            for cells in rows:
                text.row = 0
                if len(cells) > width:
                    told = f"the row has {len(cells)} cells for {width} columns"
                    report.skip(rows.line_num, told)
                    continue
                if len(cells) < width:
                    if not any(cells):
                        continue
                    cells += [""] * (width - len(cells))
                cells.append("")  # for columns that are missing
                found.append((rows.line_num, cells))
                if len(found) >= PORTION:
                    break
            else:
                ended = True
        except csv.Error as error:
            text.row = 0
            report.skip(rows.line_num, f"the row is no CSV: {error}")
            continue
        yield found
        found = []


class _Text:
    """The lines of a table, a block at a time; one that is no UTF-8 stands empty and is told."""

    def __init__(self, stream: Stream, report: Report) -> None:
        self.row = 0  # bytes since the last row ended, which quotes keep open
        self._stream, self._report = stream, report

    def __iter__(self) -> Iterator[io.StringIO]:
        begin = 1  # line
        for block in self._stream.portions():
            self.row += len(block)
            if self.row > MOST_LINE:
                raise GraphError(
                    f"line {self._stream.line:,} of {self._stream.path} is in a row of more than "
                    f"{MOST_LINE >> 20} MiB: is a quotation mark missing before?"
                )
            try:
                text = block.decode()
            except UnicodeDecodeError:
                lines = block.removesuffix(b"\n").split(b"\n")
                text = "\n".join(map(self._decoded, count(begin), lines)) + "\n"
            text = text.replace(SEAM, "")  # unseen, and taken out of what is kept anyway
            begin = self._stream.line + 1
            yield io.StringIO(text, newline="\n")

    def _decoded(self, number: int, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            if number == 1:
                raise GraphError(
                    f"line 1 of {self._stream.path} is no UTF-8, and names the columns. Save "
                    f"the table as UTF-8."
                ) from None
            self._report.skip(number, "the line is no UTF-8")
            return ""


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
    """Reads rows one by one."""

    def __init__(self, names: Sequence[str], report: Report) -> None:
        self._places = {name: _place(names, name) for name in WORKS}
        self._report = report

    def claims(self, rows: _Rows) -> Iterator[tuple[int, Claims]]:
        for line, row in rows:
            for claim in attempted(line, partial(self._row, row), self._report):
                yield line, claim

    def _row(self, row: Sequence[str]) -> list[Claim]:
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
    """Reads rows a column at a time: each costs its look-ups, and only new ends are looked at."""

    def __init__(self, names: Sequence[str], report: Report) -> None:
        self._report = report
        self._ids: list[str] = []
        self._places: dict[str, int] = {}  # of ids, in `_ids`
        self._ends: dict[str, int] = {}  # what cells say -> the place of an id claimed already
        self._source, self._target = (
            itemgetter(
                *(
                    _place(names, each)
                    for each in (f"{end}_kind", end, f"{end}_label", f"{end}_year")
                )
            )
            for end in ("source", "target")
        )
        self._kind = itemgetter(_place(names, "link"))
        self._weight = itemgetter(_place(names, "weight"))

    def claims(self, rows: _Rows) -> Iterator[tuple[int, Claims]]:
        """Yield what rows say: the ends that are new, and then the links."""
        lines, cells = [line for line, _ in rows], [row for _, row in rows]
        kinds = list(map(_KINDS.get, map(self._kind, cells)))
        weights = [number(_cell(told)) if told else 1.0 for told in map(self._weight, cells)]
        sources, targets = self._known(self._source, cells), self._known(self._target, cells)
        for n, told in enumerate(zip(kinds, sources, targets, weights, strict=True)):
            if None not in told or (told[0] == NO_LINK and told[1] is not None):
                continue
            try:
                yield from ((lines[n], claim) for claim in self._fresh(cells[n]))
            except UnfitError as error:
                self._report.skip(lines[n], str(error))
                kinds[n] = NO_LINK
            else:
                kinds[n] = _KINDS[_cell(self._kind(cells[n]))]
                (sources[n],) = self._known(self._source, [cells[n]])
                (targets[n],) = self._known(self._target, [cells[n]])
        linked = [kind != NO_LINK for kind in kinds]
        if any(linked):
            integers = (
                np.array(list(compress(column, linked)), np.int64)
                for column in (kinds, sources, targets, lines)
            )
            kind, source, target, line = integers
            weight = np.array(list(compress(weights, linked)), np.float64)
            links = LinkClaims(
                ids=self._ids, kind=kind, source=source, target=target, weight=weight, line=line
            )
            yield lines[0], links

    def _known(self, end: _End, rows: Sequence[Sequence[str]]) -> list[int | None]:
        # One text is found faster than a tuple of four, and so are rows while they are in a cache.
        return list(map(self._ends.get, map(SEAM.join, map(end, rows))))

    def _fresh(self, row: Sequence[str]) -> list[NodeClaim]:
        """Return the ends that are new, which are said only if the row is fit as a whole."""
        kind, weight = _cell(self._kind(row)), _cell(self._weight(row))
        fresh: dict[_Cells, NodeClaim] = {}
        for end in (self._source(row), self._target(row)) if kind else (self._source(row),):
            if SEAM.join(end) not in self._ends and end not in fresh:
                fresh[end] = _node(*map(_cell, end))
        if kind and kind not in LINK_KINDS:
            raise UnfitError(f"there is no kind of link {kind!r}")
        if kind and weight and number(weight) is None:
            raise UnfitError(f"a weight is a finite number, not {weight!r}")
        for end, claim in fresh.items():
            self._know(end, claim.ids[0])
        return list(fresh.values())

    def _know(self, end: _Cells, name: str) -> None:
        place = self._places.setdefault(name, len(self._ids))
        if place == len(self._ids):
            self._ids.append(name)
        self._ends[SEAM.join(end)] = place
        kind, told, *beside = end
        if any(beside) and name.lower() == told.lower():  # the bare id says nothing more
            self._ends.setdefault(SEAM.join((kind, told, "", "")), place)


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
