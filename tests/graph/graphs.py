"""Graphs to try things on."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import LINK_CODES, Links


def links_of(
    pairs: Iterable[tuple[int, int]] | NDArray[np.int64],
    kinds: str | Sequence[str] = "cites",
    weights: Sequence[float] | None = None,
) -> Links:
    """Return links of one kind, or each of its own."""
    ends = np.asarray(list(pairs), dtype=np.int64).reshape(-1, 2)
    named = [kinds] * len(ends) if isinstance(kinds, str) else kinds
    return Links(
        source=ends[:, 0].copy(),
        kind=np.array([LINK_CODES.index(kind) for kind in named], dtype=np.int64),
        target=ends[:, 1].copy(),
        weight=np.ones(len(ends)) if weights is None else np.asarray(weights, dtype=np.float64),
        count=np.zeros(len(ends), dtype=np.int64),
        strength=np.zeros(len(ends)),
    )


def planted(
    count: int, groups: int, *, degree: int, mixed: float, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return distinct pairs ``[links, 2]`` and each node's group ``[count]``.

    Of the pairs a part `mixed` has its second node drawn from all nodes, the rest from the group.
    """
    random, tried = np.random.default_rng(seed), count * degree // 2
    group = np.sort(random.integers(0, groups, count))
    first, size = np.searchsorted(group, np.arange(groups)), np.bincount(group, minlength=groups)
    source = random.integers(0, count, tried)
    own = group[source]
    inside = first[own] + (random.random(tried) * size[own]).astype(np.int64)
    target = np.where(random.random(tried) < mixed, random.integers(0, count, tried), inside)
    pairs = np.sort(np.stack([source, target], axis=1)[source != target], axis=1)
    return np.unique(pairs, axis=0), group


REFERENCE_KEYS = ["W", "A1", "A2", "A3", "A4", "A5", "T1", "T2"]
REFERENCE_KINDS = ["work", *["person"] * 5, *["topic"] * 2]


def reference() -> Links:
    """Return the 19 links of one paper, its five authors and two topics; one author has a field."""
    people = range(1, 6)
    together = [(one, other) for one in people for other in people if one < other]
    pairs = [*((one, 0) for one in people), *together, (0, 6), (0, 7), (1, 6), (6, 7)]
    kinds = ["authorship"] * 5 + ["co_authorship"] * 10 + ["topic_signal"] * 2
    weights = [1.0] * 5 + [0.25] * 10 + [1.0] * 4
    return links_of(pairs, [*kinds, "works_on", "related_context"], weights)
