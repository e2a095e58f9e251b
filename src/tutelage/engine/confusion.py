"""What teacher and student take each class for: the mean probability they give to the others."""

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor

from tutelage.data import DataSpec
from tutelage.engine.processes import over_processes
from tutelage.record import ClassMeans

MOST_CLASSES = 1000  # of which the table of all pairs is kept
LIKELIEST = 20  # other classes of each network that are recorded for each class


class Confusion:
    """Hears logits and targets batch by batch, and sums each class's probabilities."""

    def __init__(self, fabric: Fabric, num_classes: int) -> None:
        self._fabric = fabric
        shape = num_classes, num_classes + 1  # the last column counts the pictures
        self._sums = torch.zeros(shape, dtype=torch.float64, device=fabric.device)

    def add(self, logits: Tensor, target: Tensor) -> None:
        """Hear ``[B, C]`` and ``[B]``."""
        one = torch.ones_like(logits[:, :1])
        seen = torch.cat([logits.softmax(1), one], dim=1)  # [B, C + 1]
        self._sums.index_add_(0, target, seen.double())

    def means(self) -> tuple[Tensor, Tensor]:
        """Return the mean probabilities ``[C, C]``, a row for each true class, and how many of it.

        They are of all processes; the row of a class without a picture is NaN.
        """
        sums = over_processes(self._fabric, self._sums, "sum").cpu()
        return sums[:, :-1] / sums[:, -1:], sums[:, -1].long()


class Confusions:
    """What hears the student and the teacher on the test split, where classes are compared."""

    def __init__(self, fabric: Fabric, spec: DataSpec) -> None:
        self._names = spec.classes
        compared = spec.task == "classes" and spec.num_classes <= MOST_CLASSES
        self.student, self.teacher = (
            Confusion(fabric, spec.num_classes) if compared else None for _ in range(2)
        )

    def told(self) -> ClassMeans | None:
        """Return what is recorded: of each class the others that either holds likeliest.

        A teacher that heard nothing is left out: there is none, or its answers lay in a cache.
        """
        if not (self.student and self.teacher):
            return None
        (own, counts), (its, heard) = self.student.means(), self.teacher.means()
        tables = [own, its] if heard.any() else [own]
        others = [_likeliest(tables, place) if count else [] for place, count in enumerate(counts)]
        return ClassMeans(
            split="test",
            names=list(self._names),
            counts=counts.tolist(),
            others=others,
            student=_of_others(own, others),
            student_target=_short(own.diagonal()),
            teacher=_of_others(its, others) if heard.any() else None,
            teacher_target=_short(its.diagonal()) if heard.any() else None,
        )


def _likeliest(tables: Sequence[Tensor], place: int) -> list[int]:
    """Return the other classes that are among the likeliest of any table."""
    found: set[int] = set()
    for table in tables:
        row = table[place].index_fill(0, torch.tensor(place), -1.0)  # the class itself comes last
        found.update(row.topk(min(LIKELIEST, len(row) - 1)).indices.tolist())
    return sorted(found)


def _of_others(table: Tensor, others: list[list[int]]) -> list[list[float]]:
    return [_short(row[at]) for row, at in zip(table, others, strict=True)]


def _short(values: Tensor) -> list[float]:
    return [float(f"{value:.5g}") for value in values.tolist()]
