"""Every method on every published pair of networks, and on some from outside the zoo."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import pytest
import torch

from tutelage import Distiller
from tutelage.engine.taps import Taps, pair
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.models import Place, Places, build, places, probe
from tutelage.types import Batch, Output, Progress, Shapes, Terms

CLASSES, COUNT = 10, 4
CIFAR = (3, 32, 32)
PAIRS = {
    "resnet56 -> resnet20": (CIFAR, CIFAR),
    "resnet110 -> resnet32": (CIFAR, CIFAR),
    "resnet32x4 -> resnet8x4": (CIFAR, CIFAR),
    "wrn_40_2 -> wrn_16_2": (CIFAR, CIFAR),
    "wrn_40_2 -> wrn_40_1": (CIFAR, CIFAR),
    "vgg13 -> vgg8": (CIFAR, CIFAR),
    "vgg13 -> mobilenetv2": (CIFAR, CIFAR),
    "resnet50_cifar -> mobilenetv2": (CIFAR, CIFAR),
    "resnet32x4 -> shufflenetv1": (CIFAR, CIFAR),
    "resnet32x4 -> shufflenetv2": (CIFAR, CIFAR),
    "wrn_40_2 -> shufflenetv1": (CIFAR, CIFAR),
    "torchvision/resnet50 -> torchvision/mobilenet_v2": ((3, 64, 64), (3, 64, 64)),
    "timm/vit_tiny_patch16_224 -> torchvision/resnet18": ((3, 224, 224), (3, 64, 64)),
}
TRANSFORMER = "timm/vit_tiny_patch16_224 -> torchvision/resnet18"
LATE = Progress(epoch=50, epochs=100, step=499, steps_per_epoch=10)


@dataclass(frozen=True)
class Seen:
    """One network, looked at once by every tap that any method has."""

    found: Places
    names: dict[Place, str]
    shapes: Shapes
    output: Output  # of two views of the pictures

    def at(self, taps: Taps, rows: int) -> tuple[Shapes, Output]:
        """Return shapes and output as if the network had been asked for these taps alone."""
        shapes, tensors = {"logits": self.shapes["logits"]}, {}
        for tap, place in taps.items():
            shapes[tap] = self.shapes[self.names[place]]
            tensor = self.output.taps[self.names[place]].detach()  # the classifier's is a parameter
            chosen = tensor if "classifier" in tap else tensor[:rows]
            tensors[tap] = chosen.clone().requires_grad_()
        return shapes, Output(self.output.logits[:rows].clone().requires_grad_(), tensors)


@cache
def seen(name: str, shape: tuple[int, int, int]) -> Seen:
    torch.manual_seed(0)
    network = build(name, num_classes=CLASSES)
    found = places(name, network, shape)
    taps: Taps = {}
    for kind in {methods[method].taps: methods[method] for method in methods}.values():
        with suppress(ConfigError):  # not every network has what every method looks at
            taps |= pair(kind, found, found)[0]
    shapes = probe(network, shape, taps=taps)
    with torch.no_grad():
        output = Watch(network.eval(), taps)(torch.randn(2 * COUNT, *shape))
    return Seen(found, {place: tap for tap, place in taps.items()}, shapes, output)


TAUGHT = [name for name in methods if methods[name].needs_teacher]


@pytest.mark.parametrize("method", [name for name in TAUGHT if not methods[name].remakes])
@pytest.mark.parametrize("names", PAIRS)
def test_every_method_teaches_every_pair_or_says_which_do(names: str, method: str) -> None:
    if "timm" in names and not find_spec("timm"):
        pytest.skip("timm is not installed")
    kind = methods[method]
    teacher, student = names.split(" -> ")
    its_shape, own_shape = PAIRS[names]
    pupil, master = seen(student, own_shape), seen(teacher, its_shape)
    if names == TRANSFORMER and kind.needs_maps:
        with pytest.raises(ConfigError, match=r"Methods that need no(ne| maps): .*dkd"):
            _teach(kind, pupil, master, own_shape)
        return
    student_output, terms, made = _teach(kind, pupil, master, own_shape)
    torch.stack(list(terms.values())).sum().backward()
    if noticed := made.noticed():
        made.learn(noticed)
    learned = [student_output.logits, *student_output.taps.values(), *made.parameters()]
    slopes = [tensor.grad for tensor in learned if tensor.grad is not None]
    assert all(slope.isfinite().all() for slope in slopes)
    assert any(slope.abs().sum() > 0 for slope in slopes)


def _teach(
    kind: type[Method], pupil: Seen, master: Seen, shape: tuple[int, int, int]
) -> tuple[Output, Terms, Method]:
    """Make a method for two networks, and ask it for the terms of a batch they have seen."""
    rows = kind.views * COUNT
    own, its = pair(kind, pupil.found, master.found)
    (student_shapes, student), (teacher_shapes, teacher) = pupil.at(own, rows), master.at(its, rows)
    torch.manual_seed(1)
    made = kind(kind.Config(), student_shapes, teacher_shapes)
    made.enrol(torch.arange(40) % CLASSES)
    batch = Batch(torch.zeros(rows, *shape), torch.arange(COUNT) % CLASSES, torch.arange(COUNT))
    return student, made.terms(student, teacher, batch, LATE), made


@pytest.mark.parametrize("method", [name for name in TAUGHT if methods[name].remakes])
@pytest.mark.parametrize("names", [names for names in PAIRS if names != TRANSFORMER])
def test_a_method_that_remakes_its_student_teaches_every_pair(names: str, method: str) -> None:
    networks = [build(name, num_classes=CLASSES) for name in names.split(" -> ")]
    teacher, student = networks
    distiller = Distiller(student, teacher, method, image_shape=PAIRS[names][0])
    terms = distiller(torch.randn(COUNT, *PAIRS[names][0]), torch.arange(COUNT))
    torch.stack(list(terms.values())).sum().backward()
    slopes = [value.grad for value in distiller.parameters() if value.grad is not None]
    assert all(slope.isfinite().all() for slope in slopes)
    assert any(slope.abs().sum() > 0 for slope in slopes)
