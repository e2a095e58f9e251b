"""Folders of pictures, one folder per class: read, cut and augmented by workers."""

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from tutelage.data._data import DataOptions, DataSet, DataSpec, Split, data_source
from tutelage.data._loading import read_batches
from tutelage.data._random import keys
from tutelage.data.augment import STEPS, Step, augmented, normalised, stronger
from tutelage.data.portions import hold_out, limited
from tutelage.errors import ConfigError, DataError, did_you_mean
from tutelage.types import UNLABELLED, Batch

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

POLICIES = ("resized-crop-flip", "rotate-flip", "none")
"""How a picture is cut, ``none`` if unsaid; steps of `tutelage.data.augment` may follow."""

View = tuple[v2.Transform, tuple[Step, ...]]
"""What cuts a picture, and what is done to it then."""

_UNLABELLED = "unlabelled"
_VALIDATION = ("val", "validation", "valid")
_LUMA = (0.299, 0.587, 0.114)


@data_source(
    "folder",
    summary="a folder of pictures: root/train/<class>, or root/<class> alone",
    policy="resized-crop-flip",
    strong="resized-crop-flip-autoaugment",
)
def folder(options: DataOptions) -> DataSet:
    """Load the folder `options.root`, whose folders are splits of class folders, or classes.

    - ``train`` with ``val`` (or ``validation``, ``valid``) and ``test``: as they are.
    - ``train`` and one of them: that one is the test split, since nothing was trained on it, and
      validation is held out of train.
    - class folders alone: test, then validation are held out.

    A folder ``unlabelled`` beside the classes, or in the root, holds pictures without a label, to
    train on. Classes are sorted by name. Pictures are cut to `options.image_size` (224) as for
    ImageNet and normalised with ImageNet's numbers.

    Raises:
        ConfigError: no root, or an unknown augmentation.
        DataError: no class folders, an empty class, or other classes in another split.
    """
    if options.root is None:
        raise ConfigError("the data set 'folder' needs data.root; none was given. Name the folder.")
    root = options.root.expanduser()
    return folder_data_set("folder", root, _layout(root), options)


class FolderSplit(Split):
    """A split of picture files.

    `files` are paths below `root`, `targets` int64 ``[N]`` their classes. `policy` is one of
    `POLICIES`, with steps after it if wanted, and `strong` is that of all views but the first; see
    `tutelage.data.augment.stronger`. `margin` is how much wider than the picture's final size the
    test view's resized picture is, before its middle is cut out.

    The pictures come out as Pillow decodes them: an orientation tag is not followed, as in the
    field's usual loaders; transparency is laid on white; 16-bit grey is scaled down to 8.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        files: Sequence[str],
        targets: Tensor,
        spec: DataSpec,
        policy: str,
        strong: str = "strong",
        *,
        margin: float = 256 / 224,
    ) -> None:
        self.name = name
        self.root = root
        self.targets = targets
        self.spec = spec
        self.policy = policy
        # One block of bytes: workers that fork share it, where a list would be copied bit by bit
        # as its reference counts change.
        self._files = np.array([os.fsencode(file) for file in files])
        self._view = _train_view(policy, spec.height, margin)
        self._strong_view = _train_view(stronger(policy, strong), spec.height, margin)
        self._test_view: View = _test_view(spec.height, margin), ()
        self._fingerprint = ""

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

        `workers` processes read and cut; they start anew with each call and end with the iterator.
        """
        each = [self._view, *[self._strong_view] * (views - 1)]
        pictures: Dataset[Tensor | DataError] = _Pictures(
            self.root,
            self._files,
            each if augment else [self._test_view] * views,
            self.spec.mean,
            seed,
            epoch,
        )
        stacks = read_batches(pictures, plan, partial(torch.stack, dim=1), workers)
        for index, images in zip(plan, stacks, strict=True):  # [views, B, C, H, W]
            batch = normalised(images.flatten(0, 1), self.spec.mean, self.spec.std)
            yield Batch(batch, self.targets[index], index)

    def fingerprint(self) -> str:
        """Return the SHA-256 over path, size in bytes and class of every file, sorted by path.

        The pictures themselves are not read: a file changed within its length goes unseen.
        """
        if not self._fingerprint:
            lines = [
                b"%s\t%d\t%d\n" % (file.replace(b"\\", b"/"), (self.root / name).stat().st_size, k)
                for file, k in zip(self._files.tolist(), self.targets.tolist(), strict=True)
                if (name := os.fsdecode(file))
            ]
            self._fingerprint = hashlib.sha256(b"".join(sorted(lines))).hexdigest()
        return self._fingerprint


def folder_data_set(
    name: str,
    root: Path,
    folders: Mapping[str, Path],
    options: DataOptions,
    *,
    image_size: int = 224,
    mean: tuple[float, ...] = IMAGENET_MEAN,
    std: tuple[float, ...] = IMAGENET_STD,
    margin: float = 256 / 224,
) -> DataSet:
    """Return the data set below `root`.

    `folders` maps ``train`` and, if there, ``validation`` and ``test`` to folders of class folders;
    what it lacks is held out of train, the test first. `mean` and `std` are of red, green and blue.
    Where `options.channels` asks for grey, its mean is their luma, exactly; its deviation is the
    luma of theirs, which is the most it can be, and near it in natural pictures, whose colours rise
    and fall together.
    """
    found = {role: _classes(root, place) for role, place in folders.items()}
    classes = list(found["train"])
    for role, other in found.items():
        if set(other) != set(classes):
            raise DataError(
                f"the splits in {root} must have the same class folders; {role} lacks "
                f"{sorted(set(classes) - set(other))} and has {sorted(set(other) - set(classes))} "
                f"besides. Make them equal."
            )
    if options.channels == 1:
        mean, std = (
            (sum(part * value for part, value in zip(_LUMA, values, strict=True)),)
            for values in (mean, std)
        )
    size = options.image_size or image_size
    spec = DataSpec(name, tuple(classes), len(mean), size, size, mean, std)
    listed = {role: _listed(found[role], classes) for role in found}
    unlabelled = [
        file
        for place in dict.fromkeys([folders["train"], root])
        for file in _files(root, place / _UNLABELLED)
    ]
    files, targets = listed["train"]
    no_labels = torch.full([len(unlabelled)], UNLABELLED)
    listed["train"] = files + unlabelled, torch.cat([targets, no_labels])

    seed = options.split_seed
    rows = {role: torch.arange(len(targets)) for role, (_, targets) in listed.items()}
    for role, share in (("test", options.test), ("validation", options.validation)):
        if role not in listed and share:
            listed[role] = listed["train"]
            rows["train"], rows[role] = hold_out(listed[role][1], rows["train"], share, seed)
    if not len(rows.get("test", ())):
        raise ConfigError(
            f"{root} has no test split, and data.test = {options.test} holds out none of its "
            f"{len(listed['train'][0])} pictures. Give a larger share."
        )

    def split(role: str, policy: str) -> FolderSplit:
        files, targets = listed[role]
        chosen = limited(targets, rows[role], options.limit, seed)
        assert chosen is not None
        return FolderSplit(
            role,
            root,
            [files[row] for row in chosen.tolist()],
            targets[chosen],
            spec,
            policy,
            options.strong_augment,
            margin=margin,
        )

    return DataSet(
        spec,
        train=split("train", options.augment),
        validation=split("validation", "none") if "validation" in listed else None,
        test=split("test", "none"),
    )


Classes = dict[str, list[str]]
"""Class name to its files, paths below the root."""


def _layout(root: Path) -> dict[str, Path]:
    """Return where the splits in `root` lie: always ``train``; the others if they are there."""
    # A class may be called "train" too: a split is a folder of folders.
    if not (root / "train").is_dir() or not _folders(root / "train"):
        return {"train": root}
    found = {"train": root / "train"}
    for role, names in (("validation", _VALIDATION), ("test", ("test",))):
        there = [root / name for name in names if (root / name).is_dir()]
        if there:
            found[role] = there[0]
    if "validation" in found and "test" not in found:
        found["test"] = found.pop("validation")
    return found


def _classes(root: Path, place: Path) -> Classes:
    if not place.is_dir():
        raise DataError(
            f"a folder with one folder per class is wanted at {place}; there is none. "
            f"Name it with data.root."
        )
    classes = {name: _files(root, place / name) for name in _folders(place) if name != _UNLABELLED}
    if not classes:
        raise DataError(
            f"{place} must hold one folder per class; it holds no folder. Sort the pictures into "
            f"folders named after their classes."
        )
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise DataError(
            f"every class folder in {place} must hold pictures ({', '.join(EXTENSIONS)}); none are "
            f"in {', '.join(empty)}. Fill or remove them."
        )
    return classes


def _files(root: Path, place: Path) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(parent, file), root)  # noqa: PTH118 - a million of them
        for parent, _, files in os.walk(place, followlinks=True)
        for file in files
        if file.lower().endswith(EXTENSIONS) and not file.startswith(".")
    )


def _folders(place: Path) -> list[str]:
    return sorted(
        entry.name for entry in place.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    )


def _listed(found: Classes, classes: list[str]) -> tuple[list[str], Tensor]:
    files = [file for name in classes for file in found[name]]
    counts = torch.tensor([len(found[name]) for name in classes])
    return files, torch.arange(len(classes)).repeat_interleave(counts)


def _test_view(size: int, margin: float) -> v2.Transform:
    return v2.Compose([v2.Resize(round(size * margin)), v2.CenterCrop(size), v2.PILToTensor()])


def _train_view(policy: str, size: int, margin: float) -> View:
    cut = next((name for name in POLICIES if f"{policy}-".startswith(f"{name}-")), "none")
    parts = [part for part in policy.removeprefix(cut).split("-") if part]
    if not policy or any(part not in STEPS for part in parts):
        raise ConfigError(
            f"the augmentation of a folder is one of {', '.join(POLICIES)}, and steps after it "
            f"such as -autoaugment; it is {policy!r}.{did_you_mean(policy, POLICIES)}"
        )
    flip = v2.RandomHorizontalFlip()
    square = [v2.Resize(size), v2.CenterCrop(size)]
    transforms = {
        "none": _test_view(size, margin),
        "resized-crop-flip": v2.Compose([v2.RandomResizedCrop(size), flip, v2.PILToTensor()]),
        "rotate-flip": v2.Compose([*square, v2.RandomRotation(20), flip, v2.PILToTensor()]),
    }
    return transforms[cut], tuple(STEPS[part] for part in parts)


class _Pictures(Dataset[Tensor | DataError]):
    """What the workers hold: each item ``[views, C, H, W]`` hangs on (seed, epoch, index) alone."""

    def __init__(
        self,
        root: Path,
        files: np.ndarray[tuple[int], np.dtype[np.bytes_]],
        views: Sequence[View],
        mean: tuple[float, ...],
        seed: int,
        epoch: int,
    ) -> None:
        self.root, self.files, self.views, self.mean = root, files, views, mean
        self.seed, self.epoch = seed, epoch

    def __getitem__(self, index: int) -> Tensor | DataError:
        mode: Literal["L", "RGB"] = "L" if len(self.mean) == 1 else "RGB"
        try:
            picture = read_picture(self.root / os.fsdecode(self.files[index]), mode)
        except DataError as error:
            return error
        seed, epoch, place = self.seed, self.epoch, torch.tensor([index])
        seen = []
        with torch.random.fork_rng(devices=[]):
            for stream, (cut, policy) in enumerate(self.views):
                torch.default_generator.manual_seed(int(keys(seed, epoch, place, stream)[0]))
                image: Tensor = cut(picture)[None]
                seen.append(
                    augmented(
                        image,
                        policy,
                        seed=seed,
                        epoch=epoch,
                        index=place,
                        mean=self.mean,
                        stream=stream,
                    )
                )
        return torch.cat(seen)


BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow's decoders are known to raise."""


def read_picture(file: Path, mode: Literal["L", "RGB"]) -> Image.Image:
    """Return the picture in a file, grey (``L``) or in colours, 8 bits each.

    Raises:
        DataError: the file is missing, cut short, or no picture.
    """
    try:
        with Image.open(file) as picture:
            return _converted(picture, mode)
    except BROKEN as error:
        raise DataError(
            f"{file} must be a picture; reading it failed ({type(error).__name__}: {error}). "
            f"Put a whole copy in its place, or remove it."
        ) from error


def _converted(picture: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        levels = np.asarray(picture).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError(f"grey levels go from {levels.min()} to {levels.max()}, not 0..65535")
        picture = Image.fromarray(np.round(levels / 257).astype(np.uint8))
    elif picture.mode == "F":
        raise ValueError("its grey levels are floating-point numbers without a known range")
    elif "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert(mode)
