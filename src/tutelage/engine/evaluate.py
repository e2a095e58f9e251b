"""How good a network is on a split, by the measures of its task."""

import time
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from tutelage.data import Split
from tutelage.engine.measures import MEASURES, Hearer
from tutelage.engine.plan import share
from tutelage.engine.watch import Watch
from tutelage.record import Measured
from tutelage.types import Task


@dataclass(frozen=True, slots=True)
class Reading(Measured):
    """Fractions 0..1 (but for `loss`, in nats), and their basis; see `tutelage.engine.measures`."""

    top1: float
    top5: float
    loss: float
    calibration_error: float  # expected calibration error, 15 bins, L1
    chance: float  # of `measure`, for a network that has seen no picture
    count: int
    seconds: float
    mean_average_precision: float | None = None  # of labels
    mean_iou: float | None = None  # of pixels


@torch.inference_mode()
def evaluate(
    fabric: Fabric,
    watch: Watch,
    split: Split,
    *,
    num_classes: int,
    task: Task = "classes",
    batch_size: int,
    workers: int = 0,
    limit: int = 0,
    also: Hearer | None = None,
) -> Reading:
    """Read a network on every labelled picture of a split, unaugmented, over all processes.

    With a `limit` only so many pictures are read, spread evenly over the split. `also` hears every
    batch that the measure of the task hears.
    The network is put in evaluation mode and back.
    """
    started, training = time.perf_counter(), watch.network.training
    watch.network.eval()
    measure = MEASURES[task](fabric, num_classes)
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
            for each in (measure, also) if also else (measure,):
                each.add(logits, fabric.to_device(batch.target))
    told = measure.told()
    watch.network.train(training)
    return Reading(**told, count=count, seconds=time.perf_counter() - started)
