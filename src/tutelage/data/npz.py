"""Any pictures in one npz file of numpy arrays."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tutelage.data._data import DataOptions, DataSet, data_source
from tutelage.data.arrays import Pictures, array_data_set
from tutelage.errors import DataError
from tutelage.types import UNLABELLED

Arrays = dict[str, NDArray[np.generic]]

_SPELLINGS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"))  # Keras's, MedMNIST's


@data_source("npz", summary="pictures and labels as arrays in one npz file", policy="none")
def npz(options: DataOptions) -> DataSet:
    """Load the npz file `options.root`.

    Pictures are uint8, ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with C 1 or 3; labels
    are whole numbers from 0, ``[N]`` or ``[N, 1]``, and -100 in ``y_train`` where there is none.
    The keys are ``x_train``, ``y_train`` and, if
    there, ``x_val``, ``y_val``, ``x_test``, ``y_test``; or ``train_images``, ``train_labels`` and
    so on; or ``images`` and ``labels``, from which the splits are picked. ``classes``, if there,
    names the classes. Mean and standard deviation are measured on all but the test's pictures.

    Raises:
        DataError: the file is missing, broken or holds something else.
    """
    file = _file(options.root)
    arrays = _arrays(file)
    splits = _splits(file, arrays, _one_class)
    return array_data_set(
        "npz",
        _classes(file, arrays, splits["train"]),
        options,
        train=splits["train"],
        validation=splits.get("val"),
        test=splits.get("test"),
    )


@data_source(
    "multilabel", summary="pictures with many labels each, as arrays in one npz file", policy="none"
)
def multilabel(options: DataOptions) -> DataSet:
    """Load the npz file `options.root`, whose pictures have any number of labels.

    It is as for `npz`, but that labels are ``[N, C]``, a column for each class: 1 (or true) where
    the picture has it, 0 where it has not, -1 where that is unknown. One column is a binary task.
    What is held out is picked at random.

    Raises:
        DataError: the file is missing, broken or holds something else.
    """
    file = _file(options.root)
    arrays = _arrays(file)
    splits = _splits(file, arrays, _many_labels)
    count = splits["train"][1].shape[1]
    names = [str(name) for name in arrays.get("classes", np.arange(count))]
    if len(names) != count:
        raise DataError(
            f"classes in {file} must name each of the {count} columns of the labels; it has "
            f"{len(names)} names. Correct it, or leave it out."
        )
    return array_data_set(
        "multilabel",
        names,
        options,
        train=splits["train"],
        validation=splits.get("val"),
        test=splits.get("test"),
        task="labels",
    )


LabelReader = Callable[[Path, str, NDArray[np.generic], int], torch.Tensor]
"""From a file, a key, the array under it and the number of pictures to targets."""


def _splits(file: Path, arrays: Arrays, read_labels: LabelReader) -> dict[str, Pictures]:
    """Return the splits in a file, ``train`` among them, as its keys are spelled."""
    if "images" in arrays and "labels" in arrays:
        splits = {"train": _pictures(file, arrays, "images", "labels", read_labels)}
    else:
        splits = {
            role: _pictures(file, arrays, images.format(role), labels.format(role), read_labels)
            for images, labels in _SPELLINGS
            for role in ("train", "val", "test")
            if images.format(role) in arrays
        }
    if "train" not in splits:
        raise DataError(
            f"{file} must have the keys images and labels, or x_train and y_train; it has "
            f"{', '.join(arrays) or 'none'}. Rename the arrays."
        )
    return splits


def _file(root: Path | None) -> Path:
    if root is None or not root.expanduser().is_file():
        raise DataError(f"data.root must name an npz file; it is {root}. Give the file's path.")
    return root.expanduser()


def _arrays(file: Path) -> Arrays:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            return {key: content[key] for key in content.files}
    except (
        *(OSError, ValueError, EOFError, AttributeError, TypeError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        raise DataError(
            f"{file} must be an npz file of plain arrays; reading it failed ({error}). "
            f"Write it with numpy.savez."
        ) from error


def _pictures(
    file: Path, arrays: Arrays, image_key: str, label_key: str, read_labels: LabelReader
) -> Pictures:
    if label_key not in arrays:
        raise DataError(
            f"{file} must have {label_key} beside {image_key}; it has {', '.join(arrays)}. "
            f"Add the labels."
        )
    images = arrays[image_key]
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise DataError(
            f"{image_key} in {file} must be uint8 pictures [N, H, W], [N, H, W, C] or [N, C, H, W] "
            f"with C 1 or 3; it is {arrays[image_key].dtype} of shape {arrays[image_key].shape}. "
            f"Convert it to grey levels 0..255."
        )
    return (
        torch.from_numpy(np.ascontiguousarray(images)),
        read_labels(file, label_key, arrays[label_key], len(images)),
    )


def _one_class(file: Path, key: str, given: NDArray[np.generic], count: int) -> torch.Tensor:
    labels = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
    if labels.dtype.kind not in "iu" or labels.shape != (count,) or not len(labels):
        raise DataError(
            f"{key} in {file} must be one whole number for each of the {count} "
            f"pictures, and at least one; it is {given.dtype} of shape "
            f"{given.shape}. Number the classes from 0."
        )
    return torch.from_numpy(labels.astype(np.int64))


def _many_labels(file: Path, key: str, given: NDArray[np.generic], count: int) -> torch.Tensor:
    labels = given[:, None] if given.ndim == 1 else given
    if labels.dtype.kind not in "biuf" or labels.ndim != 2 or len(labels) != count or not count:
        raise DataError(
            f"{key} in {file} must be a row of numbers, one for each class, for each of the "
            f"{count} pictures, and at least one; it is {given.dtype} of shape {given.shape}. "
            f"Give 1 for a class that is there, 0 for one that is not, -1 where that is unknown."
        )
    return torch.from_numpy(labels.astype(np.float32))


def _classes(file: Path, arrays: Arrays, train: Pictures) -> list[str]:
    """Return the classes' names, or their numbers; each must have a picture to learn from."""
    labels = set(train[1].tolist()) - {UNLABELLED}
    names = [str(name) for name in arrays["classes"]] if "classes" in arrays else []
    wanted = set(range(len(names) or max(labels, default=0) + 1))
    if labels != wanted:
        raise DataError(
            f"the labels to train on in {file} must be all of 0..{len(wanted) - 1}; they lack "
            f"{sorted(wanted - labels)} and have {sorted(labels - wanted)} besides. "
            f"Number the classes from 0 without gaps."
        )
    return names or [str(number) for number in sorted(wanted)]
