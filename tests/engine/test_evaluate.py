import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from tutelage.data import DataSpec, Split
from tutelage.data.arrays import ArraySplit
from tutelage.engine.evaluate import Reading, evaluate
from tutelage.engine.watch import Watch

COUNT, CLASSES = 203, 10


class Scripted(nn.Module):
    """Answers picture i (whose only pixel is i) with row i of a table; counts its batch norm."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.table, self.norm = nn.Parameter(table), nn.BatchNorm2d(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.norm(images)
        return self.table[(images.flatten() * 255).round().long()]


@pytest.fixture
def split() -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.arange(COUNT, dtype=torch.uint8).reshape(COUNT, 1, 1, 1)
    targets = torch.randint(CLASSES, (COUNT,), generator=generator)
    classes = tuple(map(str, range(CLASSES)))
    return ArraySplit("test", images, targets, DataSpec("dots", classes, 1, 1, 1, (0.0,), (1.0,)))


def read(
    split: Split, batch_size: int = 64, limit: int = 0
) -> tuple[torch.Tensor, Reading, Scripted]:
    table = 2 * torch.randn(COUNT, CLASSES, generator=torch.Generator().manual_seed(1))
    table[torch.arange(0, COUNT, 2), split.targets[::2]] += 3  # right more often than not
    network = Scripted(table).train()
    fabric = Fabric(accelerator="cpu", devices=1)
    reading = evaluate(
        fabric, Watch(network), split, num_classes=CLASSES, batch_size=batch_size, limit=limit
    )
    return table, reading, network


@pytest.mark.parametrize("batch_size", [1, 64, 500])
def test_a_reading_equals_its_definitions_in_numpy(split: Split, batch_size: int) -> None:
    table, reading, _ = read(split, batch_size)
    logits, target = table.double().numpy(), split.targets.numpy()
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    order = (-logits).argsort(1)
    assert reading.top1 == (order[:, 0] == target).mean()
    assert reading.top5 == (order[:, :5] == target[:, None]).any(1).mean()
    loss = -log_p[np.arange(COUNT), target].mean()
    assert reading.loss == pytest.approx(loss, rel=1e-5)
    confidence, right = np.exp(log_p).max(1), order[:, 0] == target
    bins = np.ceil(confidence * 15)
    gaps = [
        abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    ]
    assert reading.calibration_error == pytest.approx(sum(gaps), rel=1e-4)
    assert reading.count == COUNT


def test_reading_leaves_no_trace_in_the_network(split: Split) -> None:
    _, _, network = read(split)
    assert network.training
    assert network.norm.num_batches_tracked == 0


def test_a_limit_reads_pictures_spread_over_the_split(split: Split) -> None:
    _, reading, _ = read(split, limit=50)
    assert reading.count == 50
