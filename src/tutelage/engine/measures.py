"""What a network is measured by, task by task, over all processes."""

from collections.abc import Callable
from typing import Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import binary_average_precision

from tutelage.engine.processes import joined, over_processes
from tutelage.types import UNLABELLED, Task

BINS = 15  # of the calibration error


class Hearer(Protocol):
    """Hears logits and targets batch by batch."""

    def add(self, logits: Tensor, target: Tensor) -> None:
        """Hear a batch that is not empty."""


class Measure(Hearer, Protocol):
    """Hears all batches, then tells the fields of a `Reading`."""

    def told(self) -> dict[str, float]:
        """Return the measures over the batches of all processes."""


class OfClasses:
    """One class a picture: how often it came first, and among the first five."""

    def __init__(self, fabric: Fabric, num_classes: int) -> None:
        self._fabric, self._chance = fabric, 1 / num_classes
        self._calibration = _Calibration(fabric)
        self._sums = _zeros(fabric, 4)  # top1, top5, loss, count

    def add(self, logits: Tensor, target: Tensor) -> None:
        """Hear ``[B, C]`` and ``[B]``."""
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices  # [B, 5]
        right = best == target[:, None]
        loss = F.cross_entropy(logits, target, reduction="sum")
        count = torch.tensor(len(target))
        self._sums += _stacked(right[:, 0].sum(), right.sum(), loss, count)
        self._calibration.add(logits.softmax(1).amax(1), right[:, 0])

    def told(self) -> dict[str, float]:
        """Return shares of the pictures."""
        top1, top5, loss, count = over_processes(self._fabric, self._sums, "sum").tolist()
        return {
            "top1": top1 / count,
            "top5": top5 / count,
            "loss": loss / count,
            "calibration_error": self._calibration.error(),
            "chance": self._chance,
        }


class OfLabels:
    """Many labels a picture; the measure is the mean average precision.

    That is the mean, over the classes that some picture has, of the area under precision against
    recall, the pictures sorted by their score. Without having seen a picture it comes to the share
    of the pictures that have the class. `top1` is the share of labels that are right at
    probability 1/2, `top5` the share of the labels a picture has that are among its five highest
    scores. Unknown labels count nowhere.
    """

    def __init__(self, fabric: Fabric, num_classes: int) -> None:
        self._fabric = fabric
        self._calibration = _Calibration(fabric)
        self._sums = _zeros(fabric, 6)  # right, known, in five, there, loss, pictures
        self._scores = [torch.zeros(0, num_classes, device=fabric.device)]
        self._labels = [torch.zeros(0, num_classes, device=fabric.device)]

    def add(self, logits: Tensor, target: Tensor) -> None:
        """Hear ``[B, C]`` each."""
        known, there = target >= 0, target > 0.5
        right = ((logits > 0) == there) & known
        first = logits.topk(min(5, logits.shape[1]), dim=1).indices
        loss = F.binary_cross_entropy_with_logits(logits, target.clamp(min=0), reduction="none")
        self._sums += _stacked(
            right.sum(),
            known.sum(),
            there.gather(1, first).sum(),
            there.sum(),
            loss[known].sum(),
            torch.tensor(len(target)),
        )
        self._calibration.add(logits.sigmoid()[known], there[known])
        self._scores.append(logits)
        self._labels.append(target)

    def told(self) -> dict[str, float]:
        """Return the mean average precision beside shares of the labels."""
        right, known, first, there, loss, count = over_processes(
            self._fabric, self._sums, "sum"
        ).tolist()
        scores, labels = (
            joined(self._fabric, torch.cat(parts)).double().T
            for parts in (self._scores, self._labels)
        )  # [C, N]
        precisions, shares = [], []
        for score, label in zip(scores.sigmoid(), labels, strict=True):
            of, known_of = label > 0.5, label >= 0
            if of.any():
                found = binary_average_precision(score[known_of], of[known_of].long())
                precisions.append(float(found))
                shares.append(float(of.sum() / known_of.sum()))
        return {
            "top1": right / max(known, 1),
            "top5": first / max(there, 1),
            "loss": loss / count,
            "calibration_error": self._calibration.error(),
            "mean_average_precision": sum(precisions) / max(len(precisions), 1),
            "chance": sum(shares) / max(len(shares), 1),
        }


class OfPixels:
    """A class for each pixel; the measure is the mean over the classes of their IoU.

    The IoU of a class is the number of pixels that are of it and found to be, over the number that
    are either; the mean is over the classes of which there is any. Without having seen a picture,
    and always saying the commonest class, it comes to that one's share over the number of classes.
    `top1` and `top5` are shares of pixels. Pixels without a class count nowhere.
    """

    def __init__(self, fabric: Fabric, num_classes: int) -> None:
        self._fabric = fabric
        self._calibration = _Calibration(fabric)
        self._sums = _zeros(fabric, 2)  # top5, loss
        self._table = _zeros(fabric, num_classes, num_classes)  # [target, predicted]

    def add(self, logits: Tensor, target: Tensor) -> None:
        """Hear ``[B, C, H, W]`` and ``[B, H, W]``."""
        counts = target != UNLABELLED
        rows, target = logits.movedim(1, -1)[counts], target[counts]  # [n, C], [n]
        best = rows.topk(min(5, rows.shape[1]), dim=1).indices
        loss = F.cross_entropy(rows, target, reduction="sum")
        self._sums += _stacked((best == target[:, None]).sum(), loss)
        cells = target * len(self._table) + best[:, 0]
        self._table += cells.bincount(minlength=self._table.numel()).view_as(self._table)
        self._calibration.add(rows.softmax(1).amax(1), best[:, 0] == target)

    def told(self) -> dict[str, float]:
        """Return the mean IoU beside shares of the pixels."""
        top5, loss = over_processes(self._fabric, self._sums, "sum").tolist()
        table = over_processes(self._fabric, self._table, "sum")
        of, found, right = table.sum(1), table.sum(0), table.diagonal()
        there, count = of + found > 0, float(of.sum().clamp(min=1))
        iou = (right / (of + found - right))[there]
        return {
            "top1": float(right.sum()) / count,
            "top5": top5 / count,
            "loss": loss / count,
            "calibration_error": self._calibration.error(),
            "mean_iou": float(iou.mean()) if len(iou) else 0.0,
            "chance": float(of.max()) / count / max(int((of > 0).sum()), 1),
        }


MEASURES: dict[Task, Callable[[Fabric, int], Measure]] = {
    "classes": OfClasses,
    "labels": OfLabels,
    "pixels": OfPixels,
}


class _Calibration:
    """The expected calibration error (L1), in sums over the bins."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._sums = _zeros(fabric, 3, BINS)  # count, probability, right

    def add(self, probability: Tensor, right: Tensor) -> None:
        """Hear ``[n]`` each."""
        bins = (probability * BINS).ceil().long().clamp(1, BINS) - 1
        values = torch.stack([torch.ones_like(probability), probability, right.to(probability)])
        self._sums.index_add_(1, bins, values.double())

    def error(self) -> float:
        """Return the mean distance of probability and share of right ones, over all processes."""
        count, probability, right = over_processes(self._fabric, self._sums, "sum")
        return float((probability - right).abs().sum() / count.sum().clamp(min=1))


def _zeros(fabric: Fabric, *shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.float64, device=fabric.device)


def _stacked(*scalars: Tensor) -> Tensor:
    return torch.stack([scalar.double().to(scalars[0].device) for scalar in scalars])
