"""Whole runs on pictures with many labels, and on pictures with a class for each pixel."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tutelage import Distiller
from tutelage.config import RunConfig, loads, override
from tutelage.engine import Reporter, run
from tutelage.engine.build import build
from tutelage.engine.doctor import examine
from tutelage.engine.evaluate import Reading
from tutelage.engine.export import export
from tutelage.engine.measures import MEASURES
from tutelage.engine.reread import reread
from tutelage.engine.run import make_fabric
from tutelage.errors import ConfigError, TeacherError
from tutelage.methods import methods
from tutelage.record import STUDENT, Run

RECIPE = """
[data]
name = {name!r}
root = {root!r}
validation = 0.2
image_size = {side}
[student]
name = {student!r}
[method]
name = "ce"
[schedule]
name = "cosine"
[train]
epochs = {epochs}
batch_size = {batch}
record_every = 3
checkpoint_seconds = 0.0
[run]
dir = {runs!r}
"""

NET = """
from torch import nn

def flat(num_classes, channels):
    return nn.Conv2d(channels, num_classes, 3, stride=2, padding=1)
"""


@pytest.fixture
def labels_config(tmp_path: Path) -> RunConfig:
    """16x16 pictures with any of four bright quarters, each a label."""
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 200), ("test", 60)):
        there = generator.integers(0, 2, (count, 4))
        quarters = there.reshape(-1, 2, 2).repeat(8, 1).repeat(8, 2)
        noise = generator.integers(0, 120, (count, 16, 16))
        arrays[f"x_{part}"] = (noise + 100 * quarters).astype(np.uint8)
        arrays[f"y_{part}"] = there.astype(np.float32)
    arrays["y_train"][::7, 1] = -1
    np.savez(tmp_path / "labels.npz", **arrays)
    return loads(
        RECIPE.format(
            name="multilabel",
            root=str(tmp_path / "labels.npz"),
            side=0,
            student="glyph_student",
            epochs=5,
            batch=16,
            runs=str(tmp_path / "runs"),
        )
    )


def write_voc(root: Path, count: int = 48) -> Path:
    """Pictures of one bright rectangle, of class 1 where red and 2 where blue, a void border."""
    generator = np.random.default_rng(1)
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    names = [f"2026_{number:06}" for number in range(count)]
    for number, name in enumerate(names):
        height, width = (40, 28) if number % 2 else (28, 40)
        pixels = generator.integers(0, 90, (height, width, 3))
        mask = np.zeros((height, width), np.uint8)
        top, left = generator.integers(0, 12, 2)
        of = 1 + number % 2
        mask[top : top + 15, left : left + 15] = 255
        mask[top + 1 : top + 14, left + 1 : left + 14] = of
        pixels[top : top + 15, left : left + 15, 2 * (of - 1)] += 150
        Image.fromarray(pixels.astype(np.uint8)).save(root / "JPEGImages" / f"{name}.jpg")
        image = Image.fromarray(mask)
        image.putpalette([value for level in range(256) for value in (level, 255 - level, 0)])
        image.save(root / "SegmentationClass" / f"{name}.png")
    for part, chosen in (("train", names[:36]), ("val", names[36:])):
        file = root / "ImageSets" / "Segmentation" / f"{part}.txt"
        file.write_text("".join(f"{name}\n" for name in chosen))
    return root


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of one convolution, whose maps are half the picture's size."""
    path = tmp_path_factory.mktemp("nets") / "pixel_net.py"
    path.write_text(NET)
    return str(path)


@pytest.fixture
def pixels_config(tmp_path: Path, net: str) -> RunConfig:
    root = write_voc(tmp_path / "voc")
    (root / "classes.txt").write_text("ground\nred\nblue\n")
    config = loads(
        RECIPE.format(
            name="voc-segmentation",
            root=str(root),
            side=32,
            student="pixel_net:flat",
            epochs=4,
            batch=8,
            runs=str(tmp_path / "runs"),
        )
    )
    return replace(config, run=replace(config.run, imports=(net,)))


def taught(config: RunConfig, *options: str) -> tuple[Run, RunConfig]:
    """Return a teacher's run, and the configuration of a student of its."""
    teacher = run(config)
    return teacher, override(config, [f"teacher.weights={teacher.path}", *options])


@pytest.mark.parametrize(
    ("method", "terms"), [("kd", {"ce", "kd"}), ("dkd", {"ce", "present", "absent"})]
)
def test_many_labels_are_learned_and_measured_by_mean_average_precision(
    labels_config: RunConfig, method: str, terms: set[str]
) -> None:
    _, config = taught(labels_config, f"method.name={method}")
    done = run(config)
    assert set(done.rows[-1].terms) == terms
    assert done.rows[-1].teacher_target_probability is None
    assert done.result is not None
    last, best = done.result.last_test, done.result.best_validation
    assert last is not None
    assert best is not None
    assert last.mean_average_precision is not None
    assert last.chance is not None
    assert last.mean_average_precision > 0.8 > last.chance
    read = [e for e in done.evaluations if (e.network, e.split) == ("student", "validation")]
    assert best.measure == max(e.measure for e in read)
    again = reread(done.path, split="test")
    assert (again.top1, again.measure) == (last.top1, last.measure)


@pytest.mark.parametrize(
    ("method", "terms"), [("kd", {"ce", "kd"}), ("dkd", {"ce", "tckd", "nckd"})]
)
def test_pixels_are_learned_and_measured_by_mean_iou(
    pixels_config: RunConfig, method: str, terms: set[str]
) -> None:
    _, config = taught(pixels_config, f"method.name={method}", "method.warmup_epochs=1")
    done = run(config)
    assert set(done.rows[-1].terms) == terms
    assert done.result is not None
    last = done.result.last_test
    assert last is not None
    assert last.mean_iou is not None
    assert last.chance is not None
    assert last.mean_iou > last.chance
    assert last.count == 12
    p_t = done.rows[-1].teacher_target_probability
    assert p_t is not None
    assert 1 / 3 < p_t < 1


class CrashError(Exception):
    pass


class CrashAfter(Reporter):
    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise CrashError


@pytest.mark.parametrize("which", ["labels_config", "pixels_config"])
def test_a_crashed_run_resumes_bit_for_bit(which: str, request: pytest.FixtureRequest) -> None:
    _, config = taught(request.getfixturevalue(which), "method.name=dkd", "run.name=whole")
    whole = run(config)
    crashed = override(config, ["run.name=crashed"])
    with pytest.raises(CrashError):
        run(crashed, reporter=CrashAfter(7))
    resumed = run(crashed, resume=True)
    assert (resumed.path / STUDENT).read_bytes() == (whole.path / STUDENT).read_bytes()
    assert [replace(e, seconds=0.0) for e in resumed.evaluations] == [
        replace(e, seconds=0.0) for e in whole.evaluations
    ]


def test_torchvisions_segmentation_networks_learn_and_teach(pixels_config: RunConfig) -> None:
    options = ["student.name=torchvision/lraspp_mobilenet_v3_large", "train.epochs=1"]
    config = override(pixels_config, options)
    assert run(config).result is not None
    teacher = "teacher.name=torchvision/deeplabv3_mobilenet_v3_large"
    config = override(config, [teacher, "method.name=dkd"])
    built = build(config, make_fabric(config))
    batch = next(built.data.train.batches([torch.arange(4)], augment=True, seed=0, epoch=1))
    assert built.room.teacher is not None
    for answer in (built.room.student(batch.images), built.room.teacher.ask(batch)):
        assert answer.logits.shape == (4, 3, 32, 32)


def test_a_teacher_of_labels_that_knows_less_than_nothing_stops_the_run(
    labels_config: RunConfig, tmp_path: Path
) -> None:
    teacher, config = taught(labels_config, "method.name=kd", "teacher.name=glyph_student")
    weights = load_file(teacher.path / STUDENT)
    for name, tensor in weights.items():
        if tensor.shape[:1] == (4,):  # the head: says there where it means not there
            weights[name] = -tensor
    save_file(weights, tmp_path / "wrong.safetensors")
    with pytest.raises(TeacherError, match="but has a mean average precision of"):
        run(override(config, [f"teacher.weights={tmp_path / 'wrong.safetensors'}"]))


def test_a_teacher_that_always_says_the_commonest_class_is_at_chance() -> None:
    target = torch.tensor([0, 0, 0, 1, 2, -100]).expand(2, 4, 6)
    logits = torch.zeros(2, 3, 4, 6)
    logits[:, 0] = 1
    reading = measured("pixels", [logits], [target], 3)
    assert reading.top1 == pytest.approx(0.6)
    assert reading.measure == pytest.approx(reading.chance) == pytest.approx(0.2)


def measured(task: str, logits: Sequence[Tensor], target: Sequence[Tensor], num: int) -> Reading:
    measure = MEASURES[task](Fabric(accelerator="cpu", devices=1), num)  # type: ignore[index]
    for one, its in zip(logits, target, strict=True):
        measure.add(one, its)
    return Reading(**measure.told(), count=1, seconds=0.0)


def average_precision(there: NDArray[np.bool_], score: NDArray[np.float32]) -> float:
    """The definition: at each threshold, the precision there times the recall gained."""
    total, before = 0.0, 0.0
    for threshold in sorted(set(score.tolist()), reverse=True):
        chosen = score >= threshold
        recall = (there & chosen).sum() / there.sum()
        total += (recall - before) * (there & chosen).sum() / chosen.sum()
        before = recall
    return total


def test_the_measures_of_labels_are_their_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (4 * torch.randn(90, 7, generator=generator)).round()  # with ties
    target = (torch.rand(90, 7, generator=generator) < 0.3).float()
    target[:, 5] = 0
    target[::4, 2] = -1
    reading = measured("labels", logits.split(40), target.split(40), 7)
    each, shares = [], []
    for c in {*range(7)} - {5}:
        known = target[:, c] >= 0
        there = (target[:, c][known] > 0).numpy()
        each.append(average_precision(there, logits[:, c][known].numpy()))
        shares.append(there.mean())
    assert reading.mean_average_precision == pytest.approx(np.mean(each))
    assert reading.chance == pytest.approx(np.mean(shares))
    known = target >= 0
    assert reading.top1 == pytest.approx(
        float(((logits > 0) == (target > 0))[known].double().mean())
    )
    softplus = nn.functional.softplus(logits) - target * logits
    assert reading.loss == pytest.approx(float(softplus[known].sum()) / 90, rel=1e-5)


def test_the_measures_of_pixels_are_their_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 5, 8, 9, generator=generator)
    target = torch.randint(4, (6, 8, 9), generator=generator)  # class 4 is only predicted
    target[:, 0] = -100
    reading = measured("pixels", logits.split(4), target.split(4), 5)
    counts = target.flatten() != -100
    true, told = target.flatten()[counts].numpy(), logits.argmax(1).flatten()[counts].numpy()
    each = [((true == c) & (told == c)).sum() / ((true == c) | (told == c)).sum() for c in range(5)]
    assert reading.mean_iou == pytest.approx(np.mean(each))
    assert reading.top1 == pytest.approx((true == told).mean())
    loss = nn.functional.cross_entropy(logits, target)
    assert reading.loss == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.parametrize("which", ["labels_config", "pixels_config"])
def test_the_doctor_finds_no_error_in_a_sound_run(
    which: str, request: pytest.FixtureRequest
) -> None:
    _, config = taught(request.getfixturevalue(which), "method.name=dkd")
    findings = examine(config)
    assert not [found for found in findings if found.level == "error"]
    assert any("chance is" in found.found for found in findings)


def test_a_method_that_does_not_know_the_task_names_those_that_do(
    labels_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods["kd"], "tasks", ("classes",))
    with pytest.raises(
        ConfigError, match=r"multilabel has many labels a picture\..*: ce, dkd"
    ) as got:
        run(override(labels_config, ["method.name=kd", "teacher.name=glyph_student"]))
    assert "kd+" not in str(got.value)
    with pytest.raises(ConfigError, match="kd is for one class a picture"):
        Distiller(nn.Flatten(), nn.Flatten(), "kd", image_shape=(1, 2, 2), task="labels")


def test_a_binary_task_is_one_label(labels_config: RunConfig, tmp_path: Path) -> None:
    with np.load(labels_config.data.root) as content:
        arrays = {key: content[key][:, :1] if key[0] == "y" else content[key] for key in content}
    np.savez(labels_config.data.root, **arrays)
    _, config = taught(labels_config, "method.name=dkd", "train.epochs=1")
    done = run(config)
    assert done.result is not None
    assert done.result.last_test is not None
    assert done.result.last_test.measure > 0.8
    written = export(done.path, "pt2", tmp_path / "student.pt2")
    assert written.card.num_classes == 1


def test_a_network_of_pixels_is_not_exported(pixels_config: RunConfig) -> None:
    done = run(override(pixels_config, ["train.epochs=1"]))
    with pytest.raises(ConfigError, match=r"gives maps; its weights are .*student"):
        export(done.path, "onnx")


def test_mixed_pictures_of_many_labels_are_learned_from(labels_config: RunConfig) -> None:
    _, config = taught(labels_config, "method.name=dkd", "data.mixup=0.5")
    done = run(config)
    assert done.result is not None
    assert done.result.last_test is not None
    assert done.result.last_test.measure > 0.8


@pytest.mark.parametrize(
    ("which", "option", "message"),
    [
        ("pixels_config", "data.cutmix=1.0", "not the classes of their pixels"),
        ("pixels_config", "teacher.others=['flat=flat.pth']", r"teacher\.others averages"),
        ("labels_config", "teacher.others=['flat=flat.pth']", "data have many labels a picture"),
        ("labels_config", "data.unlabelled=0.5", "multilabel is of labels"),
    ],
)
def test_what_is_for_single_classes_alone_is_refused(
    which: str, option: str, message: str, request: pytest.FixtureRequest
) -> None:
    config = request.getfixturevalue(which)
    teacher = f"teacher.name={config.student.name}"
    with pytest.raises(ConfigError, match=message):
        run(override(config, ["method.name=kd", teacher, option]))
