"""Which augmented view of each picture an epoch shows: one of its own, or one of few in turn.

Views here follow each other, epoch by epoch. The `views` of `Split.batches` are another thing:
those that one step sees beside each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from tutelage.data._data import Split
from tutelage.types import Batch


def epoch_batches(
    split: Split,
    plan: Sequence[Tensor],
    *,
    epoch: int,
    recurring: int,
    split_seed: int,
    seed: int = 0,
    workers: int = 0,
    views: int = 1,
) -> Iterator[Batch]:
    """Yield the augmented batches of an epoch, each with its `Batch.view`.

    With `recurring` views each picture has so many, drawn by (`split_seed`, view, index), and epoch
    e shows view ``(e - 1) % recurring + 1``: runs of every `seed` see the same, and the epochs 1 to
    `recurring` show each once. With 0 they are drawn by (`seed`, epoch, index).

    Args:
        split: whose pictures they are.
        plan: the indices of each batch.
        epoch: from 1.
        recurring: views of each picture; 0 for a new one every epoch.
        split_seed: of the data; it draws views that recur.
        seed: of the run; it draws those that do not.
        workers: as `Split.batches` takes them.
        views: likewise.
    """
    view = (epoch - 1) % recurring + 1 if recurring else 0
    draws = (split_seed, view) if recurring else (seed, epoch)
    for batch in split.batches(
        plan, augment=True, seed=draws[0], epoch=draws[1], workers=workers, views=views
    ):
        yield replace(batch, view=view)
