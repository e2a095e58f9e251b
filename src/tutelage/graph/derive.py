"""Derived links: what follows from the asserted ones, for the whole graph at a time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tutelage.graph.model import LINK_CODES, Links

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Numbers = NDArray[np.int64]

MOST_AUTHORS = 25  # of a paper whose authors count as having worked together
MOST_TOPICS = 25  # of a paper that says anything about its topics
BEARS = 0.3  # least score with which a paper bears a topic
SMALL = 1_000  # papers below which one that bears two topics is enough
LEAST_SHARED = 5  # papers that must bear two topics otherwise
STRONGEST = 3  # topics that a topic can be related to


def derive(links: Links, topics: Sequence[int] = ()) -> Links:
    """Return co-authorship, works on, related context and taught, as asserted links have them.

    `links` holds each pair of ends once for a kind; derived kinds in it are passed over, but for
    ``works_on``: a researcher's field that a source states stays, and is not derived again. The
    ends of a kind without direction come the smaller number first. Links are sorted by kind and
    ends, and do not depend on the order of `links`. `topics` are the numbers of topics in the order
    of their keys: of topics that are related equally strongly to one, the first come first.

    ================  ==============================  ==========================  ================
    kind              weight                          count                       strength
    ================  ==============================  ==========================  ================
    co_authorship     sum of 1 / (authors - 1)        papers together             0
    works_on          share of the topic signal       papers that bear the topic  share
    related_context   association strength            papers that bear both       the same
    taught            runs                            runs                        0
    ================  ==============================  ==========================  ================

    The association strength is ``c_tu * N / (c_t * c_u)`` (van Eck and Waltman, 2009), with N the
    papers whose topics are known: how many times as often as chance. What a run taught its student
    lies in the run, see `tutelage.graph.reasons`.
    """
    return _joined(
        [_co_authorship(links), _works_on(links), _related(links, topics), _taught(links)]
    )


def _co_authorship(links: Links) -> Links:
    people, works, _ = _of(links, "authorship")
    names, authors = _numbered(people)
    order = np.argsort(works, kind="stable")
    authors, works = authors[order], works[order]
    starts = np.flatnonzero(np.diff(works, prepend=np.int64(-1)))
    sizes = np.diff(starts, append=len(works))
    # A pair and the size of its paper are one number, so that sorting numbers groups the pairs.
    room = np.int64(MOST_AUTHORS + 1)
    pairs = []
    for size in range(2, MOST_AUTHORS + 1):
        listed = authors[starts[sizes == size][:, None] + np.arange(size)]  # [papers, size]
        first, second = np.triu_indices(size, 1)
        one, other = listed[:, first], listed[:, second]
        pair = np.minimum(one, other) * len(names) + np.maximum(one, other)
        pairs.append((pair * room + size).ravel())
    codes = np.sort(np.concatenate(pairs))
    pair, weight = codes // room, 1 / (codes % room - 1)
    begins = np.flatnonzero(np.diff(pair, prepend=np.int64(-1)))
    one, other = np.divmod(pair[begins], max(len(names), 1))
    return _links(
        "co_authorship",
        names[one],
        names[other],
        weight=np.add.reduceat(weight, begins) if len(begins) else weight,
        count=np.diff(begins, append=len(pair)),
    )


def _works_on(links: Links) -> Links:
    from scipy.sparse import csr_array

    people, written, _ = _of(links, "authorship")
    works, topics, scores = _topic_signal(links)
    names, author = _numbered(people)
    subjects, topic = _numbered(topics)
    papers, paper = _numbered(np.concatenate([written, works]))
    written, works = paper[: len(written)], paper[len(written) :]
    wrote = csr_array((np.ones(len(author)), (author, written)), (len(names), len(papers)))
    # One product gives both sums: that of the scores, and beside it how many papers bear the topic.
    bears = scores >= BEARS
    told = csr_array((scores + 1j * bears, (works, topic)), (len(papers), len(subjects)))
    table = wrote @ told
    table.sort_indices()
    signal = table.tocoo()
    rows, columns = signal.coords
    share, support = signal.data.real, signal.data.imag.round().astype(np.int64)
    total = np.bincount(rows, share, len(names))
    # Rounded, since a sum of scores differs in its last digit by the order of its parts.
    share = np.round(share / np.maximum(total[rows], np.finfo(float).tiny), 9)
    # The topic that has most, of two that halve all the one that more papers bear, or both of them:
    # whatever else told them apart would hang on papers of others.
    most = np.zeros((2, len(names)))
    np.maximum.at(most[0], rows, share)
    np.maximum.at(most[1], rows, np.where(share == most[0, rows], support, 0))
    tells = (share >= 0.5) & (share == most[0, rows])
    best = np.flatnonzero(tells & (support >= 2) & (support == most[1, rows]))
    one, other = names[rows[best]], subjects[columns[best]]
    best = best[~_among(one, other, *_of(links, "works_on")[:2])]
    return _links(
        "works_on",
        names[rows[best]],
        subjects[columns[best]],
        weight=share[best],
        count=support[best],
        strength=share[best],
    )


def _related(links: Links, in_order: Sequence[int]) -> Links:
    from scipy.sparse import csr_array, triu

    works, topics, scores = _topic_signal(links)
    works, topics = works[scores >= BEARS], topics[scores >= BEARS]
    papers, paper = _numbered(works)
    subjects, topic = _numbered(topics)
    shape = len(papers), len(subjects)
    bears = csr_array((np.ones(len(paper)), (paper, topic)), shape)
    one, other, shared = _entries(triu(bears.T @ bears, 1, format="csr"))
    of_topic = np.bincount(topic, minlength=len(subjects))
    strength = shared * len(papers) / (of_topic[one] * of_topic[other])
    keep = (shared >= (1 if len(papers) < SMALL else LEAST_SHARED)) & (strength >= 1)
    one, other, strength, count = one[keep], other[keep], strength[keep], shared[keep]
    # A pair stands among the three strongest of both.
    here, there = np.concatenate([one, other]), np.concatenate([other, one])
    place = np.tile(np.arange(len(one)), 2)
    places = {number: place for place, number in enumerate(in_order)}
    known = np.array([places.get(number, len(places)) for number in subjects.tolist()])
    order = np.lexsort([there, known[there], -count[place], -strength[place], here])
    ends = here[order]
    firsts = np.flatnonzero(np.diff(ends, prepend=np.int64(-1)))
    rank = np.arange(len(ends)) - np.repeat(firsts, np.diff(firsts, append=len(ends)))
    keep = np.bincount(place[order][rank < STRONGEST], minlength=len(one)) == 2
    return _links(
        "related_context",
        subjects[one[keep]],
        subjects[other[keep]],
        weight=strength[keep],
        count=count[keep],
        strength=strength[keep],
    )


def _taught(links: Links) -> Links:
    from scipy.sparse import csr_array

    teachers, taught, _ = _of(links, "teaches")
    runs, students, _ = _of(links, "produces")
    models, model = _numbered(np.concatenate([teachers, students]))
    made, run = _numbered(np.concatenate([taught, runs]))
    teacher, student = model[: len(teachers)], model[len(teachers) :]
    into, out = run[: len(taught)], run[len(taught) :]
    teaches = csr_array((np.ones(len(into)), (teacher, into)), (len(models), len(made)))
    produces = csr_array((np.ones(len(out)), (out, student)), (len(made), len(models)))
    one, other, count = _entries(teaches @ produces)
    differ = one != other  # a run may give back what it was taught by
    one, other, count = one[differ], other[differ], count[differ]
    return _links("taught", models[one], models[other], weight=count, count=count)


def _of(links: Links, kind: str) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
    """Return sources, targets and weights of a kind."""
    there = links.kind == LINK_CODES.index(kind)
    return links.source[there], links.target[there], links.weight[there]


def _topic_signal(links: Links) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
    """Return papers, topics and scores, of papers that do not name topics by the dozen."""
    works, topics, scores = _of(links, "topic_signal")
    papers, paper = _numbered(works)
    few = np.bincount(paper, minlength=len(papers))[paper] <= MOST_TOPICS
    return works[few], topics[few], scores[few]


def _entries(table: "csr_array") -> tuple[Numbers, Numbers, Numbers]:
    """Return rows, columns and values of a table of counts, in order."""
    table.sort_indices()
    entries = table.tocoo()
    rows, columns = entries.coords
    return rows.astype(np.int64), columns.astype(np.int64), entries.data.astype(np.int64)


def _numbered(ids: Numbers) -> tuple[Numbers, Numbers]:
    """Return the distinct ids in order, and the position of each id among them."""
    most = int(ids.max(initial=0))
    if most > 16 * len(ids):  # few of many: a table would be longer than the sorting is slow
        return np.unique(ids, return_inverse=True)
    there = np.zeros(most + 1, dtype=np.bool_)
    there[ids] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[ids]


def _among(one: Numbers, other: Numbers, ones: Numbers, others: Numbers) -> NDArray[np.bool_]:
    """Say of each pair whether it is one of the second pairs."""
    width = int(max(other.max(initial=0), others.max(initial=0))) + 1
    return np.isin(one * width + other, ones * width + others)


def _links(
    kind: str,
    source: Numbers,
    target: Numbers,
    *,
    weight: NDArray[np.float64] | Numbers,
    count: Numbers,
    strength: NDArray[np.float64] | None = None,
) -> Links:
    return Links(
        source=source,
        kind=np.full(len(source), LINK_CODES.index(kind)),
        target=target,
        weight=weight.astype(np.float64),
        count=count,
        strength=np.zeros(len(source)) if strength is None else strength,
    )


def _joined(parts: Sequence[Links]) -> Links:
    names = ("source", "kind", "target", "weight", "count", "strength")
    return Links(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )
