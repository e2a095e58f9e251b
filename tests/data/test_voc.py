import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets import VOCSegmentation

from tutelage.data import DataOptions, DataSet, Split, load
from tutelage.data.folder import IMAGENET_MEAN, IMAGENET_STD
from tutelage.data.voc import CLASSES
from tutelage.errors import ConfigError, DataError


def write(root: Path, count: int = 20) -> Path:
    """Halves of class 3, bright, and 7, dark, parted by a void line; upright or level."""
    place = root / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (place / folder).mkdir(parents=True)
    for number in range(count):
        mask = np.full((40, 60), 7, np.uint8)
        mask[:, :30] = 3
        mask[:, 30] = 255
        pixels = np.where(mask == 3, 220, 30).astype(np.uint8)[..., None].repeat(3, 2)
        if number % 2:
            mask, pixels = mask.T, pixels.transpose(1, 0, 2)
        Image.fromarray(pixels).save(place / "JPEGImages" / f"{number}.jpg", quality=95)
        image = Image.fromarray(mask)
        image.putpalette(list(range(256)) * 3)
        image.save(place / "SegmentationClass" / f"{number}.png")
    names = [f"{number}\n" for number in range(count)]
    for part, chosen in (("train", names[: count - 6]), ("val", names[count - 6 :])):
        (place / "ImageSets" / "Segmentation" / f"{part}.txt").write_text("".join(chosen))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path)


def options(root: Path, **others: object) -> DataOptions:
    return replace(DataOptions(root=root, image_size=32), **others)  # type: ignore[arg-type]


def read(
    split: Split, *, augment: bool = True, epoch: int = 1, workers: int = 0
) -> tuple[Tensor, Tensor]:
    plan = torch.arange(len(split)).split(4)
    batches = [*split.batches(plan, augment=augment, seed=0, epoch=epoch, workers=workers)]
    return torch.cat([one.images for one in batches]), torch.cat([one.target for one in batches])


def test_pictures_and_masks_are_torchvisions_and_the_middle_scaled_until_it_fits(
    root: Path,
) -> None:
    data = load("voc-segmentation", options(root, image_size=60, validation=0.0))
    assert data.validation is None
    assert data.spec.classes == CLASSES
    for split, name in ((data.train, "train"), (data.test, "val")):
        images, target = read(split, augment=False)
        theirs = VOCSegmentation(str(root), year="2012", image_set=name)
        assert len(theirs) == len(images)
        for (picture, mask), ours, its in zip(theirs, images, target, strict=True):
            pixels, classes = torch.from_numpy(np.array(picture)), torch.from_numpy(np.array(mask))
            upright = picture.width < picture.height
            crop = (Ellipsis, slice(10, 50)) if upright else (Ellipsis, slice(10, 50), slice(None))
            mean, std = (
                torch.tensor(value)[:, None, None] for value in (IMAGENET_MEAN, IMAGENET_STD)
            )
            want = (pixels.movedim(2, 0) / 255 - mean) / std
            torch.testing.assert_close(ours[crop], want, atol=1e-5, rtol=1e-5)
            inside = its[crop]
            assert torch.equal(inside.masked_fill(inside == -100, 255), classes.long())
            assert (its == -100).sum() == 20 * 60 + (classes == 255).sum()


def test_picture_and_mask_move_together(root: Path) -> None:
    images, target = read(load("voc-segmentation", options(root, validation=0.0)).train)
    brightness = images.mean(1)
    bright, dark = brightness[target == 3], brightness[target == 7]
    assert len(bright) > 1000 < len(dark)
    # All but what scaling blurs along the border between them.
    assert (bright > 0).float().mean() > 0.97
    assert (dark < 0).float().mean() > 0.97
    padding = brightness[target == -100]
    assert (padding.abs() < 0.02).float().mean() > 0.5  # the mean colour
    level = target[0::2]
    left = torch.stack(
        [(row == 3).float().argmax() < (row == 7).float().argmax() for row in level[:, 16]]
    )
    assert 0 < left.float().mean() < 1  # some are mirrored
    shares = (target != -100).flatten(1).float().mean(1)
    assert shares.min() < 0.65 < 0.95 < shares.max()  # scaled down, and up


def test_views_depend_on_seed_epoch_and_index_alone(root: Path) -> None:
    data = load("voc-segmentation", options(root))
    images, target = read(data.train)
    torch.rand(1)
    before = torch.get_rng_state()
    again, its = read(data.train, workers=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(images, again)
    assert torch.equal(target, its)
    order = torch.tensor([5, 1, 6])
    travelled = pickle.loads(pickle.dumps(data.train))
    batch = next(travelled.batches([order], augment=True, seed=0, epoch=1))
    assert torch.equal(batch.images, images[order])
    assert torch.equal(batch.target, target[order])
    assert not torch.equal(read(data.train, epoch=2)[0], images)


def names(data: DataSet, role: str) -> set[str]:
    return {*getattr(data, role)._names.tolist()}


def test_validation_is_a_share_of_train_and_val_is_the_test_split(root: Path) -> None:
    data = load("voc-segmentation", options(root, validation=0.25))
    assert names(data, "test") == {str(number) for number in range(14, 20)}
    assert len(names(data, "validation")) == round(0.25 * 14)
    assert names(data, "train") | names(data, "validation") == {str(n) for n in range(14)}
    other = load("voc-segmentation", options(root, validation=0.25, split_seed=1))
    assert names(other, "validation") != names(data, "validation")
    few = load("voc-segmentation", options(root, limit=3))
    assert len(few.train) == len(few.test) == 3
    assert few.train.fingerprint() != data.train.fingerprint()


def test_a_file_names_classes_other_than_vocs(root: Path) -> None:
    place = root / "VOCdevkit" / "VOC2012"
    (place / "classes.txt").write_text("".join(f"kind {n}\n" for n in range(8)))
    data = load("voc-segmentation", options(place))
    assert data.spec.classes == tuple(f"kind {n}" for n in range(8))
    (place / "classes.txt").write_text("ground\nthing\n")
    with pytest.raises(DataError, match=r"classes from 0 to 1, or 255 .* it holds [37]\."):
        read(load("voc-segmentation", options(place)).train)


def spoil(root: Path, what: str) -> None:
    place = root / "VOCdevkit" / "VOC2012"
    mask = place / "SegmentationClass" / "0.png"
    if what == "gone":
        mask.unlink()
    elif what == "cut":
        mask.write_bytes(mask.read_bytes()[:60])
    elif what == "colours":
        Image.open(mask).convert("RGB").save(mask)
    elif what == "small":
        Image.open(mask).crop((0, 0, 10, 10)).save(mask)
    elif what == "list":
        (place / "ImageSets" / "Segmentation" / "train.txt").write_text("")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("gone", "1 files are missing, the first is .*0.png"),
        ("cut", "must be a PNG of class numbers"),
        ("colours", "it is of mode RGB"),
        ("small", r"size of its picture, \(60, 40\).*size \(10, 10\)"),
        ("list", "train.txt must name pictures"),
    ],
)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_folder_is_told(root: Path, what: str, message: str, workers: int) -> None:
    spoil(root, what)
    with pytest.raises(DataError, match=message):
        read(load("voc-segmentation", options(root, validation=0.0)).train, workers=workers)


def test_what_is_not_there_and_what_is_not_known_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Download VOC 2012 from its owners"):
        load("voc-segmentation", options(tmp_path / "nowhere"))
    with pytest.raises(
        ConfigError, match=r"scale-crop-flip, none; it is 'crop-flip'\. Did you mean"
    ):
        load("voc-segmentation", options(root, augment="crop-flip"))
    with pytest.raises(ConfigError, match=r"data\.channels is 1"):
        load("voc-segmentation", options(root, channels=1))
