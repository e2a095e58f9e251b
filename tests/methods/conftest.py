"""What a method says of given features, without networks."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from tutelage.methods import Method
from tutelage.types import Batch, Output, Progress, Terms

Taps = Mapping[str, Tensor]


def _distill(kind: type[Method], student: Taps, teacher: Taps, **options: Any) -> Terms:
    count = len(next(iter(student.values())))
    own, its = (Output(torch.zeros(count, 10), dict(taps)) for taps in (student, teacher))
    shapes = (
        {"logits": (10,)} | {name: tuple(tap.shape[1:]) for name, tap in taps.items()}
        for taps in (student, teacher)
    )
    index = torch.arange(count)
    batch = Batch(torch.zeros(count, 1, 1, 1), index % 10, index)
    progress = Progress(epoch=1, epochs=1, step=0, steps_per_epoch=1)
    return kind(kind.Config(**options), *shapes).distill(own, its, batch, progress)


@pytest.fixture
def distill() -> Callable[..., Terms]:
    """``distill(kind, student_taps, teacher_taps, **options)`` gives the distillation terms."""
    return _distill
