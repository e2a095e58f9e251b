"""Records out of JSON: a line each, or in the lists of a document, with their line numbers."""

import json
from collections.abc import Collection, Iterator
from itertools import chain
from json.decoder import JSONDecoder
from typing import Any

from tutelage.errors import GraphError
from tutelage.graph.sources._reading import MOST_LINE, Report, Stream

_LISTS = ("results", "items", "data", "nodes", "links")  # where answers and exports keep records
_ENVELOPES = ("message",)
_SPACE = " \t\r\n"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number that JSON has")


_DECODER = JSONDecoder(parse_constant=_no_constant)


def entries(stream: Stream, report: Report) -> Iterator[tuple[int, Any]]:
    """Yield what a file of JSON holds: the elements of its lists, or else its lines or itself.

    Raises:
        GraphError: a document is broken off or no JSON; a broken line is only reported.
    """
    head = stream.head(1 << 20)
    if "\n" not in head.lstrip():
        head = stream.head(MOST_LINE)  # a record can be that long
    if _is_lines(head):
        yield from _of_lines(stream, report)
    else:
        yield from _Document(stream, report).entries()


def _is_lines(head: str) -> bool:
    """Say whether each line is a record of its own, from the beginning of a file."""
    first, _, rest = head.lstrip().partition("\n")
    if first.startswith("["):
        return False
    if _parses(first):
        return True
    # A first line that is broken may stand before good ones; a document goes on in its second.
    return not first.rstrip().endswith(("{", "[", ",")) and _parses(
        rest.lstrip().partition("\n")[0]
    )


def _parses(line: str) -> bool:
    try:
        return isinstance(_DECODER.decode(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_lines(stream: Stream, report: Report) -> Iterator[tuple[int, Any]]:
    for number, line in stream.lines():
        if line.strip():
            try:
                found = _unwrapped(_DECODER.decode(line.decode().strip()))
            except UnicodeDecodeError:
                report.skip(number, "the line is no UTF-8")
            except RecursionError:
                report.skip(number, "the line is nested too deeply")
            except ValueError as error:
                report.skip(number, f"the line is no JSON: {error}")
            else:
                yield from ((number, each) for each in found)


def _unwrapped(value: Any) -> list[Any]:
    """Return the records of an answer that holds lists, or else the value itself."""
    if isinstance(value, dict):
        for name in _ENVELOPES:
            if isinstance(value.get(name), dict):
                value = value[name]
        lists = [value[name] for name in _LISTS if isinstance(value.get(name), list)]
        if lists:
            return list(chain.from_iterable(lists))
    return [value]


class _Document:
    """One value over many lines, whose lists of records are read element by element."""

    def __init__(self, stream: Stream, report: Report) -> None:
        self._path = stream.path
        self._text = stream.text(report)
        self._place = 0
        self._line = 1
        self._counted = 0

    def entries(self) -> Iterator[tuple[int, Any]]:
        self._skip()
        while self._peek():
            yield from self._list() if self._peek() == "[" else self._object(_ENVELOPES)

    def _object(self, envelopes: Collection[str]) -> Iterator[tuple[int, Any]]:
        """Read an object: what its lists hold or, if it has none that we know, itself."""
        begin, line, listed = self._place, self._number(), False
        self._take("{")
        while self._peek() != "}":
            name = self._value()
            self._take(":")
            if name in _LISTS and self._peek() == "[":
                listed = True
                yield from self._list()
            elif name in envelopes and self._peek() == "{":
                listed = True
                yield from self._object(())
            else:
                self._value()
            if self._peek() != "}":
                self._take(",")
        self._take("}")
        if not listed:
            self._place = begin
            yield line, self._value()

    def _list(self) -> Iterator[tuple[int, Any]]:
        self._take("[")
        while self._peek() != "]":
            line = self._number()
            yield line, self._value()
            if self._peek() != "]":
                self._take(",")
        self._take("]")

    def _value(self) -> Any:
        try:
            value, self._place = _DECODER.raw_decode(self._text, self._place)
        except RecursionError:
            raise self._broken("it is nested too deeply") from None
        except ValueError as error:
            self._place = getattr(error, "pos", self._place)
            raise self._broken(str(error).partition(": line")[0]) from None
        self._skip()
        return value

    def _take(self, letter: str) -> None:
        if self._peek() != letter:
            raise self._broken(f"{letter!r} is wanted")
        self._place += 1
        self._skip()

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _skip(self) -> None:
        while self._peek() and self._peek() in _SPACE:
            self._place += 1

    def _number(self) -> int:
        self._line += self._text.count("\n", self._counted, self._place)
        self._counted = self._place
        return self._line

    def _broken(self, reason: str) -> GraphError:
        got = self._text[self._place : self._place + 20]
        come = json.dumps(got) if got else "the end of the file"
        return GraphError(
            f"line {self._number():,} of {self._path} is no JSON: {reason}, there is {come}. "
            f"It was not imported."
        )
