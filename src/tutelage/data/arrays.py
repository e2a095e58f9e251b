"""Data sets that fit in memory: uint8 tensors, augmented and normalised a batch at a time."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from tutelage.data._data import DataOptions, DataSet, DataSpec, Split
from tutelage.data.augment import augmented, normalised, steps, stronger
from tutelage.data.portions import hold_out, limited
from tutelage.errors import ConfigError, DataError
from tutelage.types import UNLABELLED, Batch, Task

Pictures = tuple[Tensor, Tensor]
"""Pictures ``[N, C, H, W]`` uint8 and their classes ``[N]`` int64, or labels ``[N, C]`` float32."""

_CHUNK = 4096  # pictures hashed or converted at a time


class ArraySplit(Split):
    """A split held in memory.

    Shapes: `images` uint8 ``[N, C, H, W]``, `targets` int64 ``[N]``, or where `spec.task` is
    ``labels`` float32 ``[N, spec.num_classes]``, each 0, 1 or -1 for unknown. `policy` is what
    ``augment=True`` does to them, a name known to `tutelage.data.augment.steps`, and `strong` what
    it does in all views but the first; see `tutelage.data.augment.stronger`. With `rows`, the split
    is that selection of `images` and `targets`, in that order; nothing is copied.

    Raises:
        DataError: tensors of another kind, or a class outside ``0 .. spec.num_classes - 1``.
        ConfigError: `policy` or `strong` is unknown.

    >>> spec = DataSpec("grey", ("a", "b"), 1, 2, 2, mean=(0.5,), std=(0.5,))
    >>> pictures = torch.full((3, 1, 2, 2), 255, dtype=torch.uint8)
    >>> split = ArraySplit("train", pictures, torch.tensor([0, 1, 0]), spec, "none")
    >>> batch, = split.batches([torch.tensor([2, 1])], augment=True, seed=0, epoch=1)
    >>> batch.images.mean().item(), batch.target.tolist()
    (1.0, [0, 1])
    """

    def __init__(
        self,
        name: str,
        images: Tensor,
        targets: Tensor,
        spec: DataSpec,
        policy: str = "none",
        strong: str = "strong",
        *,
        rows: Tensor | None = None,
    ) -> None:
        self.name = name
        self.spec = spec
        self.policy = policy
        self.targets = targets if rows is None else targets[rows]
        _check(name, images, targets, self.targets, spec)
        self._images = images
        self._rows = rows
        self._steps = steps(policy)
        self._strong_steps = steps(stronger(policy, strong))
        self._fingerprint = ""

    def images(self, index: Tensor) -> Tensor:
        """Return the pictures at `index` ``[B]`` as they are stored: uint8 ``[B, C, H, W]``."""
        rows = index if self._rows is None else self._rows[index]
        return self._images.index_select(0, rows)

    def batches(
        self,
        plan: Sequence[Tensor],
        *,
        augment: bool,
        seed: int,
        epoch: int,
        workers: int = 0,
        views: int = 1,
    ) -> Iterator[Batch]:
        """Yield one batch per entry of `plan`; see `Split.batches`.

        Whole batches are augmented in this process, faster than workers could hand them over:
        `workers` changes nothing.
        """
        mean, std = self.spec.mean, self.spec.std
        policies = [self._steps, *[self._strong_steps] * (views - 1)] if augment else [()] * views
        for index in plan:
            stored = self.images(index)
            seen = [
                augmented(
                    stored, policy, seed=seed, epoch=epoch, index=index, mean=mean, stream=stream
                )
                for stream, policy in enumerate(policies)
            ]
            yield Batch(normalised(torch.cat(seen), mean, std), self.targets[index], index)

    def fingerprint(self) -> str:
        """Return the SHA-256 over the shape, the pictures in order and the targets."""
        if not self._fingerprint:
            digest = hashlib.sha256(str((len(self), *self._images.shape[1:])).encode())
            for index in torch.arange(len(self)).split(_CHUNK):
                digest.update(self.images(index).numpy().tobytes())
            kind = "<f4" if self.targets.is_floating_point() else "<i8"
            digest.update(self.targets.numpy().astype(kind).tobytes())
            self._fingerprint = digest.hexdigest()
        return self._fingerprint


def array_data_set(
    name: str,
    classes: Sequence[str],
    options: DataOptions,
    *,
    train: Pictures,
    validation: Pictures | None = None,
    test: Pictures | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    task: Task = "classes",
) -> DataSet:
    """Return a data set over arrays: converted, held out and limited as `options` say.

    A missing test split is held out of `train` (share `options.test`), then a missing validation
    split (`options.validation`, where 0 leaves none). `mean` and `std` are those of the pictures as
    given; without them, or where colours turn grey, they are measured on all pictures of `train`
    but the test's.

    Raises:
        ConfigError: `options.image_size` is not the arrays' own, or no picture is left for a test.
        DataError: the arrays do not fit each other or the classes.
    """
    given = [pictures for pictures in (train, validation, test) if pictures is not None]
    shapes = {tuple(images.shape[1:]) for images, _ in given}
    if len(shapes) > 1:
        raise DataError(
            f"the splits of {name} must hold pictures of one shape; they hold {sorted(shapes)}. "
            f"Bring them to one shape first."
        )
    stored, height, width = train[0].shape[1:]
    if options.image_size not in (0, height):
        raise ConfigError(
            f"data.image_size is for folders; {name} has pictures {height} pixels high and "
            f"{options.image_size} was asked for. Leave it out."
        )
    train = with_channels(train, options.channels)
    validation = validation and with_channels(validation, options.channels)
    test = test and with_channels(test, options.channels)
    pool = torch.arange(len(train[1]))
    test_rows = validation_rows = None
    if test is None:
        test, (pool, test_rows) = train, hold_out(train[1], pool, options.test, options.split_seed)
        if not len(test_rows):
            raise ConfigError(
                f"{name} has no test split, and data.test = {options.test} holds out none of its "
                f"{len(pool)} pictures. Give a larger share."
            )
    channels = train[0].shape[1]
    if not mean or channels < stored:
        mean, std = statistics(train[0], pool)
    elif channels > stored:
        mean, std = [*mean] * channels, [*std] * channels
    if validation is None and options.validation:
        validation = train
        pool, validation_rows = hold_out(train[1], pool, options.validation, options.split_seed)
    spec = DataSpec(name, tuple(classes), channels, height, width, tuple(mean), tuple(std), task)

    def split(role: str, pictures: Pictures, rows: Tensor | None, policy: str) -> ArraySplit:
        images, targets = pictures
        rows = limited(targets, rows, options.limit, options.split_seed)
        return ArraySplit(role, images, targets, spec, policy, options.strong_augment, rows=rows)

    return DataSet(
        spec,
        train=split("train", train, pool, options.augment),
        validation=validation and split("validation", validation, validation_rows, "none"),
        test=split("test", test, test_rows, "none"),
    )


def with_channels(pictures: Pictures, channels: int) -> Pictures:
    """Return pictures ``[N, C, H, W]`` with `channels` of them; 0 means as they are.

    Grey repeated as red, green and blue is a view of the same memory. Colours turn grey as Pillow
    does it: ITU-R 601-2 luma, in whole numbers.
    """
    images, targets = pictures
    if channels in (0, images.shape[1]):
        return pictures
    if images.shape[1] == 1:
        return images.expand(-1, channels, -1, -1), targets
    weights = torch.tensor([19595, 38470, 7471], dtype=torch.int32)[:, None, None]  # of 65536
    grey = [
        ((chunk * weights).sum(1, keepdim=True, dtype=torch.int32) + 0x8000 >> 16).byte()
        for chunk in images.split(_CHUNK)
    ]
    return torch.cat(grey), targets


def statistics(images: Tensor, rows: Tensor) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation per channel of the pictures at `rows`, scaled to 0..1.

    Exact up to the last rounding: from the counts of the 256 grey levels.
    """
    counts = np.zeros((images.shape[1], 256))
    for chunk in rows.split(_CHUNK):
        for channel, pixels in enumerate(images.index_select(0, chunk).unbind(1)):
            counts[channel] += np.bincount(pixels.numpy().ravel(), minlength=256)
    levels = np.arange(256) / 255
    mean = counts @ levels / counts.sum(1)
    square = (counts * (levels - mean[:, None]) ** 2).sum(1) / counts.sum(1)
    return mean.tolist(), np.sqrt(square).tolist()


def _check(name: str, images: Tensor, targets: Tensor, chosen: Tensor, spec: DataSpec) -> None:
    wanted = (len(targets), spec.channels, spec.height, spec.width)
    if images.dtype != torch.uint8 or tuple(images.shape) != wanted:
        raise DataError(
            f"the pictures of {spec.name} ({name}) must be uint8 of shape {wanted}; they are "
            f"{images.dtype} of shape {tuple(images.shape)}. Convert them first."
        )
    if spec.task == "labels":
        _check_labels(name, targets, spec)
        return
    if targets.dtype != torch.int64 or targets.dim() != 1:
        raise DataError(
            f"the labels of {spec.name} ({name}) must be int64 of one axis; they are "
            f"{targets.dtype} of shape {tuple(targets.shape)}. Convert them first."
        )
    labels = chosen[chosen != UNLABELLED] if name == "train" else chosen
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < spec.num_classes:
        raise DataError(
            f"the labels of {spec.name} ({name}) must lie in 0..{spec.num_classes - 1}; they go "
            f"from {int(labels.min())} to {int(labels.max())}. Number the classes from 0."
        )


def _check_labels(name: str, targets: Tensor, spec: DataSpec) -> None:
    if targets.dtype != torch.float32 or tuple(targets.shape[1:]) != (spec.num_classes,):
        raise DataError(
            f"the labels of {spec.name} ({name}) must be float32 of shape "
            f"{(len(targets), spec.num_classes)}; they are {targets.dtype} of shape "
            f"{tuple(targets.shape)}. Convert them first."
        )
    wrong = targets[~((targets == 0) | (targets == 1) | (targets == -1))]
    if len(wrong):
        raise DataError(
            f"the labels of {spec.name} ({name}) must be 1 (there), 0 (not there) or -1 (unknown); "
            f"there is {float(wrong[0]):g}. Correct them."
        )
