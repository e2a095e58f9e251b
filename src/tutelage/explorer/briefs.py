"""A node in a line or two: how lists, searches and paths tell it."""

from dataclasses import dataclass
from typing import Any

from tutelage.graph.model import NODE_KINDS, Node


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeBrief:
    """A node in a list; `sub` is the line beneath its name."""

    key: str
    kind: str
    label: str
    sub: str
    year: int | None


def told(node: Node) -> dict[str, Any]:
    """Return the fields of `NodeBrief`, for the dataclasses that add to them."""
    return {
        "key": node.key,
        "kind": node.kind,
        "label": node.label,
        "sub": sub(node),
        "year": node.year,
    }


def brief(node: Node) -> NodeBrief:
    """Return a node as lists tell it."""
    return NodeBrief(**told(node))


def sub(node: Node) -> str:
    """Return the line beneath a node's name, such as "preprint / 2022" or "22,915 works"."""
    facts = node.facts
    kind = NODE_KINDS[node.kind].singular
    if node.kind == "topic" and isinstance(count := facts.get("works_count"), int):
        return f"{count:,} works"
    if node.kind == "work":
        return " / ".join(str(part) for part in (facts.get("type"), node.year) if part) or kind
    if node.kind == "run":
        told = [str(facts["method"]).upper()] if facts.get("method") else []
        return ", ".join([*told, *_accuracy(node)]) or kind
    if node.kind == "model":
        return ", ".join([kind, *_accuracy(node)])
    return kind


def _accuracy(node: Node) -> list[str]:
    accuracy = node.facts.get("accuracy")
    return [f"{accuracy:.1%}"] if isinstance(accuracy, float) else []
