import importlib.util
import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tutelage import models
from tutelage.config import loads
from tutelage.engine import export as export_room
from tutelage.engine import run
from tutelage.engine.export import FORMATS, Card, compare, export
from tutelage.errors import ConfigError, DataError, ModelError, RecordError, TutelageError
from tutelage.record import STUDENT, STUDENT_BEST, Run, file_sha256

SIZE = (1, 12, 12)
NAMES = ("ant", "bee", "cat", "dög", "elk")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run on noisy 12x12 patterns of 5 named classes."""
    folder = tmp_path_factory.mktemp("export")
    generator = np.random.default_rng(0)
    patterns = generator.integers(0, 200, (5, 12, 12))
    labels = np.arange(240) % 5
    images = np.clip(patterns[labels] + generator.integers(-40, 55, (240, 12, 12)), 0, 255)
    root = str(folder / "p.npz")
    np.savez(root, images=images.astype(np.uint8), labels=labels, classes=np.array(NAMES))
    return run(
        loads(
            f"""
            [data]
            name = "npz"
            root = {root!r}
            augment = "none"
            [student]
            name = "glyph_student"
            [method]
            name = "ce"
            [optimizer]
            lr = 0.1
            [train]
            epochs = 3
            batch_size = 20
            [run]
            dir = {str(folder / "runs")!r}
            """
        )
    )


def student(finished: Run, file: str = STUDENT) -> nn.Module:
    network = models.build("glyph_student", num_classes=5, channels=1)
    network.load_state_dict(load_file(finished.path / file))
    return network.eval()


def logits_of(path: Path, images: Tensor) -> Tensor:
    """Run an exported file by the format's own library alone."""
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])
    if path.suffix == ".pt2":
        logits: Tensor = torch.export.load(path).module()(images)
        return logits
    network = models.build("glyph_student", num_classes=5, channels=1).eval()
    network.load_state_dict(load_file(path))
    return network(images)  # type: ignore[no-any-return]


def metadata_of(path: Path) -> dict[str, object]:
    if path.suffix == ".onnx":
        told = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    elif path.suffix == ".pt2":
        told = {"tutelage": ""}
        torch.export.load(path, extra_files=told)
    else:
        with safe_open(path, "pt") as file:
            told = file.metadata()
    content: dict[str, object] = json.loads(told["tutelage"])
    return content


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_file_gives_the_students_logits_and_says_what_they_mean(
    finished: Run, tmp_path: Path, form: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"student.{form}"
    done = export(finished.path, form, path)
    assert capfd.readouterr() == ("", "")
    assert done.path == path
    assert done.size_bytes == path.stat().st_size
    assert done.pictures == "the test split of npz."
    assert done.count == 24
    assert done.difference <= 1e-4 * done.scale
    for count in (1, 5, 33):
        images = torch.randn(count, *SIZE)
        with torch.no_grad():
            torch.testing.assert_close(logits_of(path, images), student(finished)(images))
    told = metadata_of(path)
    assert told["classes"] == list(NAMES)
    assert told["input_shape"] == list(SIZE)
    assert told["run"] == finished.id
    assert told["student_sha256"] == file_sha256(finished.path / STUDENT)
    pixels = np.load(finished.config.data.root)["images"] / 255
    assert told["mean"] == [pytest.approx(pixels.mean(), abs=0.01)]  # all but the test's 24
    assert told["std"] == [pytest.approx(pixels.std(), abs=0.01)]


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_file_holds_no_path_of_this_machine(finished: Run, tmp_path: Path, form: str) -> None:
    import zipfile

    path = export(finished.path, form, tmp_path / f"student.{form}").path
    parts = [path.read_bytes()]
    if form == "pt2":
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
    here = [str(Path(torch.__file__).parent), str(Path(models.__file__).parent), str(tmp_path)]
    assert [own for own in here for part in parts if own.encode() in part] == []


@pytest.mark.parametrize("form", ["safetensors", "onnx"])
def test_the_same_student_gives_the_same_bytes(finished: Run, tmp_path: Path, form: str) -> None:
    first, second = (export(finished.path, form, tmp_path / f"{name}.{form}").path for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_the_best_epoch_is_exported_where_it_is_asked_for(finished: Run, tmp_path: Path) -> None:
    path = export(finished.path, "safetensors", tmp_path / "b.safetensors", which="best").path
    best = load_file(finished.path / STUDENT_BEST)
    assert {key: value.tolist() for key, value in load_file(path).items()} == {
        key: value.tolist() for key, value in best.items()
    }
    assert metadata_of(path)["student_sha256"] == file_sha256(finished.path / STUDENT_BEST)


def test_a_file_is_named_after_the_run_where_no_name_is_given(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    export(finished.path, "safetensors")
    export(finished.path, "safetensors", which="best")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{finished.id}.safetensors", f"{finished.id}-best.safetensors"}


def test_without_the_data_random_pictures_stand_for_them_and_it_says_so(
    finished: Run, tmp_path: Path
) -> None:
    gone = ["data.root=/nowhere.npz"]
    path = tmp_path / "s.safetensors"
    with pytest.raises(DataError, match=re.escape("--input 3x32x32")):
        export(finished.path, "safetensors", path, overrides=gone)
    assert not path.exists()
    done = export(finished.path, "safetensors", path, overrides=gone, input_shape=SIZE)
    assert done.pictures.startswith("random numbers, because data.root must name an npz file")
    told = metadata_of(path)
    assert told["num_classes"] == 5
    assert not told.keys() & {"classes", "mean", "std"}  # nobody knows them


@pytest.mark.parametrize("name", ["resnet8", "ShuffleV2", "vgg8", "torchvision/shufflenet_v2_x0_5"])
@pytest.mark.parametrize("num_classes", [2, 7])
def test_the_number_of_classes_is_read_from_the_weights(
    tmp_path: Path, name: str, num_classes: int
) -> None:
    network = models.build(name, num_classes=num_classes)
    save_file(network.state_dict(), path := tmp_path / "w.safetensors")
    assert export_room._count_classes(name, path, 3) == num_classes


@pytest.mark.parametrize(
    ("spoil", "level"),
    [
        (lambda logits: logits + 1e-3 * logits.abs().max(), "0 of 24"),
        (lambda logits: logits * float("nan"), "of 24"),
        (lambda logits: logits.flip(1), "24 pictures"),
    ],
)
def test_a_file_that_disagrees_is_deleted_and_the_old_one_stays(
    finished: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Tensor], Tensor],
    level: str,
) -> None:
    written = FORMATS["safetensors"]

    def spoilt(network: nn.Module, card: Card) -> object:
        content, read = written(network, card)

        def wrong(content: bytes) -> Callable[[Tensor], Tensor]:
            runner = read(content)
            return lambda images: spoil(runner(images))

        return content, wrong

    monkeypatch.setitem(FORMATS, "safetensors", spoilt)
    path = tmp_path / "s.safetensors"
    path.write_bytes(b"an older export")
    with pytest.raises(ModelError, match=level):
        export(finished.path, "safetensors", path)
    assert path.read_bytes() == b"an older export"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_class_that_changes_is_a_mismatch_however_small_the_difference() -> None:
    def tied(images: Tensor) -> Tensor:
        return torch.tensor([[1.0, 1.0 - 1e-6]]).expand(len(images), 2)

    pictures = torch.zeros(9, 1)
    assert compare(tied, tied, pictures) == (0.0, 1.0)
    with pytest.raises(ModelError, match="9 of 9 pictures get another class"):
        compare(tied, lambda images: tied(images).flip(1), pictures)


def test_the_file_is_run_on_batches_of_one_five_and_the_rest() -> None:
    sizes: list[int] = []

    def counted(images: Tensor) -> Tensor:
        sizes.append(len(images))
        return images

    compare(lambda images: images, counted, torch.ones(64, 3))
    assert sizes == [1, 5, 58]
    sizes.clear()
    compare(lambda images: images, counted, torch.ones(3, 3))
    assert sizes == [1, 2]


def test_a_network_whose_way_depends_on_the_picture_is_refused_with_what_to_do(
    finished: Run,
) -> None:
    class Fickle(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(1) if images.sum() > 0 else -images.flatten(1)

    card = Card("r", "fickle", "", SIZE, 144, None, None, None)
    for form in ("onnx", "pt2"):
        with pytest.raises(ModelError, match="Export it as safetensors"):
            FORMATS[form](Fickle(), card)


def test_a_missing_package_is_told_with_the_command_that_brings_it(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        export_room,
        "find_spec",
        lambda name: None if name == "onnxscript" else importlib.util.find_spec(name),
    )
    with pytest.raises(ModelError, match=re.escape("onnxscript, not installed here. Run: pip")):
        export(finished.path, "onnx", tmp_path / "s.onnx")
    export(finished.path, "safetensors", tmp_path / "s.safetensors")


@pytest.mark.parametrize(
    ("form", "which", "out", "error", "text"),
    [
        ("tflite", "last", "s", ConfigError, "safetensors, onnx, pt2"),
        ("pt2", "first", "s", ConfigError, "'first'"),
        ("pt2", "last", "no/such/folder/s", ConfigError, "no/such/folder"),
        ("pt2", "last", "", ConfigError, "--out"),
    ],
)
def test_what_cannot_be_is_refused(
    finished: Run,
    tmp_path: Path,
    form: str,
    which: str,
    out: str,
    error: type[TutelageError],
    text: str,
) -> None:
    with pytest.raises(error, match=re.escape(text)):
        export(finished.path, form, tmp_path / out, which=which)


def test_the_runs_own_files_are_not_written_over(finished: Run) -> None:
    before = (finished.path / STUDENT).read_bytes()
    with pytest.raises(ConfigError, match="--out"):
        export(finished.path, "safetensors", finished.path / STUDENT, which="best")
    assert (finished.path / STUDENT).read_bytes() == before


def test_a_student_that_is_missing_or_was_changed_is_refused(finished: Run, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    weights = load_file(copy / STUDENT)
    weights["fc.bias"] += 1
    save_file(weights, copy / STUDENT)
    with pytest.raises(RecordError, match="changed since"):
        export(copy, "safetensors", tmp_path / "s.safetensors")
    (copy / STUDENT_BEST).unlink()
    with pytest.raises(RecordError, match="without a validation split"):
        export(copy, "safetensors", tmp_path / "s.safetensors", which="best")
    (copy / STUDENT).unlink()
    (copy / "result.json").unlink()
    with pytest.raises(RecordError, match="unfinished"):
        export(copy, "safetensors", tmp_path / "s.safetensors")
    with pytest.raises(RecordError, match="there is no run"):
        export(tmp_path / "nothing", "safetensors", tmp_path / "s.safetensors")


def test_pt2_keeps_no_picture_of_the_user(finished: Run) -> None:
    card = Card(finished.id, "glyph_student", "", SIZE, 5, None, None, None)
    content, _ = FORMATS["pt2"](student(finished), card)
    arguments = torch.export.load(BytesIO(content)).example_inputs
    assert arguments is not None
    assert not arguments[0][0].any()
