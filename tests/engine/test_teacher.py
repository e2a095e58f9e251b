"""What the teacher says: of a picture always the same."""

import shutil
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tutelage.engine.build import compiled
from tutelage.engine.fold import folded
from tutelage.engine.teacher import Teacher
from tutelage.errors import TeacherError
from tutelage.models import Place, build
from tutelage.types import Batch, Output


def asked(teacher: Teacher, images: torch.Tensor) -> Output:
    return teacher.ask(Batch(images, torch.zeros(len(images)), torch.arange(len(images))))


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    ("name", "classifier", "classes"),
    [("resnet20", "fc", 10), ("shufflenetv2", "linear", 10), ("shufflenetv2", "linear", 1000)],
)
def test_what_is_said_of_a_picture_does_not_depend_on_its_batch(
    name: str, classifier: str, classes: int
) -> None:
    torch.manual_seed(0)
    network = build(name, num_classes=classes)
    last, weights = Place(classifier, "input"), Place(classifier, "weight")
    teacher = Teacher(network, {"pooled": last, "classifier": weights, "said": Place(classifier)})
    images = torch.randn(130, 3, 32, 32)
    whole = asked(teacher, images)
    for count in (1, 2, 3, 16, 17, 33, 129):
        part = asked(teacher, images[:count])
        assert torch.equal(part.logits, whole.logits[:count])
        assert torch.equal(part.taps["said"], part.logits)
        assert torch.equal(part.taps["pooled"], whole.taps["pooled"][:count])
        assert torch.equal(part.taps["classifier"], whole.taps["classifier"])
    turned = asked(teacher, images.flip(0)[:40])
    assert torch.equal(turned.logits.flip(0), whole.logits[-40:])


class Doubled(nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


class Named(nn.Module):
    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.linear(input=images.flatten(1))
        return scores


def test_layers_that_are_more_than_linear_say_what_they_said() -> None:
    images = torch.randn(40, 3, 4, 4)
    hooked = nn.Linear(48, 7)
    hooked.register_forward_hook(lambda module, inputs, output: output + 1)
    for linear in (Doubled(48, 7), hooked):
        network = Named(linear)
        with torch.no_grad():
            wanted = network(images)
        torch.testing.assert_close(asked(Teacher(network), images).logits, wanted)


def test_a_copy_that_was_changed_is_no_longer_the_teacher() -> None:
    network = build("resnet8", num_classes=10)
    teacher = Teacher(network, quick=folded(network, {}))
    teacher.verify()
    assert teacher.quick is not None
    next(teacher.quick.network.parameters()).add_(1e-6)
    with pytest.raises(TeacherError, match="something changed its parameters"):
        teacher.verify()


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++")
def test_compiled_it_says_the_same_and_is_still_watched() -> None:
    """Code compiled for a network without taps must not serve one like it that has some."""
    torch.manual_seed(0)
    network, images = build("resnet8", num_classes=10), torch.randn(16, 3, 32, 32)
    for taps in ({}, {"stage1": Place("layer1"), "pooled": Place("fc", "input")}):
        teacher, plain = (Teacher(network, taps, quick=folded(network, taps)) for _ in range(2))
        teacher.watch.network = compiled(teacher.watch.network)
        got, wanted = asked(teacher, images), asked(plain, images)
        torch.testing.assert_close(got.logits, wanted.logits, rtol=1e-4, atol=1e-4)
        assert got.taps.keys() == taps.keys()
        for name, tap in got.taps.items():
            torch.testing.assert_close(tap, wanted.taps[name], rtol=1e-4, atol=1e-4)
        teacher.verify()
