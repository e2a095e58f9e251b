"""The classes of a run: what its teacher takes each for, and what of that its student learned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutelage.errors import GraphError
from tutelage.record import ClassMeans, Run

TOP = 5  # confusions of a class that are compared
RANKED = 20  # of the teacher's likeliest classes, whose order is compared


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassNode:
    """A class, and how many pictures of it were looked at."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """The mean probability that pictures of `source` are given to be of `target`."""

    source: int  # place among the classes
    target: int
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """How much of the teacher's confusions the student has; None where it cannot be said.

    `overlap` is the share of the teacher's `top` likeliest other classes that are among the
    student's, which a student that drew them by lot would come to `by_chance`. `correlation` is
    Spearman's, of the student's and the teacher's probabilities of the teacher's `ranked` likeliest
    other classes: 0 by chance, 1 where the order is the same.
    """

    top: int
    ranked: int
    by_chance: float
    overlap: float | None  # mean over the classes
    correlation: float | None
    overlaps: tuple[float | None, ...]  # of each class
    correlations: tuple[float | None, ...]
    pairs: tuple[
        tuple[int, int], ...
    ]  # confusions among the top of both, the teacher's surest first


@dataclass(frozen=True, kw_only=True, slots=True)
class Classes:
    """Classes as nodes, and confusions as links, the likeliest first."""

    classes: tuple[ClassNode, ...]
    teacher: tuple[Confusion, ...]  # none where the run did not record one
    student: tuple[Confusion, ...]
    learned: Learned | None  # None without a teacher


def confusions(run: Run, *, limit: int = 200) -> Classes:
    """Return what a run recorded of its classes, the `limit` likeliest confusions of each network.

    Raises:
        GraphError: the run recorded none; the message says why.
        RecordError: its ``classes.json`` is broken.
    """
    means = run.classes
    if means is None:
        raise GraphError(f"{run.path} tells nothing of classes: {_why(run)}")
    return Classes(
        classes=tuple(
            ClassNode(name=name, count=count)
            for name, count in zip(means.names, means.counts, strict=True)
        ),
        teacher=_likeliest(means, means.teacher or [], limit),
        student=_likeliest(means, means.student, limit),
        learned=_learned(means, means.teacher) if means.teacher else None,
    )


def _why(run: Run) -> str:
    if run.result is None:
        return "they are looked at when a run ends, and it is unfinished."
    return (
        "it was made by an earlier version, or its pictures have not one class each, or there are "
        "more than 1000 classes. Repeat the run to have them recorded."
    )


def _likeliest(
    means: ClassMeans, probabilities: Sequence[Sequence[float]], limit: int
) -> tuple[Confusion, ...]:
    links = [
        Confusion(source=source, target=target, probability=probability)
        for source, row in enumerate(probabilities)
        for target, probability in zip(means.others[source], row, strict=True)
    ]
    links.sort(key=lambda link: (-link.probability, link.source, link.target))
    return tuple(links[:limit])


def _learned(means: ClassMeans, teacher: Sequence[Sequence[float]]) -> Learned:
    others = len(means.names) - 1
    top, ranked = min(TOP, others), min(RANKED, others)
    shared: list[tuple[float, int, int]] = []
    overlaps: list[float | None] = []
    correlations: list[float | None] = []
    for source, (its, own) in enumerate(zip(teacher, means.student, strict=True)):
        if not its:  # a class of no picture
            overlaps.append(None)
            correlations.append(None)
            continue
        taught, learned = (np.argsort(-np.array(row), kind="stable") for row in (its, own))
        both = set(taught[:top].tolist()) & set(learned[:top].tolist())
        shared += [(-its[place], source, means.others[source][place]) for place in both]
        overlaps.append(len(both) / top)
        likely = taught[:ranked]
        correlations.append(_spearman(np.array(its)[likely], np.array(own)[likely]))
    return Learned(
        top=top,
        ranked=ranked,
        by_chance=top / others,
        overlap=_mean(overlaps),
        correlation=_mean(correlations),
        overlaps=tuple(overlaps),
        correlations=tuple(correlations),
        pairs=tuple((source, target) for _, source, target in sorted(shared)),
    )


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Return the correlation of the ranks, ties at their mean; None where all are tied."""
    ranks = [_ranks(one), _ranks(other)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        return None
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
