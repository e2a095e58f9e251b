"""What methods look at, found in networks of every family and paired."""

from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from tutelage.engine.taps import evenly, pair
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError, ModelError
from tutelage.methods import Method
from tutelage.methods._method import Tap
from tutelage.models import Place, Places, build, places, probe
from tutelage.types import Batch, Output, Progress, Terms

CIFAR_PAIRS = [
    ("resnet56", "resnet20"),
    ("resnet110", "resnet32"),
    ("resnet32x4", "resnet8x4"),
    ("wrn_40_2", "wrn_16_2"),
    ("wrn_40_2", "wrn_40_1"),
    ("vgg13", "vgg8"),
    ("vgg13", "mobilenetv2"),
    ("resnet50_cifar", "mobilenetv2"),
    ("resnet32x4", "shufflenetv1"),
    ("resnet32x4", "shufflenetv2"),
    ("wrn_40_2", "shufflenetv1"),
]
OUTSIDE = [
    ("torchvision/resnet50", (3, 64, 64)),
    ("torchvision/mobilenet_v2", (3, 64, 64)),
    ("torchvision/densenet121", (3, 64, 64)),
    ("torchvision/efficientnet_b0", (3, 64, 64)),
    ("torchvision/convnext_tiny", (3, 64, 64)),
    ("torchvision/swin_t", (3, 64, 64)),
    ("timm/convnext_atto", (3, 64, 64)),
    ("timm/mobilenetv3_small_100", (3, 64, 64)),
]


class Greedy(Method):
    """Looks at everything there is."""

    name = "greedy"
    taps: ClassVar[tuple[Tap, ...]] = (
        "stages",
        "preactivations",
        "stem",
        "middle",
        "last",
        "pooled",
        "classifier",
    )

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        return {}


@pytest.mark.parametrize(("teacher", "student"), CIFAR_PAIRS)
def test_every_stage_of_a_published_pair_finds_its_partner(teacher: str, student: str) -> None:
    networks = [build(name, num_classes=10) for name in (student, teacher)]
    found = [
        places(name, network, (3, 32, 32))
        for name, network in zip((student, teacher), networks, strict=True)
    ]
    taps = pair(Greedy, *found)
    own, its = (
        probe(network, (3, 32, 32), taps=tap) for network, tap in zip(networks, taps, strict=True)
    )
    assert own.keys() == its.keys()
    assert len(found[0].stages) == len(found[1].stages) in (3, 4)
    assert own["pooled"] == own["classifier"][1:]
    assert own["last"] == own[f"stage{len(found[0].stages)}"]


@pytest.mark.parametrize(("name", "shape"), OUTSIDE)
def test_stages_are_found_in_families_from_outside_channels_first_and_ever_smaller(
    name: str, shape: tuple[int, int, int]
) -> None:
    network = build(name, num_classes=5)
    found = places(name, network, shape)
    taps = {f"stage{n}": place for n, place in enumerate(found.stages, 1)}
    shapes = [own for tap, own in probe(network, shape, taps=taps).items() if tap != "logits"]
    assert len(shapes) == 4
    assert all(deep[0] >= shallow[0] for shallow, deep in pairwise(shapes))
    assert all(deep[1] <= shallow[1] for shallow, deep in pairwise(shapes))
    assert isinstance(network.get_submodule(found.classifier), nn.Linear)


def test_tokens_of_a_transformer_are_found_and_spread_over_the_stages_of_the_student() -> None:
    pytest.importorskip("timm")
    teacher = build("timm/vit_tiny_patch16_224", num_classes=5)
    student = build("torchvision/resnet18", num_classes=5)
    named = places("timm/vit_tiny_patch16_224", teacher, (3, 224, 224))
    assert places("", teacher, (3, 224, 224)).stages == named.stages
    own, its = pair(Greedy, places("torchvision/resnet18", student, (3, 64, 64)), named)
    assert [its[f"stage{n}"].path for n in range(1, 5)] == [f"blocks.{n}" for n in (2, 5, 8, 11)]
    assert probe(teacher, (3, 224, 224), taps=its)["last"] == (197, 192)
    assert "stem" not in own | its  # the transformer has none


@pytest.mark.parametrize("name", ["resnet20", "wrn_16_2", "vgg8", "torchvision/resnet18"])
def test_the_activation_of_the_preactivation_is_what_comes_next(name: str) -> None:
    """relu(pre-activation) is the feature itself, or in a pre-activation network the next input."""
    network = build(name, num_classes=10).eval()
    found = places(name, network, (3, 32, 32))
    taps = {f"preactivation{n}": place for n, place in enumerate(found.preactivations, 1)}
    after = {f"stage{n}": Place(place.path) for n, place in enumerate(found.preactivations, 1)}
    output = Watch(network, taps | after)(torch.randn(2, 3, 32, 32))
    for before, activated in zip(output.preactivations, output.stages, strict=True):
        assert float(before.detach().min()) < 0
        torch.testing.assert_close(before.relu(), activated)


def test_in_a_network_nobody_knows_stages_are_where_it_shrinks() -> None:
    def stage(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.ReLU())

    network = nn.Sequential(
        stage(3, 4), stage(4, 8), stage(8, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 5),
    )  # fmt: skip
    found = places("", network, (3, 32, 32))
    assert [place.path for place in found.stages] == ["0", "1", "2"]
    assert [place.path for place in found.preactivations] == ["0.1", "1.1", "2.1"]
    assert found.classifier == "5"
    assert [place.path for place in places("", network, (3, 32, 32), ["1"]).stages] == ["1"]


def test_finding_leaves_a_network_as_it_was() -> None:
    network = build("resnet8", num_classes=10).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    places("resnet8", network, (3, 32, 32))
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_the_classifiers_weights_are_the_live_ones_and_carry_a_gradient() -> None:
    network = build("resnet8", num_classes=10)
    output = Watch(network, {"classifier": Place("fc", "weight")})(torch.randn(2, 3, 32, 32))
    output.taps["classifier"].square().sum().backward()
    weight = network.get_parameter("fc.weight")
    torch.testing.assert_close(weight.grad, 2 * weight.detach())


def test_a_tap_of_what_works_in_place_sees_what_came_in() -> None:
    network = nn.Sequential(nn.Flatten(), nn.ReLU(inplace=True))
    images = -torch.ones(2, 1, 2, 2)
    output = Watch(network, {"before": Place("1", "input")})(images.clone())
    assert torch.equal(output.taps["before"], images.flatten(1))


def test_more_stages_on_one_side_are_thinned_out_evenly() -> None:
    assert [evenly(count, 3) for count in (3, 4, 6)] == [[0, 1, 2], [0, 2, 3], [1, 3, 5]]


def test_what_a_method_misses_is_told_with_the_remedy() -> None:
    bare = Places(classifier="fc")
    with pytest.raises(ConfigError, match=r"none were found in the student.*student.taps="):
        pair(Greedy, bare, bare)

    class Embedding(Greedy):
        taps = ("pooled",)

    with pytest.raises(ConfigError, match=r"the teacher has no linear layer.*need none: .*dkd"):
        pair(Embedding, bare, Places())


def test_a_path_that_is_none_is_told_with_the_nearest() -> None:
    network = build("resnet8", num_classes=10)
    with pytest.raises(ModelError, match=r"no 'layr2'.*Did you mean 'layer2'"):
        places("resnet8", network, (3, 32, 32), ["layr2"])


def test_features_of_two_networks_in_bfloat16_come_out_in_float32() -> None:
    network = build("resnet8", num_classes=10)
    watch = Watch(network, {"last": Place("layer3")})
    with torch.autocast("cpu", torch.bfloat16):
        output = watch(torch.randn(2, 3, 32, 32))
    tap: Tensor = output.taps["last"]
    assert tap.dtype == output.logits.dtype == torch.float32
