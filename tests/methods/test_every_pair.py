"""Every method on every published pair of networks, and on some from outside the zoo."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import pytest
import torch

from tutelage.engine.taps import Taps, pair
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.models import Places, build, places, probe
from tutelage.types import Batch, Output, Progress, Shapes

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
    shapes: Shapes
    output: Output  # of two views of the pictures


@cache
def seen(name: str, shape: tuple[int, int, int]) -> Seen:
    torch.manual_seed(0)
    network = build(name, num_classes=CLASSES)
    found = places(name, network, shape)
    taps: Taps = {}
    for kind in {methods[method].taps: methods[method] for method in methods}.values():
        taps |= pair(kind, found, found)[0]
    shapes = probe(network, shape, taps=taps)
    with torch.no_grad():
        output = Watch(network.eval(), taps)(torch.randn(2 * COUNT, *shape))
    return Seen(found, shapes, output)


def view(name: str, shape: tuple[int, int, int], taps: Taps, rows: int) -> Output:
    """Return what a network says at the taps of one method, as if it had been asked for these."""
    whole = seen(name, shape)
    logits = whole.output.logits[:rows].clone().requires_grad_()
    where = {place: key for key, place in _all_taps(whole.found).items()}
    own = {}
    for key, place in taps.items():
        tensor = whole.output.taps[where[place]].detach()  # the classifier's is a parameter
        own[key] = (tensor if "classifier" in key else tensor[:rows]).clone().requires_grad_()
    return Output(logits, own)


def _all_taps(found: Places) -> Taps:
    taps: Taps = {}
    for method in methods:
        taps |= pair(methods[method], found, found)[0]
    return taps


@pytest.mark.parametrize("method", [name for name in methods if methods[name].needs_teacher])
@pytest.mark.parametrize("names", PAIRS)
def test_every_method_teaches_every_pair_or_says_which_do(names: str, method: str) -> None:
    if "timm" in names and not find_spec("timm"):
        pytest.skip("timm is not installed")
    kind = methods[method]
    teacher, student = names.split(" -> ")
    its_shape, own_shape = PAIRS[names]
    own, its = pair(kind, seen(student, own_shape).found, seen(teacher, its_shape).found)
    shapes = [
        probe(build(name, num_classes=CLASSES), shape, taps=taps)
        for name, shape, taps in ((student, own_shape, own), (teacher, its_shape, its))
    ]
    if names == TRANSFORMER and kind.needs_maps:
        with pytest.raises(ConfigError, match=r"\[197, 192\].*Methods that need no maps: .*dkd"):
            kind(kind.Config(), *shapes)
        return
    torch.manual_seed(1)
    made = kind(kind.Config(), *shapes)
    targets = torch.arange(COUNT) % CLASSES
    made.enrol(torch.arange(40) % CLASSES)
    rows = kind.views * COUNT
    student_output = view(student, own_shape, own, rows)
    teacher_output = view(teacher, its_shape, its, rows)
    batch = Batch(torch.zeros(rows, *own_shape), targets, torch.arange(COUNT))
    terms = made.terms(student_output, teacher_output, batch, LATE)
    torch.stack(list(terms.values())).sum().backward()
    if seen_tensors := made.noticed():
        made.learn(seen_tensors)
    learned = [student_output.logits, *student_output.taps.values(), *made.parameters()]
    slopes = [tensor.grad for tensor in learned if tensor.grad is not None]
    assert all(slope.isfinite().all() for slope in slopes)
    assert any(slope.abs().sum() > 0 for slope in slopes)
