"""What all formats share: bounded reading, the report of an import, and which claims are fit."""

import gzip
import math
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import GraphError
from tutelage.graph.identity import kind_of, own_ids
from tutelage.graph.model import (
    LINK_CODES,
    LINK_KINDS,
    NODE_CODES,
    NODE_KINDS,
    Claim,
    Claims,
    LinkClaim,
    LinkClaims,
    NodeClaim,
)
from tutelage.graph.store import Place
from tutelage.graph.text import clean, safe_url

MOST_BYTES = 32 << 30  # of a file of lines, decompressed: a dozen parts of OpenAlex's snapshot
MOST_DOCUMENT = 512 << 20  # of a file that must be read whole
MOST_LINE = 32 << 20
MOST_RATIO = 200  # decompressed to compressed bytes: text of records has 5 to 20, a bomb 1,000
LOOK = 1 << 16  # bytes between two looks at how much it has become
_FREE = 64 << 20  # bytes that may come of any ratio
KEPT = 50
"""Skipped lines of which a report keeps the reason."""

TITLE = 1_000
NAME = 300
"""Characters of titles, and of names and other short texts."""


class UnfitError(ValueError):
    """A record that cannot be imported; the message says why."""


@dataclass(kw_only=True, slots=True)
class Report:
    """What an import gave: it fills while claims are taken."""

    format: str = ""
    nodes: int = 0
    links: int = 0
    skipped: int = 0  # lines, records or links that gave nothing
    derived: int = 0  # links of kinds that are computed, not imported
    problems: list[tuple[int, str]] = field(default_factory=list)  # line, reason; the first of them
    places: dict[str, Place] = field(default_factory=dict)  # where a file says that nodes stand

    def skip(self, line: int, reason: str) -> None:
        """Count what gave nothing."""
        self.skipped += 1
        self.note(line, reason)

    def note(self, line: int, reason: str) -> None:
        """Say what was odd about a line."""
        if len(self.problems) < KEPT:
            self.problems.append((line, clean(reason, NAME)))


class Stream:
    """The bytes of a file, decompressed if it is gzip, within limits.

    Raises:
        GraphError: from any reading method, if the file is broken or exceeds a limit.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
        """Open a file; `progress` hears how many of how many bytes of it are read."""
        self.path = path
        self._progress = progress
        try:
            self._raw = path.open("rb")
            self._size = path.stat().st_size
        except OSError as error:
            raise GraphError(f"{path} cannot be read: {error.strerror or error}.") from error
        packed = self._raw.read(2) == b"\x1f\x8b"
        self._raw.seek(0)
        self._file: gzip.GzipFile | BufferedReader = (
            gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        )
        self._count = 0
        self._looked = 0  # the count at which to look again
        self.line = 0

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress(self._raw.tell(), self._size)
        self._file.close()
        self._raw.close()

    def head(self, most: int = 1 << 16) -> str:
        """Return the beginning of the text, which stays to be read."""
        read = bytearray()
        try:
            while len(read) < most and (block := self._guarded(self._file.read1)):
                read += block
        except GraphError:
            if not read:
                raise  # else it will, at the line where it breaks off
        self._file.seek(0)
        return read[:most].decode(errors="replace").removeprefix("\ufeff")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield every line with its number, from 1."""
        read = partial(self._file.readline, MOST_LINE + 1)
        while line := self._guarded(read):
            self.line += 1
            if len(line) > MOST_LINE:
                raise GraphError(f"{self._where()} is longer than {MOST_LINE >> 20} MiB.")
            self._counted(len(line), MOST_BYTES)
            yield self.line, line.removeprefix(b"\xef\xbb\xbf") if self.line == 1 else line

    def portions(self, size: int) -> Iterator[bytes]:
        """Yield whole lines, about so many bytes of them; `line` is the last one's number."""
        rest = b""
        while block := self._guarded(lambda: self._file.read1(size)):
            self._counted(len(block), MOST_BYTES)
            whole, newline, begun = block.rpartition(b"\n")
            if newline:
                block, rest = rest + whole + newline, begun
                if self.line == 0:
                    block = block.removeprefix(b"\xef\xbb\xbf")
                self.line += block.count(b"\n")
                yield block
            else:
                rest += block
            if len(rest) > MOST_LINE:
                raise GraphError(f"{self._where(1)} is longer than {MOST_LINE >> 20} MiB.")
        if rest:
            self.line += 1
            yield rest

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes of a document."""
        while block := self._guarded(lambda: self._file.read(1 << 20)):
            self._counted(len(block), MOST_DOCUMENT)
            yield block
            self.line += block.count(b"\n")

    def text(self, report: Report) -> str:
        """Return all of it, the report told where bytes are no UTF-8 and stand as U+FFFD."""
        read = b"".join(self.blocks()).removeprefix(b"\xef\xbb\xbf")
        try:
            return read.decode()
        except UnicodeDecodeError as error:
            line = read.count(b"\n", 0, error.start) + 1
            report.note(line, "there is a byte that is no UTF-8, read as U+FFFD")
            return read.decode(errors="replace")

    def _guarded(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise GraphError(
                f"{self._where(1)} is where the file breaks off: its gzip is cut short or damaged. "
                f"Fetch it again."
            ) from error
        except OSError as error:
            raise GraphError(f"{self.path} cannot be read: {error.strerror or error}.") from error

    def _counted(self, count: int, most: int) -> None:
        self._count += count
        if self._count < self._looked:
            return
        self._looked = self._count + LOOK
        if self._count > most:
            raise GraphError(
                f"{self._where()} passes the {most / 2**30:g} GiB that one file may hold. Split it."
            )
        read = self._raw.tell()
        if self._count > max(_FREE, MOST_RATIO * read):
            raise GraphError(
                f"{self._where()} is where {read:,} bytes of gzip have become {self._count:,}: "
                f"that is no text but a trap. It was not imported."
            )
        if self._progress:
            self._progress(read, self._size)

    def _where(self, ahead: int = 0) -> str:
        return f"line {self.line + ahead:,} of {self.path}"


# ------------------------------------------------------------------ values out of records
def items(value: object) -> list[Any]:
    """Return a list as it is, and no other value."""
    return value if isinstance(value, list) else []


def records(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [each for each in items(value) if isinstance(each, dict)]


def record(value: object) -> dict[str, Any]:
    """Return an object as it is, and for any other value an empty one."""
    return value if isinstance(value, dict) else {}


def whole(value: object) -> int | None:
    """Return a count: an integer, or text of one, that is not negative."""
    if isinstance(value, str):
        digits = value.strip()  # of more than `int` takes for blank
        value = int(digits) if digits.isdecimal() and len(digits) < 19 else None
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def number(value: object) -> float | None:
    """Return a finite number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if type(value) not in (int, float) or abs(value) > 1e300:  # type: ignore[arg-type]
        return None
    return float(value) if math.isfinite(value) else None  # type: ignore[arg-type]


def year(value: object) -> int | None:
    """Return a year that print or the near future can bear, with whatever follows it dropped."""
    found = whole(value[:4] if isinstance(value, str) else value)
    return found if found is not None and 1400 <= found <= 2100 else None


_COUNTS = frozenset(
    [
        "authors",
        "cited_by",
        "classes",
        "epochs",
        "epochs_done",
        "parameters",
        "position",
        "seed",
        "works_count",
    ]
)


def facts(told: Mapping[str, object]) -> dict[str, object]:
    """Return the facts of a file of our own that are what facts can be; others are left out."""
    found = {clean(name, NAME): _fact(name, value) for name, value in told.items()}
    return {name: value for name, value in found.items() if name and value is not None}


def _fact(name: str, value: object) -> object:
    if name in _COUNTS:
        return whole(value)
    if name == "url":
        return safe_url(value) or None
    if name in ("names", "ids"):
        return [clean(each, NAME) for each in items(value) if isinstance(each, str)] or None
    if name == "retracted":
        return value is True or None
    if isinstance(value, str):
        return clean(value)
    return value if isinstance(value, bool) else number(value) if value != whole(value) else value


# ------------------------------------------------------------------ which claims are fit
def attempted(line: int, read: Callable[[], Iterable[Claim]], report: Report) -> list[Claim]:
    """Return the claims of a record, or none and have the report say why it cannot be imported."""
    try:
        return list(read())
    except UnfitError as error:
        report.skip(line, str(error))
    except RecursionError:
        report.skip(line, "the record is nested too deeply")
    return []


def settle(found: Iterable[tuple[int, Claims]], report: Report) -> Iterator[Claims]:
    """Yield the claims that are fit to keep, nodes before the links that end in them.

    A work that is only cited becomes a stub, whose label is its id. Left out and counted are links
    of derived kinds; with lines and reasons those whose ends nobody claims, that end where they
    begin, whose weight is no positive number, or whose ends are of other kinds than the link
    joins. A claim said twice in the same words counts once.
    """
    settling = _Settling(report)
    for line, claim in found:
        if isinstance(claim, NodeClaim):
            yield from settling.node(line, claim)
        elif isinstance(claim, LinkClaim):
            yield from settling.link(line, claim)
        else:
            yield from settling.links(claim)
    yield from settling.held()


def _end_codes(end: str) -> NDArray[np.int8]:
    """Return the code of the kind of node at an end of each kind of link that can be imported."""
    kinds = [LINK_KINDS[name] for name in LINK_CODES]
    codes = [-2 if kind.derived else NODE_CODES.index(getattr(kind, end)) for kind in kinds]
    return np.array(codes, np.int8)


SOURCE_CODES, TARGET_CODES = _end_codes("source"), _end_codes("target")


class _Settling:
    """What is known while claims are settled."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._kinds: dict[str, str] = {}  # of ids
        self._said: set[int] = set()
        self._held: list[tuple[int, LinkClaim]] = []  # whose ends may come yet
        self._ids: Sequence[str] = ()
        self._codes = array("b")  # of the kinds of `_ids`, as far as they were looked at

    def node(self, line: int, claim: NodeClaim) -> Iterator[Claims]:
        mark = hash(
            repr(claim) if claim.facts else (claim.kind, claim.ids, claim.label, claim.year)
        )
        if mark in self._said:
            return
        self._said.add(mark)
        kinds, ids = self._kinds, own_ids(claim)
        known = [kinds.get(name, "") for name in ids]
        for name, kind in zip(ids, known, strict=True):
            if (kind := kind or kind_of(name)) not in ("", claim.kind):
                self._report.skip(line, f"{name} names a {kind}, and cannot be a {claim.kind}")
                return
        self._report.nodes += not any(known)
        for name in ids:
            kinds[name] = claim.kind
        yield claim

    def link(self, line: int, claim: LinkClaim) -> Iterator[Claims]:
        absent = [end for end in (claim.source, claim.target) if end not in self._kinds]
        if absent and claim.kind != "cites":
            self._held.append((line, claim))
            return
        for end in absent:
            yield from self.node(line, NodeClaim(kind="work", ids=(end,), label=end))
        if self._fits(line, claim):
            yield claim

    def links(self, claims: LinkClaims) -> Iterator[Claims]:
        """Yield those that are fit at a glance together, and look at the others one by one."""
        source, target = self._kind_of(claims, claims.source), self._kind_of(claims, claims.target)
        fine = (
            (source == SOURCE_CODES[claims.kind])
            & (target == TARGET_CODES[claims.kind])
            & (claims.source != claims.target)
            & (claims.weight > 0)
            & np.isfinite(claims.weight)
        )
        if count := int(fine.sum()):
            self._report.links += count
            yield claims if count == len(claims) else claims[fine]
        for line, claim in claims[~fine].singly():
            yield from self.link(line, claim)

    def held(self) -> Iterator[Claims]:
        yield from (claim for line, claim in self._held if self._fits(line, claim))

    def _kind_of(self, claims: LinkClaims, ends: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the codes of the kinds of ends, -1 where no node is known."""
        if claims.ids is not self._ids:
            self._ids, self._codes = claims.ids, array("b")
        self._codes.extend(map(self._code, claims.ids[len(self._codes) :]))
        found = np.frombuffer(self._codes, np.int8)[ends]
        if (found < 0).any():  # known by now?
            for end in np.unique(ends[found < 0]).tolist():
                self._codes[end] = self._code(claims.ids[end])
            found = np.frombuffer(self._codes, np.int8)[ends]
        return found

    def _code(self, name: str) -> int:
        kind = self._kinds.get(name)
        return -1 if kind is None else NODE_CODES.index(kind)

    def _fits(self, line: int, claim: LinkClaim) -> bool:
        """Count a link, and say whether it is to be kept."""
        if reason := _unfit(claim, self._kinds):
            if claim.kind in LINK_KINDS and LINK_KINDS[claim.kind].derived:
                self._report.derived += 1
            else:
                self._report.skip(line, reason)
            return False
        self._report.links += 1
        return True


def _unfit(claim: LinkClaim, kinds: dict[str, str]) -> str:
    kind = LINK_KINDS.get(claim.kind)
    if kind is None:
        return f"there is no kind of link {claim.kind!r}"
    if kind.derived:
        return f"links {claim.kind} are computed"
    for end, wanted in ((claim.source, kind.source), (claim.target, kind.target)):
        if end not in kinds:
            return f"the link {claim.kind} ends in {end}, which is nowhere in the file"
        if kinds[end] != wanted:
            return f"the link {claim.kind} wants a {wanted}, and {end} is a {kinds[end]}"
    if claim.source == claim.target:
        return f"the link {claim.kind} ends where it begins, in {claim.source}"
    if not (claim.weight > 0 and math.isfinite(claim.weight)):
        return f"the link {claim.kind} wants a positive weight, got {claim.weight}"
    return ""


def node_kind(value: object) -> str:
    """Return the name of a kind of node.

    Raises:
        UnfitError: it is none.
    """
    if isinstance(value, str) and value in NODE_KINDS:
        return value
    raise UnfitError(f"the kind of a node is one of {', '.join(NODE_KINDS)}, not {value!r}")
