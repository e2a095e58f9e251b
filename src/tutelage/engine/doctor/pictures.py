"""The data: labels, classes, normalisation, batches."""

import torch
from torch import Tensor

from tutelage.config import RunConfig
from tutelage.data import DataSet, Split
from tutelage.engine.doctor.chart import Chart, row, some, spread
from tutelage.engine.doctor.recipe import plan
from tutelage.types import UNLABELLED


def look_at_labels(chart: Chart, data: DataSet) -> bool:
    """Count every split; return whether every label lies in range."""
    spec, splits = data.spec, _splits(data)
    sizes = ", ".join(f"{name} {len(split):,}" for name, split in splits.items())
    chart.ok(
        "data",
        f"{spec.name}: {sizes} pictures of {spec.channels} x {spec.height} x {spec.width}; "
        f"{spec.num_classes} classes.",
    )
    if data.validation is None:
        chart.warn(
            "validation",
            "there is no validation split: no epoch can be chosen as the best, and the last one "
            "counts.",
            "Set data.validation=0.1 to hold out a tenth of the train split.",
        )
    if spec.task == "pixels":  # read, and so checked, with their pictures
        return True
    look = _in_range if spec.task == "classes" else _have_examples
    in_range = [look(chart, n, split.targets, spec.classes) for n, split in splits.items()]
    return all(in_range)


def look_at_pictures(chart: Chart, data: DataSet) -> bool:
    """Look at one batch as a network sees it; return whether a network can."""
    spec = data.spec
    images = chart.attempt("pictures", _read, data.train)
    if images is None:
        return False
    shape = (spec.channels, spec.height, spec.width)
    if tuple(images.shape[1:]) != shape or not images.isfinite().all():
        chart.error(
            "pictures",
            f"{spec.name} should give finite pictures of {shape} (channels, height, width); they "
            f"are {tuple(images.shape[1:])}, from {float(images.min()):g} to "
            f"{float(images.max()):g}.",
            "Mend its loader.",
        )
        return False
    std, mean = torch.std_mean(images.double(), (0, 2, 3))
    found = f"{len(images)} normalised pictures have mean {row(mean)} and std {row(std)}"
    if mean.abs().max() > 0.5 or std.max() > 2 or std.min() < 0.5:
        scale, centre = torch.tensor([spec.std, spec.mean], dtype=torch.float64)
        chart.warn(
            "normalisation",
            f"{found} per channel, wanted about 0 and 1.",
            f"Normalise by their own mean {row(mean * scale + centre)} and std "
            f"{row(std * scale)}, unless a network's weights want it so.",
        )
    else:
        chart.ok("normalisation", f"{found} per channel, about 0 and 1.")
    return True


def look_at_batches(chart: Chart, config: RunConfig, data: DataSet) -> None:
    """Say how the train split falls into batches."""
    dealt = plan(config, len(data.train))
    whole, rest = divmod(dealt.count, dealt.size)
    told = f"{dealt.count:,} pictures in batches of {dealt.size}: {dealt.steps:,} steps an epoch"
    if dealt.steps == 0:
        chart.error("batches", f"{told}.", "Add pictures, or lower train.accumulate.")
    elif not whole:
        chart.warn("batches", f"{told}, all in one.", "Lower train.batch_size.")
    elif rest and dealt.steps == whole:
        chart.ok("batches", f"{told}; the {rest} left over are left out, other ones each epoch.")
    else:
        chart.ok("batches", f"{told}{f', the last of {rest}' if rest else ''}.")


def _splits(data: DataSet) -> dict[str, Split]:
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    return {name: split for name, split in splits.items() if split is not None}


def _read(split: Split) -> Tensor:
    plan = [spread(len(split), 512)]
    return next(split.batches(plan, augment=False, seed=0, epoch=0)).images


def _in_range(chart: Chart, split: str, target: Tensor, classes: tuple[str, ...]) -> bool:
    if split == "train" and (hidden := int((target == UNLABELLED).sum())):
        chart.ok("labels", f"{hidden:,} of {len(target):,} pictures to train on have none.")
        target = target[target != UNLABELLED]
    inside = (target >= 0) & (target < len(classes))
    if not inside.all():
        chart.error(
            "labels",
            f"{int((~inside).sum()):,} of {len(target):,} labels of the {split} split lie outside "
            f"0..{len(classes) - 1}: they go from {int(target.min())} to {int(target.max())}.",
            "Number the classes from 0, and name every one.",
        )
    counts = target[inside].bincount(minlength=len(classes))
    if empty := [classes[number] for number in (counts == 0).nonzero().flatten().tolist()]:
        chart.warn(
            "classes",
            f"the {split} split has no picture of {len(empty)} of {len(classes)} classes: "
            f"{some(empty)}.",
            "Add pictures, or set data.limit higher or to 0.",
        )
    there = counts[counts > 0].tolist() or [0]
    if split == "train" and max(there) > 10 * min(there):
        chart.warn(
            "classes",
            f"the classes are uneven: {min(there):,} to {max(there):,} pictures to train on.",
            "Do not trust accuracy alone: it hides the small classes.",
        )
    return bool(inside.all())


def _have_examples(chart: Chart, split: str, target: Tensor, classes: tuple[str, ...]) -> bool:
    there, known = (target > 0).sum(0), (target >= 0).sum(0)  # [C]
    if one_sided := [
        classes[number] for number in ((there == 0) | (there == known)).nonzero().flatten().tolist()
    ]:
        chart.warn(
            "labels",
            f"the {split} split has no picture with, or none without, {len(one_sided)} of "
            f"{len(classes)} labels: {some(one_sided)}.",
            "Add pictures, or set data.limit higher or to 0.",
        )
    return True
