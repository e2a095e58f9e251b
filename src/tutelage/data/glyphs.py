"""Glyphs-100: a hundred characters from the fonts of Debian, shipped with the package."""

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from tutelage.data._data import DataOptions, DataSet, data_source
from tutelage.data.arrays import Pictures, array_data_set
from tutelage.errors import ConfigError, DataError

HOME = Path(__file__).parent / "glyphs100"
SPLITS = ("train", "validation", "test")


@data_source(
    "glyphs100",
    summary="Glyphs-100: 100 characters in fonts never seen in training, grey 28x28, built in",
    policy="affine",
)
def glyphs100(options: DataOptions) -> DataSet:
    """Load Glyphs-100: grey 28x28 pictures of 100 characters, split by font family.

    Fonts of the validation and test splits, and their near copies, are never in the training
    split. The three splits are part of the data set: shares other than the default are refused.
    ``docs/data/glyphs100.md`` is the data sheet.

    Raises:
        ConfigError: `options` asks for another root or other splits.
        DataError: the shipped files are missing or do not fit each other.

    >>> from tutelage.data import load
    >>> data = load("glyphs100")
    >>> data.spec.num_classes, "".join(data.spec.classes[32:58])
    (100, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')
    """
    if options.root is not None:
        raise ConfigError(
            f"glyphs100 ships with the package and takes no data.root; it is {options.root}. "
            f"Leave it out."
        )
    usual = DataOptions()
    if (options.validation, options.test) != (usual.validation, usual.test):
        raise ConfigError(
            f"the splits of glyphs100 are fixed, by font family; data.validation is "
            f"{options.validation} and data.test is {options.test}. Leave both out."
        )
    facts = manifest()
    splits = _splits(facts)
    return array_data_set(
        "glyphs100",
        tuple(facts["characters"]),
        options,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        mean=(facts["mean"],),
        std=(facts["std"],),
    )


@cache
def manifest() -> dict[str, Any]:
    """Return what is known of every package, family and array; see ``docs/data/glyphs100.md``.

    Raises:
        DataError: the file is missing or broken.
    """
    file = HOME / "manifest.json"
    try:
        facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}). Install the package again.") from error
    return facts


def unpack(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pictures held two pixels to a byte, the left one high, in 16 levels of grey.

    Shapes: ``[..., 14]`` to ``[..., 28]``, any last axis likewise. Level k is grey 17 k.

    >>> unpack(np.array([[0x0F, 0xA1]], dtype=np.uint8))
    array([[  0, 255, 170,  17]], dtype=uint8)
    """
    byte = np.arange(256)
    pairs = ((byte >> 4) * 17 | (byte & 15) * 17 << 8).astype("<u2")  # left pixel first in memory
    return pairs[packed].view(np.uint8)


def _splits(facts: dict[str, Any]) -> dict[str, Pictures]:
    """Return the pictures of each split: a run of whole families in the file's order."""
    file = HOME / facts["file"]["name"]
    try:
        with file.open("rb") as stream, np.load(stream) as arrays:
            images, labels = unpack(arrays["packed"]), arrays["labels"]
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise DataError(f"{file} cannot be read ({error}). Install the package again.") from error
    counts = [facts["splits"][name]["pictures"] for name in SPLITS]
    if images.shape != (sum(counts), 28, 28) or labels.shape != (sum(counts),):
        raise DataError(
            f"{file} must hold {sum(counts)} pictures of 28x28 with a label each; it holds "
            f"{images.shape} and {labels.shape}. Install the package again."
        )
    pictures = torch.from_numpy(images)[:, None].split(counts)
    targets = torch.from_numpy(labels.astype(np.int64)).split(counts)
    return dict(zip(SPLITS, zip(pictures, targets, strict=True), strict=True))
