from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from tutelage.data import DataOptions, load
from tutelage.errors import DataError

SYNSETS = ("n01440764", "n01443537")


def fill(root: Path, *, size: tuple[int, int], below: str = "") -> Path:
    chance = np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 3)):
        for synset in SYNSETS:
            place = root / split / synset / below
            place.mkdir(parents=True)
            for number in range(count):
                pixels = chance.integers(0, 256, (*size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{synset}_{number}.JPEG")
    (root / "test").mkdir()  # as downloaded: pictures without labels
    Image.fromarray(pixels).save(root / "test" / "ILSVRC2012_test_00000001.JPEG")
    return root


def test_val_is_the_test_split_and_validation_a_share_of_train(tmp_path: Path) -> None:
    root = fill(tmp_path, size=(20, 30))
    data = load("imagenet", DataOptions(root=root, validation=0.2))
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 4, 6)
    assert data.spec.classes == SYNSETS
    assert data.test.targets.tolist() == ImageFolder(str(root / "val")).targets
    assert (data.spec.height, data.spec.width) == (224, 224)
    assert data.spec.mean == (0.485, 0.456, 0.406)
    assert data.spec.std == (0.229, 0.224, 0.225)
    for split, augment in ((data.train, True), (data.test, False)):
        batch = next(split.batches([torch.arange(2)], augment=augment, seed=0, epoch=1))
        assert batch.images.shape == (2, 3, 224, 224)


def test_tiny_imagenet_tests_the_pictures_as_they_are_and_turns_them_to_train(
    tmp_path: Path,
) -> None:
    root = fill(tmp_path, size=(64, 64), below="images")
    data = load("tiny-imagenet", DataOptions(root=root))
    batch = next(data.test.batches([torch.arange(6)], augment=False, seed=0, epoch=1))
    usual = v2.Compose(
        [
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.4802, 0.4481, 0.3975), (0.2302, 0.2265, 0.2262)),
        ]
    )
    theirs = ImageFolder(str(root / "val"), transform=usual)
    want = torch.stack([theirs[number][0] for number in range(6)])
    torch.testing.assert_close(batch.images, want, atol=2e-6, rtol=1e-6)

    turned = next(data.train.batches([torch.arange(8)], augment=True, seed=0, epoch=1)).images
    black = (turned[:, :, 0, 0] < -1.7).all(1)  # turned by more than a degree, a corner is empty
    assert black.sum() >= 6


def test_the_usual_places_are_searched_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTELAGE_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"imagenet, data/imagenet.*data\.root"):
        load("imagenet")
    fill(tmp_path / "imagenet", size=(8, 8))
    assert len(load("imagenet").test) == 6


def test_a_folder_without_val_is_refused_rather_than_split(tmp_path: Path) -> None:
    root = fill(tmp_path, size=(8, 8))
    (root / "val").rename(root / "valid")
    with pytest.raises(DataError, match=r"wanted at .*val; there is none"):
        load("imagenet", DataOptions(root=root))
