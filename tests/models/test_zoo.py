import re
from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models as torchvision_models
from torchvision.models import resnet as torchvision_resnet

from tutelage.models import build, count_parameters, models, probe, stages
from tutelage.models.resnet import BasicBlock
from tutelage.models.shufflenetv1 import ShuffleUnit
from tutelage.models.wrn import PreactivationBlock

NAMES = [name for name in models if models[name].name == name]
SMALL = ["resnet8", "wrn_16_1", "vgg8", "mobilenetv2", "shufflenetv1", "shufflenetv2"]

# What the published implementations of the field count for 100 classes, and the features they
# hand to feature methods (channels x pixels a side) for pictures of 32x32.
PUBLISHED: dict[str, tuple[int, str, int]] = {
    "resnet8": (83_892, "16x32 16x32 32x16 64x8", 64),
    "resnet14": (181_108, "16x32 16x32 32x16 64x8", 64),
    "resnet20": (278_324, "16x32 16x32 32x16 64x8", 64),
    "resnet32": (472_756, "16x32 16x32 32x16 64x8", 64),
    "resnet44": (667_188, "16x32 16x32 32x16 64x8", 64),
    "resnet56": (861_620, "16x32 16x32 32x16 64x8", 64),
    "resnet110": (1_736_564, "16x32 16x32 32x16 64x8", 64),
    "resnet8x4": (1_233_540, "32x32 64x32 128x16 256x8", 256),
    "resnet32x4": (7_433_860, "32x32 64x32 128x16 256x8", 256),
    "wrn_16_1": (180_916, "16x32 16x32 32x16 64x8", 64),
    "wrn_16_2": (703_284, "16x32 32x32 64x16 128x8", 128),
    "wrn_40_1": (569_780, "16x32 16x32 32x16 64x8", 64),
    "wrn_40_2": (2_255_156, "16x32 32x32 64x16 128x8", 128),
    "vgg8": (3_965_028, "64x32 128x16 256x8 512x4 512x4", 512),
    "vgg11": (9_277_284, "64x32 128x16 256x8 512x4 512x4", 512),
    "vgg13": (9_462_180, "64x32 128x16 256x8 512x4 512x4", 512),
    "vgg16": (14_774_436, "64x32 128x16 256x8 512x4 512x4", 512),
    "vgg19": (20_086_692, "64x32 128x16 256x8 512x4 512x4", 512),
    "resnet18_cifar": (11_220_132, "64x32 64x32 128x16 256x8 512x4", 512),
    "resnet50_cifar": (23_705_252, "64x32 256x32 512x16 1024x8 2048x4", 2048),
    "mobilenetv1": (4_231_976 - 900 * 1025, "32x16 128x8 256x4 512x2 1024x1", 1024),
    "mobilenetv2": (812_836, "16x16 12x16 16x8 48x4 160x2", 1280),
    "mobilenetv2_tiny": (2_369_380, "32x34 24x17 32x9 64x5 1280x5", 1280),
    "shufflenetv1": (949_258, "24x32 240x16 480x8 960x4", 960),
    "shufflenetv2": (1_355_528, "24x32 116x16 232x8 464x4", 1024),
}


def on_meta(name: str, *, channels: int = 3) -> nn.Module:
    with torch.device("meta"):
        return build(name, num_classes=100, channels=channels)


def forward_seeing(module: nn.Module, paths: dict[str, str], images: Tensor) -> dict[str, Tensor]:
    """Run a network in evaluation mode; return what the hooks were given, not copies of it."""
    seen: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda module, inputs, output: seen.update({name: output})

    handles = [
        module.get_submodule(path).register_forward_hook(hook(name)) for name, path in paths.items()
    ]
    with torch.no_grad():
        seen["logits"] = module.eval()(images)
    for handle in handles:
        handle.remove()
    return seen


def randomise(module: nn.Module) -> None:
    """Give BN layers statistics and weights that no two networks share by default."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_(std=0.2)
            part.running_var.uniform_(0.5, 1.5)


def test_every_network_of_the_zoo_is_either_published_or_a_glyph_network() -> None:
    assert set(NAMES) - set(PUBLISHED) == {"glyph_student", "glyph_student_wide", "glyph_teacher"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_has_the_published_number_of_parameters(name: str) -> None:
    assert count_parameters(on_meta(name)) == PUBLISHED[name][0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_stages_have_the_published_shapes(name: str) -> None:
    network = on_meta(name)
    shapes = probe(network, (3, 32, 32), taps=stages(name, network))
    _, features, pooled = PUBLISHED[name]
    sizes = [tuple(map(int, feature.split("x"))) for feature in features.split()]
    names = ["stem", *(f"stage{n}" for n in range(1, len(sizes)))]
    assert shapes == {
        **{stage: (c, side, side) for stage, (c, side) in zip(names, sizes, strict=True)},
        "pooled": (pooled,),
        "logits": (100,),
    }


@pytest.mark.parametrize("blocks", [1, 2, 3, 9])
def test_a_resnet_counts_what_its_paper_draws(blocks: int) -> None:
    def unit(inputs: int, outputs: int, kernel: int = 3) -> int:
        return inputs * outputs * kernel**2 + 2 * outputs  # convolution, and scale and shift of BN

    count = unit(3, 16) + 64 * 100 + 100
    for inputs, outputs in [(16, 16), (16, 32), (32, 64)]:
        count += unit(inputs, outputs) + (2 * blocks - 1) * unit(outputs, outputs)
        count += unit(inputs, outputs, kernel=1) if inputs != outputs else 0
    assert count_parameters(on_meta(f"resnet{6 * blocks + 2}")) == count


@pytest.mark.parametrize(("name", "millions"), [("wrn_16_2", "0.7"), ("wrn_40_2", "2.2")])
def test_a_wide_resnet_has_as_many_millions_as_its_paper_says(name: str, millions: str) -> None:
    with torch.device("meta"):
        network = build(name, num_classes=10)
    assert f"{count_parameters(network) / 1e6:.1f}" == millions


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_any_channels_gives_one_row_per_picture_of_any_size(
    name: str, channels: int
) -> None:
    network = on_meta(name, channels=channels).eval()
    for height, width in [(28, 28), (32, 32), (64, 64), (64, 96)]:
        images = torch.empty(3, channels, height, width, device="meta")
        assert network(images).shape == (3, 100)


@pytest.mark.parametrize("name", NAMES)
def test_grey_networks_differ_from_colour_networks_in_the_first_layer_alone(name: str) -> None:
    grey = {key: value.shape for key, value in on_meta(name, channels=1).state_dict().items()}
    colour = {key: value.shape for key, value in on_meta(name, channels=3).state_dict().items()}
    assert list(grey) == list(colour)
    first = next(iter(grey))
    assert [key for key in grey if grey[key] != colour[key]] == [first]


@pytest.mark.parametrize("name", SMALL)
def test_evaluation_gives_the_same_logits_twice_and_for_each_picture_alone(name: str) -> None:
    network = build(name, num_classes=7).eval()
    randomise(network)
    images = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        logits = network(images)
        torch.testing.assert_close(network(images), logits, rtol=0, atol=0)
        alone = torch.cat([network(image[None]) for image in images])
    torch.testing.assert_close(alone, logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*SMALL, "resnet18_cifar", "glyph_student"])
def test_what_a_hook_saw_is_not_overwritten_by_later_layers(name: str) -> None:
    network = build(name, num_classes=7)
    randomise(network)
    images = torch.randn(2, 3, 32, 32)
    everything = {path: path for path, _ in network.named_modules() if path}
    seen = forward_seeing(network, everything, images)

    copies: dict[str, Tensor] = {}
    for path, module in network.named_modules():
        if path:
            module.register_forward_hook(
                lambda module, inputs, output, path=path: copies.update({path: output.clone()})
            )
    with torch.no_grad():
        network(images)
    assert len(copies) > 10
    for path, copy in copies.items():
        assert torch.equal(seen[path], copy), path


@pytest.mark.parametrize("name", [*SMALL, "resnet50_cifar", "glyph_student"])
def test_the_classifier_gets_the_pooled_stage_and_nothing_else(name: str) -> None:
    network = build(name, num_classes=7)
    randomise(network)
    classifier = [module for module in network.modules() if isinstance(module, nn.Linear)]
    assert len(classifier) == 1
    seen = forward_seeing(network, stages(name, network), torch.randn(2, 3, 32, 32))
    assert torch.equal(classifier[0](seen["pooled"]), seen["logits"])


@pytest.mark.parametrize("name", ["resnet8", "vgg8", "shufflenetv1", "shufflenetv2"])
def test_every_stage_is_seen_after_its_activation(name: str) -> None:
    network = build(name, num_classes=7)
    randomise(network)
    seen = forward_seeing(network, stages(name, network), torch.randn(2, 3, 32, 32))
    for stage, feature in seen.items():
        assert stage == "logits" or feature.min() == 0 or stage == "pooled", stage


def test_the_stages_of_a_wide_resnet_are_the_signed_sums_that_the_next_block_activates() -> None:
    network = build("wrn_16_2", num_classes=7)
    randomise(network)
    paths = stages("wrn_16_2", network)
    paths |= {"active1": "block2.layer.0.relu1", "active3": "relu"}
    seen = forward_seeing(network, paths, torch.randn(2, 3, 32, 32))
    assert seen["stage1"].min() < 0 < seen["stage1"].max()
    norm = network.get_submodule("block2.layer.0.bn1")
    torch.testing.assert_close(seen["active1"], norm(seen["stage1"]).relu())
    torch.testing.assert_close(seen["active3"], network.get_submodule("bn1")(seen["stage3"]).relu())


@pytest.mark.parametrize("name", [*SMALL, "resnet18_cifar", "glyph_student", "glyph_teacher"])
def test_training_reaches_every_parameter(name: str) -> None:
    network = build(name, num_classes=5, channels=1).train()
    network(torch.randn(4, 1, 32, 32)).logsumexp(dim=1).sum().backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert torch.isfinite(parameter.grad).all(), path


# Independent implementations: torchvision's own networks, with the stem for small pictures.


@pytest.mark.parametrize(("name", "depth"), [("resnet18_cifar", 18), ("resnet50_cifar", 50)])
def test_a_four_stage_resnet_is_torchvisions_but_for_the_stem(name: str, depth: int) -> None:
    reference = torchvision_models.get_model(f"resnet{depth}", weights=None, num_classes=10)
    reference.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    reference.maxpool = nn.Identity()
    randomise(reference)
    network = build(name, num_classes=10)
    renamed = {
        re.sub(r"^fc\.", "linear.", key.replace("downsample", "shortcut")): value
        for key, value in reference.state_dict().items()
    }
    network.load_state_dict(renamed, strict=True)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), reference.eval()(images))


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(16, 16, 1), (16, 32, 2), (16, 32, 1)])
def test_a_basic_block_is_torchvisions(inputs: int, outputs: int, stride: int) -> None:
    fits = inputs == outputs and stride == 1
    projection = nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
    )
    reference = torchvision_resnet.BasicBlock(inputs, outputs, stride, None if fits else projection)
    randomise(reference)
    block = BasicBlock(inputs, outputs, stride)
    block.load_state_dict(reference.state_dict(), strict=True)
    features = torch.randn(2, inputs, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(block.eval()(features), reference.eval()(features))


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_vgg_is_torchvisions_without_two_poolings_and_two_linear_layers(depth: int) -> None:
    with torch.device("meta"):  # its three linear layers alone would be half a gigabyte
        complete = torchvision_models.get_model(f"vgg{depth}_bn", weights=None)
    layers = list(complete.features.to_empty(device="cpu"))
    poolings = [n for n, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    reference = nn.Sequential(*(layer for n, layer in enumerate(layers) if n not in poolings[3:]))
    network = build(f"vgg{depth}", num_classes=10)
    randomise(network)
    weights = [
        value for key, value in network.state_dict().items() if not key.startswith("classifier")
    ]
    reference.load_state_dict(dict(zip(reference.state_dict(), weights, strict=True)))
    images = torch.randn(1, 3, 32, 32)
    seen = forward_seeing(network, stages(f"vgg{depth}", network), images)
    with torch.no_grad():
        pooled = reference.eval()(images).mean(dim=(2, 3))
    torch.testing.assert_close(seen["pooled"], pooled)


def test_shufflenetv2_is_torchvisions_but_for_the_stem() -> None:
    reference = torchvision_models.get_model("shufflenet_v2_x1_0", weights=None, num_classes=10)
    reference.conv1[0] = nn.Conv2d(3, 24, 1, bias=False)
    reference.maxpool = nn.Identity()
    randomise(reference)
    network = build("shufflenetv2", num_classes=10)
    values = reference.state_dict().values()
    network.load_state_dict(dict(zip(network.state_dict(), values, strict=True)))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), reference.eval()(images))


def test_mobilenetv1_is_timms_but_for_the_cap_of_its_activations() -> None:
    reference = timm.create_model("mobilenetv1_100", num_classes=10)
    for path, part in list(reference.named_modules()):
        if isinstance(part, nn.ReLU6):
            reference.set_submodule(path, nn.ReLU())
    randomise(reference)
    network = build("mobilenetv1", num_classes=10)
    values = reference.state_dict().values()
    network.load_state_dict(dict(zip(network.state_dict(), values, strict=True)))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), reference.eval()(images))


def test_the_mobilenetv2_of_tiny_imagenet_has_torchvisions_rows_with_biases_and_a_1x1_stem() -> (
    None
):
    with torch.device("meta"):
        reference = torchvision_models.mobilenet_v2(weights=None, num_classes=100)
        network = build("mobilenetv2_tiny", num_classes=100)
    biases = sum(part.out_channels for part in network.modules() if isinstance(part, nn.Conv2d))
    widening_by_one, stem = 32 * 32 + 2 * 32, 32 * 3 * (9 - 1)
    expected = count_parameters(reference) + biases + widening_by_one - stem
    assert count_parameters(network) == expected


def test_mobilenetv2_has_torchvisions_rows_but_for_a_first_expansion_of_one() -> None:
    """Torchvision leaves out the 1x1 convolution that widens by 1, and rounds channels to 8."""
    with torch.device("meta"):
        reference = torchvision_models.mobilenet_v2(weights=None, num_classes=100)
        from tutelage.models.mobilenetv2 import mobilenetv2

        network = mobilenetv2(width=1.0, num_classes=100, channels=3)
    widening_by_one = 32 * 32 + 2 * 32
    assert count_parameters(network) == count_parameters(reference) + widening_by_one


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(32, 32, 1), (16, 32, 2)])
def test_a_preactivation_block_is_the_papers_formula(
    inputs: int, outputs: int, stride: int
) -> None:
    block = PreactivationBlock(inputs, outputs, stride).double().eval()
    randomise(block)
    features = torch.randn(2, inputs, 8, 8, dtype=torch.float64)
    state = block.state_dict()

    def active(values: Tensor, norm: str) -> Tensor:
        mean, variance, scale, shift = (
            state[f"{norm}.{key}"][:, None, None]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        normal: Tensor = (values - mean) / (variance + 1e-5).sqrt() * scale + shift
        return normal.clamp(min=0)

    first = active(features, "bn1")
    hidden = F.conv2d(first, state["conv1.weight"], stride=stride, padding=1)
    branch = F.conv2d(active(hidden, "bn2"), state["conv2.weight"], padding=1)
    shortcut = (
        features
        if inputs == outputs
        else F.conv2d(first, state["convShortcut.weight"], stride=stride)
    )
    with torch.no_grad():
        torch.testing.assert_close(block(features), branch + shortcut)


def test_a_shuffle_unit_spreads_every_group_over_all_groups() -> None:
    """ShuffleNet, section 3.1: g groups of n channels, reshaped to (g, n), transposed."""
    unit = ShuffleUnit(240, 240, stride=1)
    channels = torch.arange(60.0).view(1, 60, 1, 1)
    expected = [20 * (n % 3) + n // 3 for n in range(60)]
    assert unit.shuffle(channels).flatten().tolist() == expected


# Checkpoints of the field are loaded by name.

KEYS = {
    "resnet8x4": "conv1.weight bn1.running_var layer1.0.conv1.weight layer1.0.bn2.bias "
    "layer1.0.downsample.0.weight layer3.0.downsample.1.running_mean fc.weight fc.bias",
    "resnet20": "layer1.2.conv2.weight layer2.0.downsample.0.weight layer3.2.bn1.weight fc.bias",
    "wrn_16_2": "conv1.weight block1.layer.0.bn1.weight block1.layer.0.convShortcut.weight "
    "block2.layer.1.conv2.weight block3.layer.0.bn2.running_var bn1.weight fc.bias",
    "vgg13": "block0.0.weight block0.0.bias block0.1.running_mean block0.3.weight block4.4.bias "
    "classifier.weight",
    "resnet18_cifar": "conv1.weight layer1.1.bn2.weight layer2.0.shortcut.0.weight linear.bias",
    "resnet50_cifar": "bn1.bias layer1.0.shortcut.1.weight layer4.2.conv3.weight linear.weight",
    "mobilenetv2": "conv1.0.weight conv1.1.bias blocks.0.0.conv.0.weight blocks.6.0.conv.7.bias "
    "conv2.0.weight conv2.1.running_var classifier.0.weight",
    "mobilenetv1": "model.0.0.weight model.0.1.bias model.1.3.weight model.13.4.running_var",
    "mobilenetv2_tiny": "pre.0.bias stage1.residual.0.weight stage2.1.residual.7.bias conv2.weight "
    "stage7.residual.6.weight conv1.0.weight conv1.1.running_mean",
    "shufflenetv1": "conv1.weight bn1.weight layer1.0.conv3.weight layer2.7.bn3.bias linear.weight",
    "shufflenetv2": "conv1.weight layer1.0.conv5.weight layer2.7.bn3.bias conv2.weight bn2.weight "
    "linear.bias",
}


@pytest.mark.parametrize("name", KEYS)
def test_weights_have_the_names_that_published_checkpoints_use(name: str) -> None:
    assert set(KEYS[name].split()) <= set(on_meta(name).state_dict())


def test_a_resnet8x4_checkpoint_holds_62_tensors_as_the_published_ones_do() -> None:
    assert len(on_meta("resnet8x4").state_dict()) == 62


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("ResNet18", "resnet18_cifar"),
        ("ResNet50", "resnet50_cifar"),
        ("MobileNetV1", "mobilenetv1"),
        ("MobileNetV2", "mobilenetv2"),
        ("ShuffleV1", "shufflenetv1"),
        ("ShuffleV2", "shufflenetv2"),
    ],
)
def test_the_spelling_of_published_recipes_builds_the_same_network(alias: str, name: str) -> None:
    assert models[alias] is models[name]
    assert stages(alias, on_meta(alias)) == stages(name, on_meta(name))


@pytest.mark.parametrize("name", ["resnet8x4", "wrn_16_2", "vgg8", "mobilenetv2", "glyph_teacher"])
def test_convolutions_are_drawn_by_fan_out(name: str) -> None:
    torch.manual_seed(0)
    for module in build(name, num_classes=100).modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:
            area = module.kernel_size[0] * module.kernel_size[1]
            expected = (2 / (area * module.out_channels)) ** 0.5
            assert module.weight.std().item() == pytest.approx(expected, rel=0.05)
            assert module.bias is None or not module.bias.any()


@pytest.mark.parametrize("name", ["shufflenetv1", "shufflenetv2"])
def test_shufflenets_keep_the_initialisers_of_pytorch(name: str) -> None:
    torch.manual_seed(0)
    for module in build(name, num_classes=100).modules():
        if isinstance(module, nn.Conv2d):
            area = module.kernel_size[0] * module.kernel_size[1]
            bound = (area * module.in_channels / module.groups) ** -0.5
            assert 0.8 * bound < module.weight.abs().max().item() <= bound


@pytest.mark.parametrize(("name", "spread"), [("vgg8", 0.01), ("mobilenetv2", 0.01)])
def test_the_classifier_of_vgg_and_mobilenet_starts_near_zero(name: str, spread: float) -> None:
    *_, linear = build(name, num_classes=100).modules()
    assert isinstance(linear, nn.Linear)
    assert linear.weight.std().item() == pytest.approx(spread, rel=0.02)
    assert not linear.bias.any()


def test_a_wide_resnet_starts_without_a_bias_in_its_classifier() -> None:
    assert not build("wrn_16_1", num_classes=100).get_parameter("fc.bias").any()


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("glyph_student", 8_000, 10_000),
        ("glyph_student_wide", 35_000, 45_000),
        ("glyph_teacher", 280_000, 600_000),
    ],
)
def test_a_glyph_network_is_as_small_as_it_claims(name: str, low: int, high: int) -> None:
    assert low < count_parameters(on_meta(name, channels=1)) < high


def test_glyph_student_and_teacher_stand_stage_by_stage_on_the_same_pixels() -> None:
    sides = []
    for name in ("glyph_student", "glyph_student_wide", "glyph_teacher"):
        network = on_meta(name, channels=1)
        shapes = probe(network, (1, 28, 28), taps=stages(name, network))
        sides.append([shape[1:] for tap, shape in shapes.items() if tap != "logits"])
    assert sides[0] == sides[1] == sides[2] == [(14, 14), (14, 14), (7, 7), ()]


@pytest.mark.parametrize("name", ["glyph_student", "glyph_teacher"])
def test_a_glyph_network_says_the_same_channels_last(name: str) -> None:
    network = build(name, num_classes=100, channels=1).eval()
    images = torch.randn(4, 1, 28, 28)
    with torch.no_grad():
        logits = network(images)
        network = network.to(memory_format=torch.channels_last)
        again = network(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["glyph_student", "resnet8", "shufflenetv2"])
def test_a_network_keeps_its_answer_in_bfloat16_to_two_digits(name: str) -> None:
    network = build(name, num_classes=100, channels=1).eval()
    images = torch.randn(4, 1, 28, 28)
    with torch.no_grad():
        logits = network(images)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = network(images)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - logits).abs().max() < 0.05 * logits.abs().max()
