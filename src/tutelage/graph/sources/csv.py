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
from dataclasses import dataclass
from functools import partial
from itertools import count, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
NO_LINK, ODD = -1, -2  # instead of the code of a kind of link
NEW = -1  # instead of a place
BLOCK = 1 << 15  # bytes of lines that are looked at together, while they are in a cache
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell that a spreadsheet would run begins with; exports put ``'`` before it."""


def matches(head: str) -> bool:
    """Say whether the first line names columns of works or of links."""
    names = _names(head.partition("\n")[0])
    return set(LINKS) <= set(names) or bool({"title", "doi", "arxiv"} & set(names))


def claims(stream: Stream, report: Report) -> Iterator[tuple[int, Claims]]:
    """Yield what the rows say, with their lines; rows that say nothing are reported."""
    text = _Text(stream, report)
    first = text.first()
    names = _names(first)
    limit = csv.field_size_limit(sys.maxsize)  # rows are bounded already
    read = (_Links if set(LINKS) <= set(names) else _Works)(names, report)
    try:
        for portion in _portions(text, _separator(first), len(names), report):
            yield from read.claims(portion)
    finally:
        csv.field_size_limit(limit)


_KINDS = {"": NO_LINK, **{name: code for code, name in enumerate(LINK_CODES)}}
_End = tuple[str, str, str, str]
"""The cells of an end: kind, id or name, label, year."""


@dataclass(frozen=True, slots=True)
class _Portion:
    """Rows that are looked at together, as columns, and the lines they end in.

    There is a column for every name, and an empty one at the end for what is missing.
    """

    lines: NDArray[np.int64]
    columns: Sequence[Sequence[str]]


def _portions(text: "_Text", separator: str, width: int, report: Report) -> Iterator[_Portion]:
    """Yield the rows below the names; those that are no CSV or too wide are reported."""
    rows = csv.reader(text, delimiter=separator, strict=True)
    while text.advance():
        if columns := _plain(text.rest(), separator, width):
            lines = np.arange(text.line + 1, text.line + 1 + len(columns[0]))
            text.skip(len(lines))
            yield _Portion(lines, [*columns, [""] * len(lines)])
        else:
            yield from _parsed(rows, text, width, report)


def _plain(text: str, separator: str, width: int) -> list[list[str]] | None:
    """Return the columns of rows, if these are but cells between separators, in whole rows.

    That is quicker than to parse them, and true of most lines of large tables. With one column an
    empty line is not told from an empty cell.
    """
    if width == 1 or '"' in text or "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    text = text.removesuffix("\n")
    cells = text.replace("\n", f"{separator}\n{separator}").split(separator)
    ends = cells[width :: width + 1]
    if (len(cells) + 1) % (width + 1) or not text.count("\n") == ends.count("\n") == len(ends):
        return None
    return [cells[place :: width + 1] for place in range(width)]


def _parsed(rows: Any, text: "_Text", width: int, report: Report) -> Iterator[_Portion]:
    """Yield the rows that begin in the block of text that is at hand."""
    block, lines, found = text.fetched, list[int](), list[list[str]]()
    while text.more() and text.fetched == block:
        try:
            cells = next(rows)
        except csv.Error as error:
            report.skip(text.line, f"the row is no CSV: {error}")
            continue
        if len(cells) > width:
            report.skip(text.line, f"the row has {len(cells)} cells for {width} columns")
        elif len(cells) == width or any(cells):
            lines.append(text.line)
            found.append([*cells, *[""] * (width + 1 - len(cells))])
    if found:
        yield _Portion(np.array(lines), list(zip(*found, strict=True)))


class _Text:
    """The lines of a table, a block at a time; one that is no UTF-8 stands empty and is told."""

    def __init__(self, stream: Stream, report: Report) -> None:
        self.line = 0  # that was given last
        self.fetched = 0  # blocks
        self._stream, self._report = stream, report
        self._blocks = stream.portions(BLOCK)
        self._block, self._size = io.StringIO(), 0
        self._row = 0  # characters since a row began, which quotes keep open

    def first(self) -> str:
        """Return the first line, which names the columns."""
        self.advance()
        return next(self)

    def __iter__(self) -> "_Text":
        return self

    def __next__(self) -> str:
        """Give a line, of the next block if a row goes on there."""
        if not self.more():
            self._row += self._size
            if self._row > MOST_LINE:
                raise GraphError(
                    f"line {self._stream.line:,} of {self._stream.path} is in a row of more than "
                    f"{MOST_LINE >> 20} MiB: is a quotation mark missing before?"
                )
            if not self._fetch():
                raise StopIteration
        self.line += 1
        return self._block.readline()

    def advance(self) -> bool:
        """Have a block at hand that begins with a row; return whether there is one."""
        self._row = 0
        return self.more() or self._fetch()

    def more(self) -> bool:
        """Say whether the block at hand has lines that were not given yet."""
        return self._block.tell() < self._size

    def rest(self) -> str:
        """Return what was not given yet of the block at hand."""
        place = self._block.tell()
        text = self._block.read()
        self._block.seek(place)
        return text

    def skip(self, lines: int) -> None:
        """Be done with the block at hand, which had so many lines left."""
        self.line += lines
        self._size = 0

    def _fetch(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        try:
            text = block.decode()
        except UnicodeDecodeError:
            lines = block.removesuffix(b"\n").split(b"\n")
            text = "\n".join(map(self._decoded, count(self.line + 1), lines)) + "\n"
        text = text.replace(SEAM, "")  # unseen, and taken out of what is kept anyway
        self._block, self._size = io.StringIO(text, newline="\n"), len(text)
        self.fetched += 1
        return True

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
    if not cell:
        return cell
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

    def claims(self, portion: _Portion) -> Iterator[tuple[int, Claims]]:
        rows = zip(*portion.columns, strict=True)
        for line, row in zip(portion.lines.tolist(), rows, strict=True):
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
        # What cells say of ends claimed already -> the place of an id: by kind where they have but
        # an id or a name, as in most rows of large tables, and else joined.
        self._bare: dict[str, dict[str, int]] = {}
        self._described: dict[str, int] = {}
        self._source, self._target = (
            [_place(names, each) for each in (f"{end}_kind", end, f"{end}_label", f"{end}_year")]
            for end in ("source", "target")
        )
        self._kind, self._weight = _place(names, "link"), _place(names, "weight")

    def claims(self, portion: _Portion) -> Iterator[tuple[int, Claims]]:
        """Yield what rows say: the ends that are new, and then the links."""
        lines, columns = portion.lines, portion.columns
        told = (_KINDS.get(name, ODD) for name in columns[self._kind])
        kind = np.fromiter(told, np.int64, len(lines))
        weight = np.array(
            [number(cell) if (cell := _cell(told)) else 1.0 for told in columns[self._weight]],
            np.float64,  # NaN where it is none
        )
        source, target = (
            self._known([columns[place] for place in end]) for end in (self._source, self._target)
        )
        odd = (kind == ODD) | (source == NEW)
        odd |= (kind != NO_LINK) & ((target == NEW) | np.isnan(weight))
        rows = list(zip(*columns, strict=True)) if odd.any() else []
        for n in np.flatnonzero(odd).tolist():
            line = int(lines[n])
            try:
                yield from [(line, claim) for claim in self._fresh(rows[n])]
            except UnfitError as error:
                self._report.skip(line, str(error))
                kind[n] = NO_LINK
            else:
                kind[n] = _KINDS[_cell(rows[n][self._kind])]
                source[n], target[n] = (
                    self._place_of(_picked(rows[n], end)) for end in (self._source, self._target)
                )
        linked = kind != NO_LINK
        if linked.any():
            links = LinkClaims(
                ids=self._ids, kind=kind, source=source, target=target, weight=weight, line=lines
            )[linked]
            yield int(links.line[0]), links

    def _known(self, end: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """Return the places of ends, as columns of kind, id or name, label and year."""
        kinds, told, *beside = end
        if len(set(kinds)) == 1 and not any(map(any, beside)):
            found = map(self._bare.get(kinds[0], {}).get, told, repeat(NEW))
        else:
            found = map(self._place_of, zip(*end, strict=True))
        return np.fromiter(found, np.int64, len(kinds))

    def _place_of(self, end: _End) -> int:
        kind, told, *beside = end
        if any(beside):
            return self._described.get(SEAM.join(end), NEW)
        return self._bare.get(kind, {}).get(told, NEW)

    def _fresh(self, row: Sequence[str]) -> list[NodeClaim]:
        """Return the ends that are new, which are said only if the row is fit as a whole."""
        kind, weight = _cell(row[self._kind]), _cell(row[self._weight])
        fresh: dict[_End, NodeClaim] = {}
        for places in (self._source, self._target) if kind else (self._source,):
            end = _picked(row, places)
            if self._place_of(end) == NEW and end not in fresh:
                fresh[end] = _node(*map(_cell, end))
        if kind and kind not in LINK_KINDS:
            raise UnfitError(f"there is no kind of link {kind!r}")
        if kind and weight and number(weight) is None:
            raise UnfitError(f"a weight is a finite number, not {weight!r}")
        for end, claim in fresh.items():
            self._know(end, claim.ids[0])
        return list(fresh.values())

    def _know(self, end: _End, name: str) -> None:
        place = self._places.setdefault(name, len(self._ids))
        if place == len(self._ids):
            self._ids.append(name)
        kind, told, *beside = end
        bare = self._bare.setdefault(kind, {})
        if not any(beside):
            bare[told] = place
            return
        self._described[SEAM.join(end)] = place
        if name.lower() == told.lower():  # the bare id says nothing more
            bare.setdefault(told, place)


def _picked(row: Sequence[str], places: Sequence[int]) -> _End:
    kind, told, label, year = places
    return row[kind], row[told], row[label], row[year]


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
