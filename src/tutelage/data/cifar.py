"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), from the python files torchvision downloads."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.datasets import CIFAR10, CIFAR100
from torchvision.datasets.utils import download_and_extract_archive

from tutelage.data._data import DataOptions, DataSet, data_source
from tutelage.data._files import obtain
from tutelage.data.arrays import Pictures, array_data_set
from tutelage.errors import DataError


@data_source(
    "cifar10",
    summary="CIFAR-10: 60,000 colour pictures of 32x32, 10 classes",
    policy="crop-flip",
)
def cifar10(options: DataOptions) -> DataSet:
    """Load CIFAR-10: 50,000 pictures to train on (validation is held out of them), 10,000 to test.

    Raises:
        DataError: the files are missing and cannot be downloaded, or broken.
    """
    folder = _folder("CIFAR-10", CIFAR10, options.root)
    return array_data_set(
        "cifar10",
        _entry(folder / "batches.meta", "label_names", list),
        options,
        train=_pictures([folder / f"data_batch_{n}" for n in range(1, 6)], "labels"),
        test=_pictures([folder / "test_batch"], "labels"),
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
    )


@data_source(
    "cifar100",
    summary="CIFAR-100: 60,000 colour pictures of 32x32, 100 classes",
    policy="crop-flip",
)
def cifar100(options: DataOptions) -> DataSet:
    """Load CIFAR-100, fine labels: 50,000 pictures to train on, 10,000 to test; see `cifar10`.

    Raises:
        DataError: the files are missing and cannot be downloaded, or broken.
    """
    folder = _folder("CIFAR-100", CIFAR100, options.root)
    return array_data_set(
        "cifar100",
        _entry(folder / "meta", "fine_label_names", list),
        options,
        train=_pictures([folder / "train"], "fine_labels"),
        test=_pictures([folder / "test"], "fine_labels"),
        mean=(0.5071, 0.4867, 0.4408),
        std=(0.2675, 0.2565, 0.2761),
    )


def _folder(name: str, source: type[CIFAR10], root: Path | None) -> Path:
    def fetch(home: Path) -> None:
        download_and_extract_archive(source.url, home, filename=source.filename, md5=source.tgz_md5)

    by_hand = f"{source.filename} (from {source.url})"
    return obtain(name, Path(source.base_folder), root, fetch, by_hand)


def _pictures(files: list[Path], label_key: str) -> Pictures:
    images, labels = [], []
    for file in files:
        rows = _entry(file, "data", np.ndarray)
        names = _entry(file, label_key, list)
        if rows.dtype != np.uint8 or rows.shape != (len(names), 3072):
            raise DataError(
                f"{file} must hold uint8 rows of 3072 = 3 x 32 x 32 and a label for each; it holds "
                f"{rows.dtype} of shape {rows.shape} and {len(names)} labels. Extract the archive "
                f"again."
            )
        images.append(rows.reshape(-1, 3, 32, 32))
        labels.extend(names)
    return torch.from_numpy(np.concatenate(images)), torch.tensor(labels, dtype=torch.int64)


def _entry(file: Path, key: str, kind: type[Any]) -> Any:
    """Return one value of the dictionary in a python batch file."""
    try:
        content = _ArraysOnly(io.BytesIO(file.read_bytes()), encoding="latin1").load()
        value = content[key]
    except FileNotFoundError as error:
        raise DataError(
            f"{file} is missing. Remove {file.parent} and extract the archive again."
        ) from error
    except Exception as error:  # a broken pickle can raise anything
        raise DataError(
            f"{file} must be a pickled dictionary of arrays and lists with the key {key!r}; "
            f"reading it failed ({type(error).__name__}: {error}). Remove {file.parent} and "
            f"extract the archive again."
        ) from error
    if not isinstance(value, kind):
        raise DataError(
            f"{key!r} in {file} must be a {kind.__name__}; it is a {type(value).__name__}. "
            f"Extract the archive again."
        )
    return value


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for `codecs.encode`, by which Python 3 spells bytes in protocol 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"an array's bytes in the encoding {encoding!r}")
    return text.encode("latin1")


# Asked of an array, since its module moved between numpy 1 and 2.
_reconstruct: Any = np.zeros(0).__reduce__()[0]

_ALLOWED: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}


class _ArraysOnly(pickle.Unpickler):
    """Reads numbers, strings, containers and numpy arrays, and refuses whatever runs code."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of pictures")
        return _ALLOWED[module, name]
