import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, CIFAR100

from tutelage.data import DataOptions, load
from tutelage.data.arrays import ArraySplit
from tutelage.errors import DataError


class Python2Pickler(pickle._Pickler):
    """Writes what the CIFAR files are: protocol 2 of Python 2, where bytes are a plain string."""

    dispatch: ClassVar[dict[type, Callable[..., None]]] = dict(pickle._Pickler.dispatch)
    write: Callable[[bytes], None]

    def save_bytes(self, data: bytes) -> None:
        self.write(b"T" + len(data).to_bytes(4, "little") + data)

    def save_text(self, text: str) -> None:
        self.save_bytes(text.encode("latin1"))

    dispatch[bytes], dispatch[str] = save_bytes, save_text


def write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        Python2Pickler(stream, protocol=2).dump(content)
    # Numpy 2 names a module that the numpy of 2009 did not have.
    file.write_bytes(file.read_bytes().replace(b"numpy._core.", b"numpy.core."))


def rows(count: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    for number in range(1, 6):
        labels = [(number + place) % 10 for place in range(20)]
        content = {"batch_label": f"batch {number} of 5", "labels": labels}
        write(folder / f"data_batch_{number}", {**content, "data": rows(20, number)})
    write(folder / "test_batch", {"labels": list(range(10)), "data": rows(10, 9)})
    names = [f"class {k}" for k in range(10)]
    write(folder / "batches.meta", {"label_names": names, "num_vis": 3072})
    return tmp_path


@pytest.fixture
def cifar100(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-100-python"
    for name, count in (("train", 300), ("test", 100)):
        fine = [place % 100 for place in range(count)]
        coarse = [label // 5 for label in fine]
        content = {"fine_labels": fine, "coarse_labels": coarse, "data": rows(count, count)}
        write(folder / name, content)
    write(folder / "meta", {"fine_label_names": [f"fine {k}" for k in range(100)]})
    return tmp_path


@pytest.mark.parametrize(("name", "theirs"), [("cifar10", CIFAR10), ("cifar100", CIFAR100)])
def test_the_pictures_and_labels_are_those_torchvision_reads(
    name: str,
    theirs: type[CIFAR10],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root: Path = request.getfixturevalue(name)
    monkeypatch.setattr(theirs, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    data = load(name, DataOptions(root=root, validation=0.0))
    assert data.validation is None
    for ours, train in ((data.train, True), (data.test, False)):
        assert isinstance(ours, ArraySplit)
        want = theirs(str(root), train=train)
        stored = ours.images(torch.arange(len(ours)))
        assert np.array_equal(stored.permute(0, 2, 3, 1).numpy(), want.data)
        assert ours.targets.tolist() == want.targets
    assert list(data.spec.classes) == want.classes


def test_cifar_100_holds_validation_out_of_train_and_augments_by_crop_and_flip(
    cifar100: Path,
) -> None:
    data = load("cifar100", DataOptions(root=cifar100, validation=1 / 3))
    assert data.validation is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (200, 100, 100)
    assert sorted(data.validation.targets.tolist()) == list(range(100))
    assert [part.policy for part in (data.train, data.validation, data.test)] == [  # type: ignore[attr-defined]
        "crop-flip", "none", "none",
    ]  # fmt: skip


def test_a_root_may_be_the_folder_itself(cifar100: Path) -> None:
    assert len(load("cifar100", DataOptions(root=cifar100 / "cifar-100-python")).test) == 100


def test_the_environment_names_a_place(cifar100: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_DATA", str(cifar100))
    assert len(load("cifar100").test) == 100


def test_a_pickle_that_would_run_a_command_is_refused_and_does_not_run(cifar100: Path) -> None:
    mark = cifar100 / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, (f"touch {mark}",)

    content = {"data": Trap(), "fine_labels": []}
    (cifar100 / "cifar-100-python" / "train").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(DataError, match=r"system has no place in a file of pictures"):
        load("cifar100", DataOptions(root=cifar100))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.write_bytes(file.read_bytes()[:1000]), "reading it failed"),
        (lambda file: file.write_bytes(b""), "EOFError"),
        (lambda file: write(file, {"data": rows(3, 0)}), "'fine_labels'"),
        (lambda file: write(file, {"data": rows(3, 0), "fine_labels": [1]}), "1 labels"),
        (lambda file: write(file, {"data": [1], "fine_labels": [1]}), "it is a list"),
        (
            lambda file: write(file, {"data": rows(1, 0), "fine_labels": [100]}),
            "must lie in 0..99; they go from 100 to 100",
        ),
    ],
)
def test_a_broken_file_is_named(
    cifar100: Path, change: Callable[[Path], object], word: str
) -> None:
    file = cifar100 / "cifar-100-python" / "test"
    change(file)
    with pytest.raises(DataError, match=word) as caught:
        load("cifar100", DataOptions(root=cifar100))
    assert str(file) in str(caught.value) or "must lie in" in word


def test_missing_files_are_fetched_with_torchvisions_checksum(
    tmp_path: Path, cifar100: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Path, str]] = []

    def fetch(url: str, home: Path, *, filename: str, md5: str) -> None:
        asked.append((url, home, md5))
        (cifar100 / "cifar-100-python").rename(home / "cifar-100-python")

    monkeypatch.setattr("tutelage.data.cifar.download_and_extract_archive", fetch)
    home = tmp_path / "new"
    assert len(load("cifar100", DataOptions(root=home)).test) == 100
    assert asked == [(CIFAR100.url, home, CIFAR100.tgz_md5)]


def test_without_a_network_the_error_says_where_to_put_which_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("tutelage.data.cifar.download_and_extract_archive", fetch)
    with pytest.raises(DataError) as caught:
        load("cifar10", DataOptions(root=tmp_path))
    for part in ("no network", str(tmp_path), "cifar-10-python.tar.gz", "data.root"):
        assert part in str(caught.value)
