"""Networks that were made for other pictures than the data's see those they were made for."""

import json
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as vision

from tutelage import Distiller
from tutelage.config import RunConfig, StudentConfig, TeacherConfig, override
from tutelage.data import DataSpec
from tutelage.data.arrays import ArraySplit
from tutelage.data.augment import normalised
from tutelage.engine import Reporter, run
from tutelage.engine.build import build
from tutelage.engine.export import export
from tutelage.engine.loop import Loop
from tutelage.engine.reread import load_student, reread
from tutelage.engine.run import find_teacher, make_fabric
from tutelage.engine.step import step
from tutelage.engine.view import View
from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.types import Batch, Output, Progress, Shapes, Terms

SPEC = DataSpec("made", ("a", "b"), 3, 24, 32, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
MEAN, STD = (0.1, 0.5, 0.9), (0.5, 0.2, 1.0)
OWN = ["student.mean=[0.2]", "student.std=[0.7]", "student.image_size=16"]
WARM = Progress(epoch=50, epochs=50, step=490, steps_per_epoch=10)


def pictures(count: int = 4, size: tuple[int, int] = (24, 32)) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, *size), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("section", [TeacherConfig(), StudentConfig(name="x", mean=SPEC.mean)])
def test_where_nothing_differs_the_pictures_themselves_are_seen(
    section: TeacherConfig | StudentConfig,
) -> None:
    images = normalised(pictures(), SPEC.mean, SPEC.std)
    assert View.of(section, SPEC)(images) is images


@pytest.mark.parametrize("size", [0, 16, 57])
@pytest.mark.parametrize(("mean", "std"), [((), ()), (MEAN, ()), ((), STD), (MEAN, STD)])
def test_a_network_sees_the_raw_pictures_resized_and_normalised_its_own_way(
    size: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    view = View.of(TeacherConfig(image_size=size, mean=mean, std=std), SPEC)
    seen = view(normalised(pictures(), SPEC.mean, SPEC.std))
    raw = pictures().double() / 255
    if size:
        raw = vision.resize(raw, [size, size], antialias=True)
    wanted = vision.normalize(raw, list(mean or SPEC.mean), list(std or SPEC.std))
    assert tuple(seen.shape[1:]) == view.shape
    torch.testing.assert_close(seen.double(), wanted, atol=1e-5, rtol=1e-5)


def test_statistics_of_other_channels_are_refused(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match=r"own mean is one number per channel.*has 1: it is \[0"):
        run(override(config, ["student.mean=[0.1,0.2,0.3]"]))


def test_a_teacher_of_other_statistics_answers_as_it_did_to_its_own_pictures(
    config: RunConfig,
) -> None:
    made = run(override(config, OWN))
    taught = override(config, ["method.name=dkd", f"teacher.weights={str(made.path)!r}"])
    section = find_teacher(taught, Reporter())
    assert (section.image_size, section.mean, section.std) == (16, (0.2,), (0.7,))
    options = [f"teacher.{key}={value}" for key, value in (("mean", "[0.2]"), ("std", "[0.7]"))]
    named = ["teacher.name=glyph_student", "teacher.image_size=16", *options]
    built = build(override(taught, named), make_fabric(taught))
    assert isinstance(built.data.test, ArraySplit)
    index, teacher = torch.arange(50), built.room.teacher
    assert teacher is not None
    (batch,) = built.data.test.batches([index], augment=False, seed=0, epoch=0)
    raw = vision.resize(built.data.test.images(index).float(), [16, 16], antialias=True)
    with torch.inference_mode():
        wanted = load_student(made.path)[0].eval()((raw / 255 - 0.2) / 0.7)
    torch.testing.assert_close(teacher.ask(batch).logits, wanted, atol=1e-4, rtol=1e-4)

    # Read as the teacher of another run, it is as good as it was.
    done = run(taught)
    assert done.result is not None
    assert done.result.teacher is not None
    assert made.result is not None
    assert made.result.last_validation is not None
    assert done.result.teacher.top1 == made.result.last_validation.top1


def test_read_again_and_exported_it_is_the_network_with_its_own_input(
    config: RunConfig, tmp_path: Path
) -> None:
    done = run(override(config, OWN))
    assert done.result is not None
    last = done.result.last_test
    assert last is not None
    again = reread(done.path, split="test")
    assert again.top1 == last.top1
    assert again.loss == pytest.approx(last.loss, rel=1e-6)
    for shape, source in (((1, 12, 12), ["data.root=nowhere.npz"]), (None, [])):
        card = export(
            done.path, "pt2", tmp_path / "out.pt2", overrides=source, input_shape=shape
        ).card
        assert (card.input_shape, card.mean, card.std) == ((1, 16, 16), (0.2,), (0.7,))
    told = {"tutelage": ""}
    program = torch.export.load(tmp_path / "out.pt2", extra_files=told)
    assert json.loads(told["tutelage"])["input_shape"] == [1, 16, 16]
    assert program.module()(torch.zeros(3, 1, 16, 16)).shape == (3, 5)


class Shapely(Method):
    """Remember what it was told of the networks, and see the same in a batch."""

    name = "shapely"
    taps = ("stages",)
    told: ClassVar[list[Shapes]] = []

    def __init__(self, config: Method.Config, student: Shapes, teacher: Shapes) -> None:
        super().__init__(config, student, teacher)
        self.told[:] = student, teacher

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        for output, shapes in zip((student, teacher), self.told, strict=True):
            assert {key: tuple(tap.shape[1:]) for key, tap in output.taps.items()} == {
                key: shape for key, shape in shapes.items() if key != "logits"
            }
        return {"shapely": student.stages[-1].mean() ** 2}


def test_student_and_teacher_may_differ_in_size(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods["dkd"]  # found before anything is added
    monkeypatch.setitem(methods._things, "shapely", Shapely)
    options = ["data.channels=3", "data.limit=8", "train.batch_size=4", "method.name=shapely"]
    networks = ["student.name=mobilenetv2", "student.image_size=32"]
    networks += ["teacher.name=torchvision/resnet50", "teacher.image_size=64"]
    apart = override(config, [*options, *networks])
    loop = Loop(build(apart, make_fabric(apart)), Path(config.run.dir), None, Reporter())
    student, teacher = Shapely.told
    assert student["stage1"][1:] == (16, 16)  # of 32
    assert teacher["stage1"] == (256, 16, 16)  # of 64
    assert teacher["stage4"] == (2048, 2, 2)
    batches = loop.batches(loop.plan.epoch(1)[0])
    report = step(loop.room, batches, 4, WARM, observe=True)
    assert report["term/shapely"].isfinite()


def test_a_distiller_takes_any_view_of_its_pictures() -> None:
    student, teacher = (nn.Sequential(nn.Flatten(), nn.Linear(n, 5)) for n in (12, 48))
    view = View.of(TeacherConfig(image_size=4), DataSpec("made", ("a",), 3, 2, 2, (0,), (1,)))
    distiller = Distiller(student, teacher, "kd", image_shape=(3, 2, 2), views={"teacher": view})
    images, target = torch.randn(6, 3, 2, 2), torch.arange(6) % 5
    terms = distiller(images, target)
    wide = vision.resize(images, [4, 4], antialias=True)
    heat = 4.0
    p = (teacher(wide) / heat).softmax(1)
    gap = p.log() - (student(images) / heat).log_softmax(1)
    torch.testing.assert_close(terms["kd"], 0.9 * heat**2 * (p * gap).sum(1).mean())
