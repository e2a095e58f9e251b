"""GEXF as `tutelage.graph.export` writes it, also after Gephi has saved it."""

from collections.abc import Iterator, Mapping
from typing import Any

from tutelage.graph.sources._reading import Stream
from tutelage.graph.sources._xml import Element, elements, unfolded


def matches(head: str) -> bool:
    """Say whether the root is GEXF's."""
    return head.lstrip().startswith("<") and "<gexf" in head


def entries(stream: Stream) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the nodes and links of a file as records of `exported`, with their lines."""
    titles: dict[
        tuple[str, str], str
    ] = {}  # of attributes, by the class and id that stand for them

    def ended(element: Element, around: list[Element]) -> Mapping[str, Any] | None:
        told, record = element.attributes, element.record
        match element.name:
            case "attribute" if around:
                key = (around[-1].attributes.get("class", ""), told.get("id", ""))
                titles[key] = told.get("title", "")
            case "attvalue" if len(around) > 1:
                holder = around[-2]
                title = titles.get((holder.name, told.get("for", "")), "")
                holder.record[title] = told.get("value", "")
            case "position" if around:
                around[-1].record |= {axis: told[axis] for axis in "xy" if axis in told}
            case "node":
                return unfolded(record, key=told.get("id"), label=told.get("label"))
            case "edge":
                ends = {name: told[name] for name in ("source", "target", "weight") if name in told}
                return unfolded(record, **ends)
        return None

    return elements(stream, ended)
