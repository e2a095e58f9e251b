"""XML read as a stream of elements with their lines, no DTD and no entity allowed."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from tutelage.errors import GraphError
from tutelage.graph.sources._reading import Stream

Attributes = dict[str, str]
_DEEPEST = 64


class Element:
    """An element that is open: its name without prefix, attributes, text and line."""

    __slots__ = ("attributes", "line", "name", "record", "text")

    def __init__(self, name: str, attributes: Attributes, line: int) -> None:
        """Begin with no text and an empty record, which those inside may fill."""
        self.name = name
        self.attributes = attributes
        self.line = line
        self.text: list[str] = []
        self.record: dict[str, str] = {}


class _Handler(ContentHandler):
    def __init__(self, ended: Callable[[Element, list[Element]], None], place: Any) -> None:
        super().__init__()
        self._ended = ended
        self._place = place
        self._open: list[Element] = []

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802
        if len(self._open) >= _DEEPEST:
            raise SAXParseException("elements are nested too deeply", None, self._place)
        line = self._place.getLineNumber()
        self._open.append(Element(name.rpartition(":")[2], dict(attrs.items()), line))

    def characters(self, content: str) -> None:
        self._open[-1].text.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802
        self._ended(self._open.pop(), self._open)


Ended = Callable[[Element, list[Element]], Mapping[str, Any] | None]


def elements(stream: Stream, ended: Ended) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield what `ended` makes of elements as they end, given those that are open round them.

    Raises:
        GraphError: it is no XML, or has a DTD or entities.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.sax import make_parser

    parser = make_parser()
    parser.forbid_dtd = True
    ready: deque[tuple[int, Mapping[str, Any]]] = deque()

    def collect(element: Element, around: list[Element]) -> None:
        if found := ended(element, around):
            ready.append((element.line, found))

    parser.setContentHandler(_Handler(collect, parser))
    try:
        for block in stream.blocks():
            parser.feed(block)
            while ready:
                yield ready.popleft()
        parser.close()
    except DefusedXmlException as error:
        raise GraphError(
            f"{stream.path} declares a document type or entities, which no export needs and which "
            f"can be a trap ({type(error).__name__}). It was not imported."
        ) from None
    except SAXParseException as error:
        raise GraphError(
            f"line {error.getLineNumber():,} of {stream.path} is no XML: {error.getMessage()}. "
            f"It was not imported."
        ) from None
    except (LookupError, ValueError) as error:  # of the declared encoding
        raise GraphError(
            f"line 1 of {stream.path} declares an encoding that cannot be read ({error}). "
            f"Save it as UTF-8."
        ) from None
    yield from ready


FACT = "fact."
"""What the names of attributes that are facts begin with; their values are JSON, or else text."""


def unfolded(flat: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Return a record of `exported` from attributes side by side, its facts as one object."""
    facts = {name[len(FACT) :]: value for name, value in flat.items() if name.startswith(FACT)}
    others = {name: value for name, value in flat.items() if not name.startswith(FACT)}
    return {**others, **more, "facts": {name: _read(value) for name, value in facts.items()}}


def _read(text: str) -> Any:
    if text in ("True", "False"):  # as networkx writes them
        return text == "True"
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
