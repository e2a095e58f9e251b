import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from tutelage.errors import ModelError, ShapeError
from tutelage.models import build, count_parameters, logits_of, places, probe, stages

SOURCE = """
from torch import nn

def named(num_classes, channels):
    return nn.Sequential(nn.Conv2d(channels, 4, 8), nn.Flatten(), nn.Linear(4, num_classes))

def colour(*, num_classes=10):
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), pool, nn.Flatten(), nn.Linear(4, num_classes))

def passed_on(**options):
    return colour(**options)

class Classy(nn.Linear):
    def __init__(self, num_classes, channels=3):
        super().__init__(channels, num_classes)

def fixed(width):
    return nn.Linear(width, 10)

def failing(num_classes):
    raise KeyError("weights")

def wordy(num_classes):
    return f"a network of {num_classes} classes"

not_callable = 3
"""


@pytest.fixture
def module_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_networks.py").write_text(SOURCE)
    (tmp_path / "my_broken.py").write_text("import a_package_that_is_not_there\n")
    (tmp_path / "my_unfinished.py").write_text("def (:\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("my_networks", "my_broken", "my_unfinished"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "my_networks"


def on_meta(name: str, *, num_classes: int = 7, channels: int = 3) -> nn.Module:
    with torch.device("meta"):
        return build(name, num_classes=num_classes, channels=channels)


# torchvision. The shapes are those of the papers' tables, which are drawn for 224x224.


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("resnet18", "64x112 64x56 128x28 256x14 512x7"),
        ("resnet50", "64x112 256x56 512x28 1024x14 2048x7"),
        ("resnext50_32x4d", "64x112 256x56 512x28 1024x14 2048x7"),
        ("wide_resnet50_2", "64x112 256x56 512x28 1024x14 2048x7"),
        ("mobilenet_v2", "32x112 24x56 32x28 96x14 320x7"),
        ("vgg11", "64x224 128x112 256x56 512x28 512x14"),
        ("vgg16_bn", "64x224 128x112 256x56 512x28 512x14"),
        ("shufflenet_v2_x1_0", "24x112 116x28 232x14 464x7"),
    ],
)
def test_a_torchvision_network_has_the_stages_of_its_paper(name: str, features: str) -> None:
    network = on_meta(f"torchvision/{name}")
    paths = stages(f"torchvision/{name}", network)
    shapes = probe(network, (3, 224, 224), taps=paths)
    expected = [tuple(map(int, feature.split("x"))) for feature in features.split()]
    names = ["stem", *(f"stage{n}" for n in range(1, len(expected)))]
    assert {stage: shapes[stage][:2] for stage in names} == dict(zip(names, expected, strict=True))
    assert set(shapes) - set(names) <= {"pooled", "logits"}
    assert shapes["logits"] == (7,)


def test_every_encoder_layer_of_a_vision_transformer_is_a_stage() -> None:
    network = on_meta("torchvision/vit_b_32")
    paths = stages("torchvision/vit_b_32", network)
    shapes = probe(network, (3, 224, 224), taps=paths)
    tokens = (7 * 7 + 1, 768)  # a token for each patch of 32x32, and one for the class
    assert shapes == {**{f"stage{n}": tokens for n in range(1, 13)}, "logits": (7,)}


@pytest.mark.parametrize("name", ["torchvision/maxvit_t", "torchvision/alexnet"])
def test_a_torchvision_family_without_a_rule_has_no_known_stages(name: str) -> None:
    assert stages(name, on_meta(name)) == {}


@pytest.mark.parametrize(
    "name",
    [
        "torchvision/resnet18",
        "torchvision/mobilenet_v2",
        "torchvision/vgg11_bn",
        "torchvision/shufflenet_v2_x0_5",
        "timm/resnet18",
        "timm/mobilenetv3_small_050",
    ],
)
def test_later_layers_of_a_network_from_outside_do_not_overwrite_its_stages(name: str) -> None:
    network = build(name, num_classes=7).eval()
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def hook(stage: str) -> Callable[[nn.Module, object, Tensor], None]:
        return lambda module, inputs, output: seen.update({stage: (output, output.clone())})

    paths = stages(name, network)
    for stage, path in paths.items():
        network.get_submodule(path).register_forward_hook(hook(stage))
    inputs: list[Tensor] = []
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    linear.register_forward_pre_hook(lambda module, args: inputs.append(args[0]))
    with torch.no_grad():
        network(torch.randn(2, 3, 64, 64))
    assert list(seen) == list(paths)
    assert all(torch.equal(output, copy) for output, copy in seen.values())
    if "pooled" in seen:
        assert torch.equal(seen["pooled"][0].flatten(1), inputs[0])


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "squeezenet1_1", "vit_b_32"])
def test_a_grey_torchvision_network_misses_two_planes_of_its_first_convolution(name: str) -> None:
    grey, colour = (on_meta(f"torchvision/{name}", channels=channels) for channels in (1, 3))
    first = next(module for module in colour.modules() if isinstance(module, nn.Conv2d))
    planes = 2 * first.out_channels * first.kernel_size[0] * first.kernel_size[1]
    assert count_parameters(colour) - count_parameters(grey) == planes
    assert probe(grey, (1, 224, 224)) == {"logits": (7,)}


def test_a_grey_torchvision_network_is_torchvisions_on_pictures_with_two_blank_planes() -> None:
    torch.manual_seed(3)
    grey = build("torchvision/resnet18", num_classes=7, channels=1).eval()
    torch.manual_seed(3)
    colour = torchvision.models.resnet18(weights=None, num_classes=7).eval()
    images = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        expected = colour(torch.cat([images, torch.zeros(2, 2, 64, 64)], dim=1))
        torch.testing.assert_close(grey(images), expected)


def test_a_grey_torchvision_network_can_be_trained() -> None:
    network = build("torchvision/shufflenet_v2_x0_5", num_classes=7, channels=1)
    network(torch.randn(2, 1, 64, 64)).sum().backward()
    gradient = next(network.parameters()).grad
    assert gradient is not None
    assert gradient.shape[1] == 1


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_torchvision_networks_with_auxiliary_classifiers_return_logits_alone(name: str) -> None:
    network = on_meta(f"torchvision/{name}")
    assert network.training
    assert network(torch.empty(2, 3, 299, 299, device="meta")).shape == (2, 7)


def test_torchvision_networks_with_more_than_three_channels_are_refused() -> None:
    with pytest.raises(ModelError, match=r"'resnet18' reads at most 3 channels: channels is 4"):
        build("torchvision/resnet18", num_classes=7, channels=4)


@pytest.mark.parametrize("name", ["resnet19", "fasterrcnn_resnet50_fpn", ""])
def test_what_torchvision_does_not_classify_with_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=f"torchvision has no classifier named '{name}'"):
        build(f"torchvision/{name}", num_classes=7)


@pytest.mark.parametrize(
    ("name", "channels"),  # of the feature that the auxiliary classifier gets
    [
        ("fcn_resnet50", 1024),
        ("deeplabv3_resnet50", 1024),
        ("deeplabv3_mobilenet_v3_large", 40),
        ("lraspp_mobilenet_v3_large", 0),
    ],
)
def test_a_segmentation_network_has_the_published_size_less_its_auxiliary_classifier(
    name: str, channels: int
) -> None:
    inner = channels // 4  # a 3x3 convolution, a norm, and a 1x1 convolution to 21 classes
    auxiliary = 9 * channels * inner + 2 * inner + (21 * inner + 21 if channels else 0)
    published = torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
    with torch.device("meta"):
        network = build(f"torchvision/{name}", num_classes=21)
    assert count_parameters(network) == published - auxiliary


@pytest.mark.parametrize("channels", [1, 3])
def test_a_segmentation_network_scores_every_pixel(channels: int) -> None:
    name = "torchvision/lraspp_mobilenet_v3_large"
    network = build(name, num_classes=7, channels=channels)
    shapes = probe(network, (channels, 48, 64), task="pixels")
    assert shapes == {"logits": (7, 48, 64)}
    assert places(name, network, (channels, 48, 64)).classifier == ""
    with pytest.raises(ShapeError, match=r"logits must be \[B, C\].*\(2, 7, 48, 64\)"):
        probe(network, (channels, 48, 64))


def test_small_maps_of_pixels_are_brought_to_the_pictures_size() -> None:
    """Bilinearly, so that a plane stays a plane between the outermost samples."""
    ramp = torch.arange(4.0).expand(2, 3, 4, 4)
    maps = logits_of(ramp.bfloat16(), torch.zeros(2, 1, 16, 16), "pixels", who="Ramp")
    assert maps.dtype == torch.float32
    assert maps.shape == (2, 3, 16, 16)
    torch.testing.assert_close(maps[0, 0, 0, 2:14].diff(), torch.full((11,), 0.25))


# timm


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("resnet18", "64x32 64x16 128x8 256x4 512x2"),
        ("mobilenetv2_100", "16x32 24x16 32x8 96x4 320x2"),
        ("convnext_atto", "- 40x16 80x8 160x4 320x2"),
        ("regnetx_002", "32x32 24x16 56x8 152x4 368x2"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_timm_network_has_the_stages_it_tells(name: str, features: str, channels: int) -> None:
    network = on_meta(f"timm/{name}", channels=channels)
    paths = stages(f"timm/{name}", network)
    shapes = probe(network, (channels, 64, 64), taps=paths)
    told = [tuple(map(int, word.split("x"))) for word in features.split() if word != "-"]
    names = ["stem", *(f"stage{n}" for n in range(1, 5))][-len(told) :]
    assert {stage: shapes[stage][:2] for stage in names} == dict(zip(names, told, strict=True))
    assert shapes["logits"] == (7,)


def test_a_timm_network_whose_features_are_no_modules_has_no_known_stages() -> None:
    network = on_meta("timm/hrnet_w18_small")
    assert network.feature_info
    assert stages("timm/hrnet_w18_small", network) == {}


def test_a_timm_model_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"no model named 'resnet19'.* Did you mean 'resnet"):
        build("timm/resnet19", num_classes=7)
    with pytest.raises(ModelError, match="no model named 'hf-hub:someone/something'"):
        build("timm/hf-hub:someone/something", num_classes=7)


def test_without_timm_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModelError) as caught:
        build("timm/resnet18", num_classes=7)
    assert 'pip install "tutelage[timm]"' in str(caught.value)
    assert "'timm/resnet18'" in str(caught.value)


def test_a_timm_network_is_built_as_timm_builds_it() -> None:
    torch.manual_seed(3)
    ours = build("timm/resnet10t", num_classes=7, channels=1).state_dict()
    torch.manual_seed(3)
    theirs = timm.create_model("resnet10t", num_classes=7, in_chans=1).state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


# package.module:function


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("function", ["named", "Classy"])
def test_a_function_or_class_gets_the_classes_and_the_channels(
    module_name: str, function: str, channels: int
) -> None:
    network = build(f"{module_name}:{function}", num_classes=11, channels=channels)
    images = torch.randn(2, channels) if function == "Classy" else torch.randn(2, channels, 8, 8)
    assert network(images).shape == (2, 11)
    assert stages(f"{module_name}:{function}", network) == {}


@pytest.mark.parametrize("function", ["colour", "passed_on"])
def test_a_function_without_channels_is_built_as_it_is_and_refused_for_grey(
    module_name: str, function: str
) -> None:
    network = build(f"{module_name}:{function}", num_classes=11)
    assert probe(network, (3, 8, 8)) == {"logits": (11,)}
    with pytest.raises(ModelError, match=r"must read pictures of 1 channels.*reads 3"):
        build(f"{module_name}:{function}", num_classes=11, channels=1)


def test_an_installed_package_can_be_named() -> None:
    network = build("torchvision.models.resnet:resnet18", num_classes=11)
    assert probe(network, (3, 64, 64)) == {"logits": (11,)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_netwroks:named", r"importing 'my_netwroks' raised ModuleNotFoundError: No module"),
        ("my_broken:net", r"importing 'my_broken' raised ModuleNotFoundError: .*a_package_that"),
        ("my_unfinished:net", r"importing 'my_unfinished' raised SyntaxError: "),
        (":named", r"importing '' raised ValueError: "),
        ("my_networks:nmaed", r"has no function 'nmaed'\. Did you mean 'named'\?"),
        ("my_networks:", r"has no function ''\."),
        ("my_networks:not_callable", r"has no function 'not_callable'\."),
        ("my_networks:fixed", r"its parameters are \(width\)\. Add a parameter `num_classes`"),
        ("my_networks:failing", r"called with num_classes=10 it raised KeyError: 'weights'\."),
        ("my_networks:wordy", r"must return a torch\.nn\.Module: it returned str\."),
        ("math:hypot", r"its parameters are |must have a readable signature"),
    ],
)
@pytest.mark.usefixtures("module_name")
def test_a_function_that_cannot_build_is_told_in_its_own_words(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        build(name, num_classes=10)
    assert "\n" not in str(caught.value)
