"""Items of a data set, read by worker processes and handed over in order."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tutelage.errors import DataError

Item = TypeVar("Item")
Batched = TypeVar("Batched")


def read_batches(
    items: Dataset[Item | DataError],
    plan: Sequence[Tensor],
    collate: Callable[[list[Item]], Batched],
    workers: int,
) -> Iterator[Batched]:
    """Yield what `collate` makes of the items of each entry of `plan`, a sequence of indices.

    `workers` processes read; they start anew with each call and end with the iterator. An item may
    be the error that it met, which is raised here: a worker's loader would wrap it in its
    traceback. The global random state is left as it was.
    """
    loader = DataLoader(
        items,
        batch_sampler=[index.tolist() for index in plan],
        num_workers=workers,
        collate_fn=partial(_collated, collate),
        generator=torch.Generator(),  # else it would draw from the global one
    )
    pending: Iterator[Batched | DataError] = iter(loader)
    try:
        for _ in plan:
            batch = next(pending)
            if isinstance(batch, DataError):
                raise batch
            yield batch
    finally:
        del pending  # the last reference: the workers end here, however the loop did


def _collated(
    collate: Callable[[list[Item]], Batched], items: list[Item | DataError]
) -> Batched | DataError:
    whole = [item for item in items if not isinstance(item, DataError)]
    if len(whole) == len(items):
        return collate(whole)
    return next(item for item in items if isinstance(item, DataError))
