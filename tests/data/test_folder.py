import hashlib
import multiprocessing
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from tutelage.data import DataOptions, DataSet, load
from tutelage.data.folder import IMAGENET_MEAN, IMAGENET_STD, FolderSplit, read_picture
from tutelage.errors import ConfigError, DataError


def picture(seed: int, width: int = 30, height: int = 24) -> Image.Image:
    chance = np.random.default_rng(seed)
    return Image.fromarray(chance.integers(0, 256, (height, width, 3), dtype=np.uint8))


def fill(place: Path, classes: str = "ab", count: int = 4, seed: int = 0) -> Path:
    for name in classes:
        (place / name).mkdir(parents=True)
        for number in range(count):
            end = "png" if number % 2 else "JPEG"
            seed += 1
            picture(seed).save(place / name / f"{number}.{end}")
    return place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in enumerate(("train", "val", "test")):
        fill(tmp_path / name, seed=100 * seed)
    return tmp_path


def options(root: Path, **others: object) -> DataOptions:
    return replace(DataOptions(root=root, image_size=16), **others)  # type: ignore[arg-type]


def views(data: DataSet, *, epoch: int = 1, seed: int = 0, workers: int = 0) -> torch.Tensor:
    plan = torch.arange(len(data.train)).split(3)
    batches = data.train.batches(plan, augment=True, seed=seed, epoch=epoch, workers=workers)
    return torch.cat([batch.images for batch in batches])


def test_files_and_labels_are_those_of_torchvisions_image_folder(root: Path) -> None:
    data = load("folder", options(root))
    assert data.validation is not None
    for split, name in ((data.train, "train"), (data.validation, "val"), (data.test, "test")):
        want = ImageFolder(str(root / name))
        assert isinstance(split, FolderSplit)
        files = [str(root / file.decode()) for file in split._files.tolist()]
        assert list(zip(files, split.targets.tolist(), strict=True)) == want.samples
    assert list(data.spec.classes) == want.classes


def test_the_test_view_is_the_middle_of_the_picture_resized_to_256_of_224(root: Path) -> None:
    data = load("folder", options(root, image_size=0))
    plan = [torch.tensor([7, 2])]
    batch = next(data.test.batches(plan, augment=False, seed=0, epoch=1))
    usual = v2.Compose(
        [
            v2.Resize(256),
            v2.CenterCrop(224),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    theirs = ImageFolder(str(root / "test"), transform=usual)
    want = torch.stack([theirs[7][0], theirs[2][0]])
    torch.testing.assert_close(batch.images, want, atol=2e-6, rtol=1e-6)
    assert batch.target.tolist() == [theirs[7][1], theirs[2][1]]
    assert batch.index.tolist() == [7, 2]


def test_views_are_the_same_with_and_without_workers_and_in_any_order(root: Path) -> None:
    data = load("folder", options(root))
    alone = views(data)
    assert torch.equal(views(data, workers=2), alone)
    order = torch.tensor([5, 1, 6])
    batch = next(data.train.batches([order], augment=True, seed=0, epoch=1))
    assert torch.equal(batch.images, alone[order])
    assert not torch.equal(views(data, epoch=2), alone)
    assert not torch.equal(views(data, seed=1), alone)


def test_a_split_travels_to_another_process_whole(root: Path) -> None:
    data = load("folder", options(root))
    copy = replace(data, train=pickle.loads(pickle.dumps(data.train)))
    assert torch.equal(views(copy), views(data))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_global_random_state_is_left_as_it_was(root: Path, workers: int) -> None:
    data = load("folder", options(root))
    torch.rand(1)  # off any state that a test before this one may have left behind
    before = torch.get_rng_state()
    views(data, workers=workers)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_crops_differ_between_pictures_and_flip_some_of_them(tmp_path: Path) -> None:
    ramp = np.empty((60, 60, 3), np.uint8)
    ramp[..., 0] = np.arange(0, 240, 4)
    ramp[..., 1:] = np.arange(0, 240, 4)[:, None, None]
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(40):
            Image.fromarray(ramp).save(tmp_path / name / f"{number}.png")
    images = views(load("folder", options(tmp_path)))
    rising = images[:, 0, :, -1].mean(1) > images[:, 0, :, 0].mean(1)
    assert 0.25 < rising.float().mean() < 0.75
    assert len(torch.unique(images, dim=0)) == len(images)


def children() -> int:
    return len(multiprocessing.active_children())


def test_workers_end_with_the_iterator_however_it_ends(root: Path) -> None:
    data = load("folder", options(root))
    plan = torch.arange(8).split(1)

    def start() -> Iterator[object]:
        batches = data.train.batches(plan, augment=True, seed=0, epoch=1, workers=1)
        next(batches)
        return batches

    for _ in start():
        pass
    assert children() == 0
    left = start()
    assert children() == 1
    left.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children() == 0


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "missing"])
def test_an_unreadable_picture_is_named_in_one_clean_sentence_even_by_a_worker(
    root: Path, workers: int, damage: str
) -> None:
    data = load("folder", options(root))
    file = root / "train" / "b" / "2.JPEG"
    content = {"truncated": file.read_bytes()[:700], "text": b"not a picture", "empty": b""}
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content[damage])
    with pytest.raises(DataError) as caught:
        views(data, workers=workers)
    message = str(caught.value)
    assert message.startswith(f"{file} must be a picture; reading it failed (")
    assert message.endswith("Put a whole copy in its place, or remove it.")
    assert "Traceback" not in message
    assert children() == 0


def test_every_kind_of_picture_becomes_colours_or_grey(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    deep = Image.fromarray(levels.astype(np.uint16) * 257)
    clear = Image.fromarray(np.dstack([levels, levels, levels, 255 - levels]))
    palette = Image.fromarray(np.zeros((16, 16), np.uint8), "P")
    palette.putpalette([10, 200, 30] + [0] * 765)
    hidden = palette.copy()
    hidden.info["transparency"] = 0
    cases: dict[str, tuple[Image.Image, np.ndarray[tuple[int, ...], np.dtype[np.integer]]]] = {
        "grey.png": (Image.fromarray(levels), levels[..., None].repeat(3, 2)),
        "deep.png": (deep, levels[..., None].repeat(3, 2)),
        "deep.tif": (deep, levels[..., None].repeat(3, 2)),
        "palette.png": (palette, np.full((16, 16, 3), [10, 200, 30])),
        "hidden.png": (hidden, np.full((16, 16, 3), 255)),
        "cmyk.tif": (picture(0, 16, 16).convert("CMYK"), np.asarray(picture(0, 16, 16))),
        "bits.png": (
            Image.fromarray(levels > 99),
            np.where(levels > 99, 255, 0)[..., None] * [1, 1, 1],
        ),
    }
    for name, (image, want) in cases.items():
        image.save(tmp_path / name)
        got = read_picture(tmp_path / name, "RGB")
        assert got.mode == "RGB"
        assert np.array_equal(np.asarray(got), want), name
        assert read_picture(tmp_path / name, "L").mode == "L"
    clear.save(tmp_path / "clear.png")
    shade = levels.astype(np.float64)
    over_white = (shade * (255 - shade) + 255 * shade) / 255
    blended = np.asarray(read_picture(tmp_path / "clear.png", "RGB"))[..., 0]
    assert np.abs(blended - over_white).max() <= 1


def test_floating_point_pictures_are_refused_since_their_white_is_unknown(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match="without a known range"):
        read_picture(tmp_path / "x.tif", "RGB")


def test_class_folders_alone_are_parted_class_by_class_by_the_seed(tmp_path: Path) -> None:
    fill(tmp_path, classes="abc", count=20)
    parted = [
        load("folder", options(tmp_path, split_seed=seed, validation=1 / 9)) for seed in (0, 0, 1)
    ]
    for data in parted:
        assert data.validation is not None
        parts = [data.train, data.validation, data.test]
        assert [torch.bincount(part.targets).tolist() for part in parts] == [
            [16, 16, 16] if part is data.train else [2, 2, 2] for part in parts
        ]
        files = [file for part in parts for file in part._files.tolist()]  # type: ignore[attr-defined]
        assert len(set(files)) == 60
    prints = [data.test.fingerprint() for data in parted]
    assert prints[0] == prints[1] != prints[2]


def test_train_and_val_alone_test_on_val_and_hold_validation_out_of_train(tmp_path: Path) -> None:
    fill(tmp_path / "train", count=10)
    fill(tmp_path / "val", count=3)
    data = load("folder", options(tmp_path, validation=0.2))
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 4, 6)
    assert isinstance(data.test, FolderSplit)
    assert all(file.startswith(b"val") for file in data.test._files.tolist())


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "car"):
        fill(tmp_path, classes="x", count=10)
        (tmp_path / "x").rename(tmp_path / name)
    assert load("folder", options(tmp_path)).spec.classes == ("car", "train")


def test_pictures_may_lie_deeper_and_hidden_and_other_files_do_not_count(root: Path) -> None:
    for split in ("train", "val", "test"):
        (root / split / ".cache").mkdir()
        (root / split / "a" / "deeper").mkdir()
        picture(0).save(root / split / "a" / "deeper" / "x.PNG")
        (root / split / "a" / "notes.txt").write_text("x")
        (root / split / "a" / "._0.JPEG").write_text("x")
    data = load("folder", options(root))
    assert data.spec.classes == ("a", "b")
    assert len(data.train) == 9


def test_the_fingerprint_is_the_sha256_of_sorted_paths_sizes_and_classes(root: Path) -> None:
    data = load("folder", options(root))
    lines = sorted(
        f"test/{name}/{file.name}\t{file.stat().st_size}\t{label}\n".encode()
        for label, name in enumerate("ab")
        for file in (root / "test" / name).iterdir()
    )
    assert data.test.fingerprint() == hashlib.sha256(b"".join(lines)).hexdigest()
    (root / "test" / "a" / "0.JPEG").write_bytes(b"shorter")
    assert load("folder", options(root)).test.fingerprint() != data.test.fingerprint()


def test_grey_is_the_luma_of_mean_and_deviation(root: Path) -> None:
    data = load("folder", options(root, channels=1))
    assert data.spec.mean == pytest.approx((0.299 * 0.485 + 0.587 * 0.456 + 0.114 * 0.406,))
    batch = next(data.train.batches([torch.arange(3)], augment=True, seed=0, epoch=1))
    assert batch.images.shape == (3, 1, 16, 16)


def test_a_limit_keeps_classes_balanced(root: Path) -> None:
    data = load("folder", options(root, limit=4))
    assert torch.bincount(data.train.targets).tolist() == [2, 2]
    assert torch.bincount(data.test.targets).tolist() == [2, 2]


def test_none_trains_on_the_test_view(root: Path) -> None:
    data = load("folder", options(root, augment="none"))
    plan = [torch.arange(8)]
    plain = next(data.train.batches(plan, augment=False, seed=0, epoch=1)).images
    assert torch.equal(next(data.train.batches(plan, augment=True, seed=0, epoch=1)).images, plain)


@pytest.mark.parametrize("workers", [0, 2])
def test_of_two_views_the_first_is_as_ever_and_the_second_is_cut_and_changed_anew(
    root: Path, workers: int
) -> None:
    def two(strong: str) -> tuple[torch.Tensor, torch.Tensor]:
        data = load("folder", options(root, strong_augment=strong))
        batches = data.train.batches(
            [torch.arange(8)], augment=True, seed=0, epoch=1, workers=workers, views=2
        )
        batch = next(batches)
        assert batch.target.tolist() == data.train.targets.tolist()
        return batch.images[:8], batch.images[8:]

    first, again = two("resized-crop-flip")
    assert torch.equal(first, views(load("folder", options(root))))
    assert not (again == first).flatten(1).all(1).any()
    hidden = torch.isclose(two("resized-crop-flip-cutout8")[1], torch.zeros(()), atol=0.02)
    assert hidden.all(1).sum((1, 2)).min() >= 8 * 8 / 4  # a corner of the square at least
    stronger = two("strong")[1]
    assert torch.equal(stronger, two("resized-crop-flip-autoaugment")[1])
    assert not torch.equal(stronger, again)
    plain = load("folder", options(root)).test
    assert torch.equal(two("autoaugment")[0], first)
    still = next(plain.batches([torch.arange(4)], augment=False, seed=0, epoch=1, views=2)).images
    assert torch.equal(*still.split(4))


def test_a_layout_that_is_not_one_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs data\.root"):
        load("folder")
    with pytest.raises(DataError, match="nowhere; there is none"):
        load("folder", options(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="it holds no folder"):
        load("folder", options(root / "train" / "a"))
    with pytest.raises(ConfigError, match="'rotate-flip'"):
        load("folder", options(root, augment="rotate-flop"))
    with pytest.raises(ConfigError, match="'rotate-flip-autoagument'"):
        load("folder", options(root, strong_augment="rotate-flip-autoagument"))
    with pytest.raises(ConfigError, match=r"data\.test = 0\.0"):
        load("folder", options(root / "train", test=0.0))
    (root / "val" / "c").mkdir()
    with pytest.raises(DataError, match=r"none are in c\."):
        load("folder", options(root))
    picture(0).save(root / "val" / "c" / "x.png")
    with pytest.raises(DataError, match=r"validation lacks \[\] and has \['c'\]"):
        load("folder", options(root))


@pytest.mark.parametrize("place", ["unlabelled", "train/unlabelled"])
def test_a_folder_of_unlabelled_pictures_joins_the_train_split(root: Path, place: str) -> None:
    (root / place / "more").mkdir(parents=True)
    for seed, name in enumerate(["one.png", "more/two.png"]):
        picture(900 + seed).save(root / place / name)
    data = load("folder", options(root))
    assert data.spec.classes == ("a", "b")
    assert data.train.targets.tolist() == [0] * 4 + [1] * 4 + [-100] * 2
    batch = next(data.train.batches([torch.tensor([0, 9])], augment=False, seed=0, epoch=1))
    assert batch.target.tolist() == [0, -100]
    assert batch.images.shape == (2, 3, 16, 16)


def test_of_class_folders_alone_only_labelled_pictures_are_held_out(tmp_path: Path) -> None:
    fill(tmp_path, count=20)
    (tmp_path / "unlabelled").mkdir()
    for seed in range(10):
        picture(seed).save(tmp_path / "unlabelled" / f"{seed}.png")
    data = load("folder", options(tmp_path))
    assert data.validation is not None
    assert torch.bincount(data.test.targets).tolist() == [2, 2]
    assert (data.validation.targets >= 0).all()
    assert (data.train.targets == -100).sum() == 10
