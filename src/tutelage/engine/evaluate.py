"""How good a network is on a split: top-1, top-5, loss and calibration."""

import time
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.classification import MulticlassCalibrationError

from tutelage.data import Split
from tutelage.engine.plan import share
from tutelage.engine.processes import over_processes
from tutelage.engine.watch import Watch


@dataclass(frozen=True, slots=True)
class Reading:
    """Fractions 0..1 (`top1`, `top5`, `calibration_error`), nats (`loss`), and their basis."""

    top1: float
    top5: float
    loss: float
    calibration_error: float  # expected calibration error, 15 bins, L1
    count: int
    seconds: float


@torch.inference_mode()
def evaluate(
    fabric: Fabric,
    watch: Watch,
    split: Split,
    *,
    num_classes: int,
    batch_size: int,
    workers: int = 0,
    limit: int = 0,
) -> Reading:
    """Read a network on every labelled picture of a split, unaugmented, over all processes.

    With a `limit` only so many pictures are read, spread evenly over the split.
    The network is put in evaluation mode and back.
    """
    started, training = time.perf_counter(), watch.network.training
    watch.network.eval()
    sums = torch.zeros(4, dtype=torch.float64, device=fabric.device)  # top1, top5, loss, count
    calibration = MulticlassCalibrationError(num_classes, n_bins=15).to(fabric.device)
    labelled = split.labelled
    count = min(limit or len(labelled), len(labelled))
    places = labelled[torch.linspace(0, len(labelled) - 1, count).round().long()]
    plan = share(places, batch_size, fabric.world_size, fabric.global_rank)
    # An empty share still runs one picture, since the other processes wait for this one.
    filled = [part if len(part) else torch.zeros(1, dtype=torch.int64) for part in plan]
    batches = split.batches(filled, augment=False, seed=0, epoch=0, workers=workers)
    for part, batch in zip(plan, batches, strict=True):
        with fabric.autocast():
            logits = watch(fabric.to_device(batch.images)).logits
        if len(part):
            target = fabric.to_device(batch.target)
            sums += _count(logits, target)
            calibration.update(logits.softmax(1), target)
    top1, top5, loss, count = over_processes(fabric, sums, "sum").tolist()
    watch.network.train(training)
    return Reading(
        top1=top1 / count,
        top5=top5 / count,
        loss=loss / count,
        calibration_error=float(calibration.compute()),
        count=int(count),
        seconds=time.perf_counter() - started,
    )


def _count(logits: Tensor, target: Tensor) -> Tensor:
    """Return how many are right first, right in the first five, the summed loss and the count."""
    best = logits.topk(min(5, logits.shape[1]), dim=1).indices  # [B, 5]
    right = best == target[:, None]
    loss = F.cross_entropy(logits, target, reduction="sum")
    return torch.stack(
        [right[:, 0].sum(), right.sum(), loss.double(), torch.tensor(len(target)).to(loss)]
    )
