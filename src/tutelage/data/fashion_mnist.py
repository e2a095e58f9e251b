"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747), from its idx files."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import FashionMNIST

from tutelage.data._data import DataOptions, DataSet, data_source
from tutelage.data._files import obtain, places
from tutelage.data.arrays import Pictures, array_data_set
from tutelage.errors import DataError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist

CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


@data_source(
    "fashion-mnist",
    summary="Fashion-MNIST: 70,000 grey pictures of 28x28, 10 classes",
    policy="crop-flip",
)
def fashion_mnist(options: DataOptions) -> DataSet:
    """Load Fashion-MNIST: 60,000 pictures to train on (validation is held out), 10,000 to test.

    Without `options.root` Debian's package dataset-fashion-mnist comes first, then the usual places
    with torchvision's layout ``FashionMNIST/raw``. A root may also hold the four files themselves,
    compressed or not.

    Raises:
        DataError: the files are missing and cannot be downloaded, or broken.
    """
    folder = _folder(options.root)
    return array_data_set(
        "fashion-mnist",
        CLASSES,
        options,
        train=_pictures(folder, "train"),
        test=_pictures(folder, "t10k"),
        mean=(0.2860,),
        std=(0.3530,),
    )


def _folder(root: Path | None) -> Path:
    for place in [DEBIAN] if root is None else places(root):
        if list(place.glob("train-images-idx3-ubyte*")):
            return place
    return obtain(
        "Fashion-MNIST",
        Path("FashionMNIST/raw"),
        root,
        lambda home: FashionMNIST(home, download=True),
        "the folder FashionMNIST/raw with the four idx files (on Debian: install "
        "dataset-fashion-mnist instead)",
    )


def _pictures(folder: Path, prefix: str) -> Pictures:
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte", axes=3)
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte", axes=1)
    return images[:, None], labels.long()


def read_idx(file: Path, *, axes: int) -> Tensor:
    """Return the uint8 array in an idx file, or in the same with ``.gz`` behind its name.

    Raises:
        DataError: the file is missing, cut short, or holds something else.
    """
    packed = file.with_name(f"{file.name}.gz")
    source = file if file.exists() else packed
    try:
        content = source.read_bytes()
        if source == packed:
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise DataError(
            f"{file.name} or {packed.name} is wanted in {file.parent}; neither is there. "
            f"Put it there."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{source} cannot be unpacked ({error}). Put a fresh copy in its place."
        ) from error
    # The header: two zero bytes, 8 for unsigned bytes, the number of axes, then each length.
    head = 4 + 4 * axes
    shape = struct.unpack(f">{axes}I", content[4:head]) if len(content) >= head else ()
    if content[:4] != bytes([0, 0, 8, axes]) or math.prod(shape) != len(content) - head:
        raise DataError(
            f"{source} must be an idx file of unsigned bytes with {axes} axes; it starts with "
            f"{content[:4].hex()}, says the shape {shape} and has {len(content)} bytes. "
            f"Put a fresh copy in its place."
        )
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=head).reshape(shape).copy())
