"""GraphML as `tutelage.graph.export` writes it, also after another program has rewritten it."""

from collections.abc import Iterator, Mapping
from typing import Any

from tutelage.graph.sources._reading import Stream
from tutelage.graph.sources._xml import Element, elements, unfolded


def matches(head: str) -> bool:
    """Say whether the root is GraphML's."""
    return head.lstrip().startswith("<") and "<graphml" in head


def entries(stream: Stream) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the nodes and links of a file as records of `exported`, with their lines."""
    names: dict[str, str] = {}  # of attributes, by the keys that stand for them

    def ended(element: Element, around: list[Element]) -> Mapping[str, Any] | None:
        told, record = element.attributes, element.record
        match element.name:
            case "key":
                names[told.get("id", "")] = told.get("attr.name", "")
            case "data" if around:
                around[-1].record[names.get(told.get("key", ""), "")] = "".join(element.text)
            case "node":
                return unfolded(record, key=told.get("id"))
            case "edge":
                return unfolded(record, source=told.get("source"), target=told.get("target"))
        return None

    return elements(stream, ended)
