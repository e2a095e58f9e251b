"""Portions of a data set, class by class, by positions and labels alone."""

import numpy as np
import torch
from torch import Tensor

from tutelage.data._random import keys
from tutelage.types import UNLABELLED


def has_label(targets: Tensor) -> Tensor:
    """Return which pictures have a label ``[N]``; those of many count, unknown ones or not."""
    return targets >= 0 if targets.ndim == 1 else targets.new_ones(len(targets), dtype=torch.bool)


def stratified(targets: Tensor, seed: int) -> Tensor:
    """Return the positions ``[N]`` in an order whose every beginning has all classes in proportion.

    Within a class the order is random by (seed, position), from the hash of `tutelage.data._random`
    and so the same on every machine.

    Shapes: `targets` ``[N]``; pictures without a label count as a class of their own. Those of
    many labels a picture, ``[N, C]``, are taken for one class, so that the order is random.

    >>> targets = torch.tensor([0, 0, 0, 0, 1, 1])
    >>> targets[stratified(targets, seed=0)[:3]].sort().values.tolist()
    [0, 0, 1]
    """
    classes = targets if targets.ndim == 1 else torch.zeros(len(targets), dtype=torch.int64)
    _, labels = np.unique(classes.numpy(), return_inverse=True)
    chance = keys(seed, 0, torch.arange(len(labels)))
    by_class = np.lexsort((chance, labels))
    counts = np.bincount(labels)
    first = np.cumsum(counts) - counts
    share = np.empty(len(labels))
    share[by_class] = (np.arange(len(labels)) - first[labels[by_class]] + 0.5) / counts[
        labels[by_class]
    ]
    return torch.from_numpy(np.lexsort((chance, share)))


def hold_out(targets: Tensor, rows: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Part `rows` in two, class by class: those kept and the share held out, each ascending.

    It is a share of the pictures that have a label; those without one are kept.
    """
    labelled = rows[has_label(targets[rows])]
    order = labelled[stratified(targets[labelled], seed)]
    held = order[: round(share * len(order))].sort().values
    return rows[~torch.isin(rows, held)].sort().values, held


def hidden(targets: Tensor, share: float, seed: int) -> Tensor:
    """Return the targets ``[N]`` without the labels of a share of them, class by class.

    >>> hidden(torch.tensor([0, 0, 1, 1]), 0.5, seed=0).sort().values.tolist()
    [-100, -100, 0, 1]
    """
    labelled = (targets >= 0).nonzero().flatten()
    order = labelled[stratified(targets[labelled], seed)]
    return targets.index_fill(0, order[: round(share * len(order))], UNLABELLED)


def limited(targets: Tensor, rows: Tensor | None, limit: int, seed: int) -> Tensor | None:
    """Return `limit` of `rows` (None: of all), class by class and ascending; 0 keeps them all."""
    if not limit:
        return rows
    if rows is None:
        rows = torch.arange(len(targets))
    return rows[stratified(targets[rows], seed)[:limit]].sort().values
