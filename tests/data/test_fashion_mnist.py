import gzip
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.datasets import FashionMNIST

from tutelage.data import DataOptions, load
from tutelage.data.arrays import ArraySplit, statistics
from tutelage.data.fashion_mnist import DEBIAN, read_idx
from tutelage.errors import DataError


def write(folder: Path, *, packed: bool) -> Path:
    """Write 100 + 20 made pictures as the idx files of the original."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for prefix, count in (("train", 100), ("t10k", 20)):
        pixels = chance.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        images = struct.pack(">IIII", 0x803, count, 28, 28) + pixels.tobytes()
        labels = struct.pack(">II", 0x801, count) + bytes(place % 10 for place in range(count))
        for name, content in (("images-idx3", images), ("labels-idx1", labels)):
            file = folder / f"{prefix}-{name}-ubyte{'.gz' if packed else ''}"
            file.write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_the_pictures_are_those_torchvision_reads(tmp_path: Path, packed: bool) -> None:
    write(tmp_path / "theirs/FashionMNIST/raw", packed=False)
    folder = write(tmp_path / "ours/FashionMNIST/raw", packed=packed)
    for root in (tmp_path / "ours", folder):
        data = load("fashion-mnist", DataOptions(root=root, validation=0.0))
        for split, train in ((data.train, True), (data.test, False)):
            assert isinstance(split, ArraySplit)
            want = FashionMNIST(str(tmp_path / "theirs"), train=train)
            assert torch.equal(split.images(torch.arange(len(split)))[:, 0], want.data)
            assert torch.equal(split.targets, want.targets)
        assert list(data.spec.classes) == want.classes


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")
def test_debians_files_are_the_60_000_and_10_000_pictures_of_the_paper() -> None:
    data = load("fashion-mnist", DataOptions(augment="none"))
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (54_000, 6_000, 10_000)
    for split, count in ((data.train, 5400), (data.validation, 600), (data.test, 1000)):
        assert torch.bincount(split.targets).tolist() == [count] * 10
    assert isinstance(data.train, ArraySplit)
    mean, std = statistics(data.train._images, torch.arange(60_000))
    assert data.spec.mean == pytest.approx(mean, abs=5e-5)
    assert data.spec.std == pytest.approx(std, abs=5e-5)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "starts with"),
        (struct.pack(">II", 0x801, 5) + bytes(4), "has 12 bytes"),
        (struct.pack(">II", 0x801, 5) + bytes(6), "has 14 bytes"),
        (struct.pack(">II", 0xD01, 5) + bytes(20), "00000d01"),
        (struct.pack(">III", 0x802, 5, 1) + bytes(5), "00000802"),
    ],
)
def test_an_idx_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    file = tmp_path / "labels"
    file.write_bytes(content)
    with pytest.raises(DataError, match=word) as caught:
        read_idx(file, axes=1)
    assert str(file) in str(caught.value)


def test_a_packed_file_cut_short_is_refused_and_a_missing_one_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "raw", packed=True)
    file = folder / "t10k-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataError, match="cannot be unpacked"):
        load("fashion-mnist", DataOptions(root=folder))
    file.unlink()
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz is wanted"):
        load("fashion-mnist", DataOptions(root=folder))


def test_without_files_or_network_the_error_names_the_debian_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", fetch)
    with pytest.raises(DataError, match=r"no network[\s\S]*dataset-fashion-mnist"):
        load("fashion-mnist", DataOptions(root=tmp_path))
