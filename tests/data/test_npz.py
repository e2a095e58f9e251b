from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tutelage.data import DataOptions, load
from tutelage.data.arrays import ArraySplit
from tutelage.errors import DataError


def images(count: int, *shape: int) -> NDArray[np.uint8]:
    chance = np.random.default_rng(count)
    return chance.integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int) -> NDArray[np.int64]:
    return np.arange(count) % 3


def options(folder: Path, **arrays: Any) -> DataOptions:
    np.savez(folder / "made.npz", **arrays)
    return DataOptions(root=folder / "made.npz")


@pytest.mark.parametrize(
    ("keys", "label_shape"), [(("x_{}", "y_{}"), (-1,)), (("{}_images", "{}_labels"), (-1, 1))]
)
def test_splits_are_taken_as_they_are_spelled_in_the_file(
    tmp_path: Path, keys: tuple[str, str], label_shape: tuple[int, ...]
) -> None:
    arrays: dict[str, Any] = {}
    for role, count in (("train", 30), ("val", 9), ("test", 12)):
        arrays[keys[0].format(role)] = images(count, 6, 5)
        arrays[keys[1].format(role)] = labels(count).reshape(label_shape)
    data = load("npz", options(tmp_path, **arrays))
    assert data.validation is not None
    for split, count in ((data.train, 30), (data.validation, 9), (data.test, 12)):
        assert isinstance(split, ArraySplit)
        assert np.array_equal(split.images(torch.arange(count))[:, 0].numpy(), images(count, 6, 5))
        assert split.targets.tolist() == labels(count).tolist()
    assert (data.spec.channels, data.spec.height, data.spec.width) == (1, 6, 5)
    assert data.spec.mean == pytest.approx((images(30, 6, 5).mean() / 255,))
    assert data.spec.std == pytest.approx((images(30, 6, 5).std() / 255,))
    assert data.spec.classes == ("0", "1", "2")


def test_channels_first_and_channels_last_are_the_same_pictures(tmp_path: Path) -> None:
    last = images(30, 6, 5, 3)
    first = last.transpose(0, 3, 1, 2)
    one, other = (
        load("npz", options(tmp_path, images=pixels, labels=labels(30))) for pixels in (last, first)
    )
    assert one.spec == other.spec
    assert one.spec.channels == 3
    assert one.train.fingerprint() == other.train.fingerprint()


def test_pictures_without_splits_are_parted_class_by_class_and_classes_can_have_names(
    tmp_path: Path,
) -> None:
    names = np.array(["cat", "dog", "eel"])
    data = load(
        "npz", options(tmp_path, images=images(300, 4, 4), labels=labels(300), classes=names)
    )
    assert data.validation is not None
    assert data.spec.classes == ("cat", "dog", "eel")
    assert torch.bincount(data.test.targets).tolist() == [10, 10, 10]
    assert torch.bincount(data.validation.targets).tolist() == [9, 9, 9]
    assert torch.bincount(data.train.targets).tolist() == [81, 81, 81]


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"pictures": images(3, 4, 4)}, "it has pictures"),
        ({"x_train": images(3, 4, 4)}, "must have y_train beside x_train"),
        ({"images": images(3, 4, 4) / 255, "labels": labels(3)}, "float64"),
        ({"images": images(3, 4, 4, 2), "labels": labels(3)}, r"\(3, 4, 4, 2\)"),
        ({"images": images(3, 4), "labels": labels(3)}, r"\(3, 4\)"),
        ({"images": images(3, 4, 4), "labels": labels(4)}, r"shape \(4,\)"),
        ({"images": images(3, 4, 4), "labels": labels(3) / 2}, "float64"),
        ({"images": images(0, 4, 4), "labels": labels(0)}, "at least one"),
        ({"images": images(3, 4, 4), "labels": labels(3) + 1}, r"lack \[0\]"),
        ({"images": images(3, 4, 4), "labels": labels(3) - 1}, r"have \[-1\]"),
        (
            {"images": images(3, 4, 4), "labels": labels(3), "classes": np.array(["a", "b"])},
            r"0..1; they lack \[\] and have \[2\]",
        ),
        (
            {
                "x_train": images(3, 4, 4), "y_train": labels(3),
                "x_test": images(1, 4, 4), "y_test": np.array([3]),
            },
            "must lie in 0..2; they go from 3 to 3",
        ),
        ({"images": images(3, 4, 4), "labels": np.array([0, "x", None], object)}, "allow_pickle"),
    ],
)  # fmt: skip
def test_a_file_of_other_arrays_is_refused(
    tmp_path: Path, arrays: dict[str, Any], word: str
) -> None:
    with pytest.raises(DataError, match=word):
        load("npz", options(tmp_path, **arrays))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"\x93NUMPY", b"text"])
def test_a_file_that_is_no_npz_is_refused_and_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "made.npz"
    file.write_bytes(content)
    with pytest.raises(DataError, match="must be an npz file of plain arrays") as caught:
        load("npz", DataOptions(root=file))
    assert str(file) in str(caught.value)


def test_a_plain_npy_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "made.npy", images(3, 4, 4))
    with pytest.raises(DataError, match="must be an npz file"):
        load("npz", DataOptions(root=tmp_path / "made.npy"))


@pytest.mark.parametrize("root", [None, Path("nowhere.npz")])
def test_a_root_that_is_no_file_is_refused(root: Path | None) -> None:
    with pytest.raises(DataError, match=rf"it is {root}"):
        load("npz", DataOptions(root=root))


def many_labels(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(count).integers(0, 2, (count, 4))


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64, np.float32, np.float64])
def test_many_labels_a_picture_are_read_from_any_number_type(
    tmp_path: Path, kind: type[np.generic]
) -> None:
    given = many_labels(40).astype(kind)
    data = load("multilabel", options(tmp_path, images=images(40, 4, 4), labels=given))
    assert data.validation is not None
    assert data.spec.task == "labels"
    assert data.spec.classes == ("0", "1", "2", "3")
    assert data.train.targets.dtype == torch.float32
    parts = [split.targets for split in (data.train, data.validation, data.test)]
    assert sorted(torch.cat(parts).tolist()) == sorted(many_labels(40).astype(float).tolist())
    other = load(
        "multilabel",
        options(tmp_path, images=images(40, 4, 4), labels=1 - many_labels(40)),
    )
    assert other.train.fingerprint() != data.train.fingerprint()


def test_a_column_of_labels_is_a_binary_task_and_minus_one_is_unknown(tmp_path: Path) -> None:
    given = np.array([1, 0, -1] * 10)
    names = np.array(["cat"])
    data = load(
        "multilabel", options(tmp_path, images=images(30, 4, 4), labels=given, classes=names)
    )
    assert data.spec.classes == ("cat",)
    batch = next(data.train.batches([torch.arange(24)], augment=False, seed=0, epoch=1))
    assert batch.target.shape == (24, 1)
    assert {*batch.target.flatten().tolist()} == {-1.0, 0.0, 1.0}


@pytest.mark.parametrize(
    ("labels", "word"),
    [
        (np.full((30, 4), 2), "or -1 .unknown.; there is 2"),
        (np.full((30, 4), np.nan), "there is nan"),
        (np.full((29, 4), 1), r"shape \(29, 4\)"),
        (np.full((30, 4, 2), 1), r"shape \(30, 4, 2\)"),
        (np.full((30, 4), "cat"), "a row of numbers"),
    ],
)
def test_labels_that_are_none_are_refused(
    tmp_path: Path, labels: NDArray[np.generic], word: str
) -> None:
    with pytest.raises(DataError, match=word):
        load("multilabel", options(tmp_path, images=images(30, 4, 4), labels=labels))


def test_names_must_be_as_many_as_the_labels(tmp_path: Path) -> None:
    names = np.array(["cat", "dog"])
    given = options(tmp_path, images=images(30, 4, 4), labels=many_labels(30), classes=names)
    with pytest.raises(DataError, match=r"each of the 4 columns.*it has 2 names"):
        load("multilabel", given)


def test_pictures_without_a_label_are_trained_on_and_never_held_out(tmp_path: Path) -> None:
    some = np.where(np.arange(300) < 90, labels(300), -100)
    data = load("npz", options(tmp_path, images=images(300, 4, 4), labels=some))
    assert data.validation is not None
    assert torch.bincount(data.test.targets).tolist() == [3, 3, 3]
    assert (data.validation.targets >= 0).all()
    assert (data.train.targets == -100).sum() == 210
    assert len(data.train.labelled) == 90 - 9 - len(data.validation)
    assert data.spec.classes == ("0", "1", "2")


def test_a_test_picture_without_a_label_is_refused(tmp_path: Path) -> None:
    arrays = {"x_train": images(3, 4, 4), "y_train": labels(3), "x_test": images(1, 4, 4)}
    with pytest.raises(DataError, match="they go from -100 to -100"):
        load("npz", options(tmp_path, **arrays, y_test=np.array([-100])))


def test_labels_are_hidden_class_by_class_and_the_more_the_same_ones_first(
    tmp_path: Path,
) -> None:
    whole = options(tmp_path, images=images(300, 4, 4), labels=labels(300))
    full, few, fewer = (
        load("npz", replace(whole, unlabelled=share)) for share in (0.0, 2 / 3, 8 / 9)
    )
    assert torch.bincount(few.train.targets[few.train.labelled]).tolist() == [27, 27, 27]
    assert torch.bincount(fewer.train.targets[fewer.train.labelled]).tolist() == [9, 9, 9]
    assert {*fewer.train.labelled.tolist()} < {*few.train.labelled.tolist()}
    kept = few.train.labelled
    assert torch.equal(few.train.targets[kept], full.train.targets[kept])
    assert torch.equal(few.test.targets, full.test.targets)
    assert few.train.fingerprint() != full.train.fingerprint()
