"""What a view of the graph shows, as the query string that stands in the page's address."""

from dataclasses import dataclass, fields
from typing import Literal, get_args
from urllib.parse import urlencode

from tutelage.errors import GraphError, did_you_mean
from tutelage.graph.model import LINK_KINDS, NODE_KINDS, Layout

PAGE = 50
"""Neighbours that one opening of a node shows."""

MOST = 2_000
"""Nodes that a view can show; what is larger is a map."""

Which = Literal["full", "overview"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A view: where it begins, how far it goes, what it leaves out, how it lies.

    It begins at `at`, or without that at everything of the origin `within`, or without that at the
    most important nodes of all. Each time a node stands in `open`, the next `PAGE` of its
    neighbours of each kind are shown; `fold` takes away those that hang on that node alone. `hide`
    names kinds of nodes and of links. Years bound works and runs; `topic` and `method` are keys,
    and keep the works that bear the topic, the runs that use the method; `accuracy` is the least
    of a run or a model, a fraction.
    """

    at: tuple[str, ...] = ()
    within: str = ""
    depth: int = 1
    open: tuple[str, ...] = ()
    fold: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    topic: str = ""
    method: str = ""
    accuracy: float | None = None
    layout: Layout = "force"
    links: Which = "full"
    limit: int = 200

    def __post_init__(self) -> None:
        """Demand what the page could have asked for."""
        kinds = [*NODE_KINDS, *LINK_KINDS]
        for kind in self.hide:
            if kind not in kinds:
                raise GraphError(
                    f"hide wants kinds of nodes or links, got {kind!r}.{did_you_mean(kind, kinds)}"
                )
        _demand("layout", self.layout, get_args(Layout))
        _demand("links", self.links, get_args(Which))
        if not 1 <= self.depth <= 3:
            raise GraphError(f"depth wants 1 to 3, got {self.depth}.")
        if not 1 <= self.limit <= MOST:
            raise GraphError(f"limit wants 1 to {MOST} nodes, got {self.limit}.")
        if self.accuracy is not None and not 0 <= self.accuracy <= 1:
            raise GraphError(f"accuracy wants a fraction from 0 to 1, got {self.accuracy}.")
        if len(self.at) > MOST or len(self.open) > MOST or len(self.fold) > MOST:
            raise GraphError(f"at, open and fold want at most {MOST} keys each.")

    @classmethod
    def parse(cls, pairs: list[tuple[str, str]]) -> "Query":
        """Read the pairs of a query string.

        Raises:
            GraphError: a name that no view has, or a value that does not fit.
        """
        several: dict[str, list[str]] = {"at": [], "open": [], "fold": [], "hide": []}
        single: dict[str, object] = {}
        known = [field.name for field in fields(cls)]
        for name, value in pairs:
            if name not in known:
                raise GraphError(f"a view has no {name!r}.{did_you_mean(name, known)}")
            if name in several:
                several[name].append(value)
            elif name in ("depth", "since", "until", "limit"):
                single[name] = _number(name, value, int)
            elif name == "accuracy":
                single[name] = _number(name, value, float)
            else:
                single[name] = value
        return cls(**{name: tuple(keys) for name, keys in several.items()}, **single)  # type: ignore[arg-type]

    @property
    def text(self) -> str:
        """The query string, without what is as usual."""
        return urlencode(
            [
                (field.name, str(value))
                for field in fields(self)
                if (values := getattr(self, field.name)) != field.default
                for value in (values if isinstance(values, tuple) else (values,))
            ]
        )

    @property
    def scene(self) -> str:
        """What decides where nodes stand: filters and openings move nothing."""
        where = [("at", key) for key in sorted(self.at)] + [("within", self.within)]
        return urlencode([*where, ("layout", self.layout)])


def _demand(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise GraphError(
            f"{name} wants one of {', '.join(choices)}, got {value!r}."
            f"{did_you_mean(value, choices)}"
        )


def _number(name: str, value: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(value)
    except ValueError:
        raise GraphError(f"{name} wants a number, got {value!r}.") from None
