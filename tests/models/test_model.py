import warnings

import pytest
import torch
from torch import Tensor, nn

from tutelage.errors import ConfigError, ModelError, RangeError, ShapeError
from tutelage.models import build, count_parameters, models, probe, stages


class Strange(nn.Module):
    """A network whose answer is whatever the test asks for."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer
        self.first = nn.Conv2d(3, 4, 3)
        self.pair = Pair()

    def forward(self, images: Tensor) -> object:
        self.pair(self.first(images))
        return self.answer


class Pair(nn.Module):
    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return features, features


def test_a_misspelt_name_is_answered_with_the_nearest_and_with_the_ways_out() -> None:
    with pytest.raises(ConfigError) as caught:
        build("resnet8x5", num_classes=10)
    message = str(caught.value)
    assert "'resnet8x5'" in message
    assert "Did you mean 'resnet8x4'?" in message
    assert "torchvision/NAME" in message
    assert "package.module:function" in message


@pytest.mark.parametrize("name", ["torchvison/resnet18", "resnet", "glyph"])
def test_a_name_of_no_known_form_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        build(name, num_classes=10)
    with pytest.raises(ConfigError, match=name):
        stages(name, nn.Identity())


@pytest.mark.parametrize("num_classes", [1, 0, -3])
@pytest.mark.parametrize("name", ["resnet8", "torchvision/resnet18", "timm/resnet18"])
def test_fewer_than_two_classes_are_refused(name: str, num_classes: int) -> None:
    with pytest.raises(RangeError, match=f"num_classes is {num_classes}"):
        build(name, num_classes=num_classes)


def test_a_picture_without_channels_is_refused() -> None:
    with pytest.raises(RangeError, match="channels is 0"):
        build("resnet8", num_classes=10, channels=0)


def test_every_published_network_names_its_paper() -> None:
    for name in models:
        network = models[name]
        assert "arXiv:" in network.paper or network.family == "glyph", name


def test_two_builds_from_one_seed_are_equal_and_from_two_seeds_differ() -> None:
    def weights(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return build("wrn_16_1", num_classes=10).get_parameter("block1.layer.0.conv1.weight")

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_parameters_are_counted_frozen_or_not_and_shared_ones_once() -> None:
    first = nn.Linear(3, 3)
    network = nn.Sequential(first, first, nn.Linear(3, 2), nn.BatchNorm1d(2))
    first.requires_grad_(False)
    assert count_parameters(network) == (9 + 3) + (6 + 2) + 4


def test_asking_for_the_stages_of_another_network_tells_what_is_missing() -> None:
    network = build("vgg8", num_classes=10)
    with pytest.raises(ModelError, match=r"'resnet8' should lie at .* has no .*layer1"):
        stages("resnet8", network)


def test_stages_come_in_the_order_of_the_forward_pass() -> None:
    network = build("mobilenetv2", num_classes=10)
    order: list[str] = []
    for name, path in stages("mobilenetv2", network).items():
        network.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, name=name: order.append(name)
        )
    network.eval()(torch.zeros(1, 3, 32, 32))
    assert order == ["stem", "stage1", "stage2", "stage3", "stage4", "pooled"]


def test_probing_leaves_weights_statistics_modes_hooks_and_the_random_state_alone() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(5)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network(torch.randn(2, 3, 8, 8))
    network.train()
    network[1].eval()  # a frozen BN inside a network in training
    before = {key: value.clone() for key, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    random_state = torch.random.get_rng_state()

    shapes = probe(network, (3, 8, 8), taps={"early": "0", "late": "3"})

    assert shapes == {"early": (4, 6, 6), "late": (144,), "logits": (5,)}
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_probing_does_not_move_the_random_state_even_of_a_network_that_draws() -> None:
    class Noisy(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(2, 3)) + torch.rand(len(images), 3)

    random_state = torch.random.get_rng_state()
    assert probe(Noisy(), (3, 4, 4)) == {"logits": (3,)}
    assert torch.equal(torch.random.get_rng_state(), random_state)


def test_a_network_that_cannot_read_the_pictures_is_told_and_left_as_it_was() -> None:
    network = build("resnet8", num_classes=10).train()
    with pytest.raises(ModelError, match=r"Sequential should read pictures of 1 x 32 x 32") as got:
        probe(network, (1, 32, 32), taps={"stage": "layer1"})
    assert isinstance(got.value.__cause__, RuntimeError)
    assert network.training
    assert not network.get_submodule("layer1")._forward_hooks


@pytest.mark.parametrize("answer", [(torch.zeros(2, 5), []), {"logits": torch.zeros(2, 5)}])
def test_a_network_that_returns_more_than_its_logits_is_refused(answer: object) -> None:
    with pytest.raises(ModelError, match=f"Strange returned {type(answer).__name__}"):
        probe(Strange(answer), (3, 8, 8))


@pytest.mark.parametrize("shape", [(8, 100), (2, 100, 1), (200,)])
def test_logits_that_are_not_one_row_per_picture_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        probe(Strange(torch.zeros(shape)), (3, 8, 8))
    assert str(shape) in str(caught.value)
    assert "(2, 3, 8, 8)" in str(caught.value)


def test_a_tap_on_no_module_and_a_tap_on_no_tensor_are_refused() -> None:
    network = Strange(torch.zeros(2, 5))
    with pytest.raises(ModelError, match="Strange has no 'second'"):
        probe(network, (3, 8, 8), taps={"tap": "second"})
    with pytest.raises(ModelError, match="'pair' has tuple"):
        probe(network, (3, 8, 8), taps={"tap": "pair"})
