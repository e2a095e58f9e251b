"""Pictures without a label: named by the teacher where it is sure, left out where it is not."""

from dataclasses import replace

import torch
from torch import Tensor

from tutelage.types import Batch, Output


def labelled(
    student: Output, teacher: Output | None, batch: Batch, confidence: float
) -> tuple[Output, Output | None, Batch, int]:
    """Return both outputs and the batch with a label for every picture, and how many count.

    A picture without one (a negative class; of a mixed picture, either) gets the class to which
    the teacher gives the largest probability. Where that lies below `confidence`, or without a
    teacher, the picture is left out of everything. Should none be left, all stay under some label,
    since the other processes wait for a gradient, and 0 count.
    """
    missing = batch.target < 0
    if batch.second is not None:
        missing = missing | (batch.second < 0)
    keep, answer = ~missing, torch.zeros_like(batch.target)
    if teacher is not None:
        probability, answer = teacher.logits[: len(missing)].softmax(1).max(1)  # of the first view
        keep = keep | (probability >= confidence)
    batch = replace(
        batch,
        target=torch.where(missing, answer, batch.target),
        second=None if batch.second is None else torch.where(missing, answer, batch.second),
    )
    count = int(keep.sum())
    if count in (0, len(keep)):
        return student, teacher, batch, count
    return _rows(student, keep), teacher and _rows(teacher, keep), _of_batch(batch, keep), count


def _rows(output: Output, keep: Tensor) -> Output:
    """Return what was said of these pictures; the classifier's weights are of none."""
    rows = keep.repeat(len(output.logits) // len(keep))  # every view of a picture goes with it
    return Output(
        output.logits[rows],
        {
            name: tap if name.startswith("classifier") else tap[rows]
            for name, tap in output.taps.items()
        },
    )


def _of_batch(batch: Batch, keep: Tensor) -> Batch:
    return replace(
        batch,
        images=batch.images[keep.repeat(len(batch.images) // len(keep))],
        target=batch.target[keep],
        index=batch.index[keep],
        second=None if batch.second is None else batch.second[keep],
        share=None if batch.share is None else batch.share[keep],
    )
