"""Pascal VOC: pictures with a class for each pixel; or your own, laid out as it is."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from tutelage.data._data import DataOptions, DataSet, DataSpec, Split, data_source
from tutelage.data._files import places
from tutelage.data._loading import read_batches
from tutelage.data._random import uniforms
from tutelage.data.augment import normalised
from tutelage.data.folder import BROKEN, IMAGENET_MEAN, IMAGENET_STD, read_picture
from tutelage.data.portions import hold_out, limited
from tutelage.errors import ConfigError, DataError, did_you_mean
from tutelage.types import UNLABELLED, Batch

CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip

POLICIES = ("scale-crop-flip", "none")

_SCALES = (0.5, 2.0)  # torchvision's references/segmentation
_VOID = 255  # in the files: the borders of things, and what is too hard to tell

View = tuple[Tensor, Tensor]
"""A picture, uint8 ``[3, side, side]``, and the class of each pixel, int64 ``[side, side]``."""


@data_source(
    "voc-segmentation",
    summary="Pascal VOC: a class for each pixel, 21 classes; or your own pictures in its form",
    policy="scale-crop-flip",
)
def voc_segmentation(options: DataOptions) -> DataSet:
    """Load the folder ``VOC2012`` of ``VOCdevkit`` at `options.root`, or in the usual places.

    It holds ``JPEGImages/*.jpg``, ``SegmentationClass/*.png`` and, with a name a line,
    ``ImageSets/Segmentation/train.txt`` and ``val.txt``, as torchvision's ``VOCSegmentation`` wants
    it. The PNGs hold class numbers, as a palette or grey; 255 is no class. ``val`` is the test
    split, as in published tables, and validation is a share of train, picked at random. A file
    ``classes.txt``, if there, names other classes than VOC's, a line each.

    Every picture is brought to `options.image_size` (480) pixels a side: scaled until its longer
    side fits, the rest filled with the mean colour and no class. Nothing is downloaded.

    Raises:
        DataError: a file is missing or broken.
        ConfigError: an unknown augmentation, or other than three channels.
    """
    root = _root(options.root)
    if options.channels not in (0, 3):
        raise ConfigError(
            f"voc-segmentation is in colours, and data.channels is {options.channels}. Leave it "
            f"out."
        )
    side = options.image_size or 480
    spec = DataSpec(
        "voc-segmentation",
        _classes(root),
        *(3, side, side),
        *(IMAGENET_MEAN, IMAGENET_STD),
        "pixels",
    )
    names = {role: _names(root, file) for role, file in (("train", "train"), ("test", "val"))}
    rows = {role: torch.arange(len(there)) for role, there in names.items()}
    alike = {role: torch.zeros_like(own) for role, own in rows.items()}  # no strata
    held = None
    if options.validation:
        rows["train"], held = hold_out(
            alike["train"], rows["train"], options.validation, options.split_seed
        )

    def split(role: str, source: str, chosen: Tensor, policy: str) -> VocSplit:
        kept = limited(alike[source], chosen, options.limit, options.split_seed)
        assert kept is not None
        return VocSplit(role, root, [names[source][row] for row in kept.tolist()], spec, policy)

    return DataSet(
        spec,
        train=split("train", "train", rows["train"], options.augment),
        validation=None if held is None else split("validation", "train", held, "none"),
        test=split("test", "test", rows["test"], "none"),
    )


class VocSplit(Split):
    """A split of pictures and masks, by their names; `policy` is one of `POLICIES`.

    With ``scale-crop-flip`` picture and mask together are scaled by a factor from 0.5 to 2, cut or
    padded to size at a random place, and every second one is mirrored.
    """

    def __init__(
        self, name: str, root: Path, names: Sequence[str], spec: DataSpec, policy: str
    ) -> None:
        if policy not in POLICIES:
            raise ConfigError(
                f"the augmentation of voc-segmentation is one of {', '.join(POLICIES)}; it is "
                f"{policy!r}.{did_you_mean(policy, POLICIES)}"
            )
        self.name = name
        self.root = root
        self.spec = spec
        self.policy = policy
        self.targets = torch.zeros(len(names), dtype=torch.int64)
        self._names = np.array(names)  # workers that fork share it, unlike a list
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

        Raises:
            ConfigError: several `views` are asked for, whose masks would differ.
        """
        if views > 1:
            raise ConfigError(f"voc-segmentation gives one view of a picture, not {views}.")
        draws = None
        if augment and self.policy != "none":
            draws = uniforms(seed, epoch, torch.arange(len(self)), 4)
        items = _Views(self.root, self._names, self.spec, draws)
        for index, (images, target) in zip(
            plan, read_batches(items, plan, _stacked, workers), strict=True
        ):
            yield Batch(normalised(images, self.spec.mean, self.spec.std), target, index)

    def fingerprint(self) -> str:
        """Return the SHA-256 over name and sizes in bytes of picture and mask, sorted by name.

        The pictures themselves are not read: a file changed within its length goes unseen.
        """
        if not self._fingerprint:
            digest = hashlib.sha256()
            for name in sorted(self._names.tolist()):
                sizes = (file.stat().st_size for file in _files(self.root, name))
                digest.update("\t".join([name, *map(str, sizes)]).encode() + b"\n")
            self._fingerprint = digest.hexdigest()
        return self._fingerprint


class _Views(Dataset[View | DataError]):
    """What the workers hold: each item is a function of its picture and its draws alone."""

    def __init__(
        self,
        root: Path,
        names: np.ndarray[tuple[int], np.dtype[np.str_]],
        spec: DataSpec,
        draws: Tensor | None,
    ) -> None:
        self.root, self.names, self.spec, self.draws = root, names, spec, draws

    def __getitem__(self, index: int) -> View | DataError:
        try:
            picture, mask = _read(self.root, str(self.names[index]), self.spec.num_classes)
        except DataError as error:
            return error
        scale, top, left, mirrored = 1.0, 0.5, 0.5, False
        if self.draws is not None:
            chance, top, left, side = self.draws[index].tolist()
            scale, mirrored = _SCALES[0] + (_SCALES[1] - _SCALES[0]) * chance, side < 0.5
        return _view(picture, mask, self.spec, scale, (top, left), mirrored)


def _view(
    picture: Image.Image,
    mask: Image.Image,
    spec: DataSpec,
    scale: float,
    place: tuple[float, float],
    mirrored: bool,
) -> View:
    """Return a picture and its mask, scaled, cut or padded to size, and mirrored.

    At a scale of 1 the longer side fits. `place` is where the size lies in the picture, or the
    picture in it, from 0 (top, left) to 1.
    """
    factor = scale * spec.height / max(picture.size)
    size = (max(round(side * factor), 1) for side in picture.size)
    width, height = size
    pixels = np.array(picture.resize((width, height), Image.Resampling.BILINEAR))
    classes = np.array(mask.resize((width, height), Image.Resampling.NEAREST), np.int64)
    colour = np.array([round(255 * value) for value in spec.mean], np.uint8)
    images = np.broadcast_to(colour, (spec.height, spec.width, 3)).copy()
    target = np.full((spec.height, spec.width), _VOID, np.int64)
    spans = [
        _span(own, wanted, where)
        for own, wanted, where in zip(
            (height, width), (spec.height, spec.width), place, strict=True
        )
    ]
    source, goal = (tuple(span[end] for span in spans) for end in (0, 1))
    images[goal], target[goal] = pixels[source], classes[source]
    target[target == _VOID] = UNLABELLED
    if mirrored:
        images, target = images[:, ::-1], target[:, ::-1]
    return (
        torch.from_numpy(images.transpose(2, 0, 1).copy()),
        torch.from_numpy(target.copy()),
    )


def _span(own: int, wanted: int, where: float) -> tuple[slice, slice]:
    """Return what of `own` pixels goes where of the `wanted` ones.

    >>> _span(10, 4, 0.5), _span(2, 4, 0.0)
    ((slice(3, 7, None), slice(0, 4, None)), (slice(0, 2, None), slice(0, 2, None)))
    """
    over = abs(own - wanted)
    first, count = min(int(where * (over + 1)), over), min(own, wanted)
    window, whole = slice(first, first + count), slice(0, count)
    return (window, whole) if own > wanted else (whole, window)


def _stacked(views: list[View]) -> tuple[Tensor, Tensor]:
    images, targets = zip(*views, strict=True)
    return torch.stack(images), torch.stack(targets)


def _read(root: Path, name: str, num_classes: int) -> tuple[Image.Image, Image.Image]:
    """Return a picture in colours, and its mask in grey levels that are class numbers.

    Raises:
        DataError: a file is missing or broken, or the mask does not fit.
    """
    file, mask_file = _files(root, name)
    picture = read_picture(file, "RGB")
    try:
        with Image.open(mask_file) as opened:
            mode, levels = opened.mode, np.array(opened)
    except BROKEN as error:
        raise DataError(
            f"{mask_file} must be a PNG of class numbers; reading it failed "
            f"({type(error).__name__}: {error}). Put a whole copy in its place."
        ) from error
    if mode not in ("P", "L") or levels.shape != (picture.height, picture.width):
        raise DataError(
            f"{mask_file} must be a palette or grey PNG of the size of its picture, "
            f"{picture.size}; it is of mode {mode} and size {levels.shape[1::-1]}. Write it anew."
        )
    unknown = levels[(levels >= num_classes) & (levels != _VOID)]
    if len(unknown):
        raise DataError(
            f"{mask_file} must hold classes from 0 to {num_classes - 1}, or 255 for none; it holds "
            f"{unknown[0]}. Correct it, or name your classes in {root / 'classes.txt'}."
        )
    return picture, Image.fromarray(levels)


def _files(root: Path, name: str) -> tuple[Path, Path]:
    return root / "JPEGImages" / f"{name}.jpg", root / "SegmentationClass" / f"{name}.png"


def _root(root: Path | None) -> Path:
    inside = Path("VOCdevkit") / "VOC2012"
    searched = [there for place in places(root) for there in (place, place / inside)]
    for there in searched:
        if (there / "ImageSets" / "Segmentation").is_dir():
            return there
    raise DataError(
        f"a folder with ImageSets/Segmentation, JPEGImages and SegmentationClass is wanted at one "
        f"of {', '.join(map(str, searched))}; there is none. Download VOC 2012 from its owners and "
        f"name the folder with data.root."
    )


def _classes(root: Path) -> tuple[str, ...]:
    listed = root / "classes.txt"
    if not listed.is_file():
        return CLASSES
    lines = listed.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _names(root: Path, file: str) -> list[str]:
    """Return the names in a list, every one of them there."""
    listed = root / "ImageSets" / "Segmentation" / f"{file}.txt"
    names = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
    if not names:
        raise DataError(
            f"{listed} must name pictures, a line each; it names none. Put it there: train.txt is "
            f"trained on, val.txt is the test split."
        )
    missing = [str(there) for name in names for there in _files(root, name) if not there.is_file()]
    if missing:
        raise DataError(
            f"every name in {listed} must have a picture and a mask; {len(missing)} files are "
            f"missing, the first is {missing[0]}. Put them there, or take the names out."
        )
    return names
