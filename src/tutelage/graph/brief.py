"""A node in two lines: what it is called, and what stands beneath."""

from dataclasses import dataclass

from tutelage.graph.model import NODE_KINDS, Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """What lists and pictures show of a node; `sub` is the line beneath its name."""

    key: str
    kind: str
    label: str
    sub: str
    year: int | None


def brief(node: Node) -> Brief:
    """Return a node in two lines."""
    return Brief(key=node.key, kind=node.kind, label=node.label, sub=_sub(node), year=node.year)


def _sub(node: Node) -> str:
    facts = node.facts
    if node.kind == "work":
        told = [str(facts.get("type") or NODE_KINDS["work"].singular), str(node.year or "")]
        return " / ".join(part for part in told if part)
    if node.kind == "topic" and "works_count" in facts:
        count = facts["works_count"]
        return f"{count} work" if count == 1 else f"{count} works"
    if node.kind == "method" and "kind" in facts:
        return f"Method, {facts['kind']}"
    if node.kind == "data" and "classes" in facts:
        return f"{facts['classes']} classes"
    if node.kind == "run":
        return ", ".join(part for part in (str(facts.get("method", "Run")), _stand(node)) if part)
    if node.kind == "model":
        return ", ".join(part for part in ("Model", _stand(node)) if part)
    return NODE_KINDS[node.kind].singular


def _stand(node: Node) -> str:
    """Return how far a run came, or how good a model is."""
    facts = node.facts
    if facts.get("state") == "unfinished":
        return f"epoch {facts.get('epochs_done', 0)} of {facts.get('epochs', '?')}"
    accuracy = facts.get("accuracy")
    return f"{accuracy:.2%}" if isinstance(accuracy, float) else ""
