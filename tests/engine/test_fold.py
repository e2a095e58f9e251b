"""A folded network says what the network said, whatever it is and wherever it is watched."""

import pytest
import torch
from torch import Tensor, nn

from tutelage.engine.ensemble import Ensemble
from tutelage.engine.fold import folded
from tutelage.models import Place, attach, build, models, places

OUTSIDE = [
    "torchvision/resnet18",
    "torchvision/mobilenet_v2",
    "torchvision/vgg11_bn",
    "torchvision/densenet121",
    "torchvision/lraspp_mobilenet_v3_large",
    "timm/resnet26d",
    "timm/efficientnet_b0",
]


def trained(network: nn.Module) -> nn.Module:
    """Give batch norms statistics and weights as training would, but keep the features' size."""
    generator = torch.Generator().manual_seed(0)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor, low, high in (
                (norm.running_mean, -0.3, 0.3),
                (norm.running_var, 0.8, 1.6),
                (norm.weight.data, 0.3, 0.9),
                (norm.bias.data, -0.3, 0.3),
            ):
                assert tensor is not None
                tensor.uniform_(low, high, generator=generator)
    return network.eval()


def logits(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        output = network(images)
    found: Tensor = output["out"] if isinstance(output, dict) else output
    return found


@pytest.mark.parametrize("name", [*models, *OUTSIDE])
def test_it_says_the_same_and_its_modules_keep_their_paths(name: str) -> None:
    if name.startswith("timm/"):
        pytest.importorskip("timm")
    torch.manual_seed(0)
    grey = name.startswith("glyph")
    network = trained(build(name, num_classes=10, channels=1 if grey else 3))
    size = 28 if grey else 64 if "/" in name else 32
    images = torch.randn(2, 1 if grey else 3, size, size)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    made = folded(network, {})
    wanted, got = logits(network, images), logits(made.network, images)
    scale = float(wanted.abs().max())
    torch.testing.assert_close(got / scale, wanted / scale, rtol=0, atol=1e-4)
    paths, own = (dict(one.named_modules()) for one in (made.network, network))
    assert paths.keys() >= own.keys()
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())
    norms = sum(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    left = sum(isinstance(part, nn.BatchNorm2d) for part in made.network.modules())
    assert (made.norms, made.norms - made.folded) == (norms, left)


@pytest.mark.parametrize(
    ("name", "norms"),
    # In a wide ResNet's block the first norm comes before its convolution (arXiv:1605.07146).
    [("resnet56", 0), ("resnet32x4", 0), ("vgg13", 0), ("shufflenetv1", 0), ("wrn_40_2", 18)],
)
def test_the_papers_teachers_keep_no_norm_that_follows_a_convolution(name: str, norms: int) -> None:
    made = folded(build(name, num_classes=10), {})
    assert made.norms - made.folded == norms


@pytest.mark.parametrize("name", ["resnet8x4", "wrn_16_2", "shufflenetv2", "vgg8"])
def test_what_is_tapped_stays_what_it_was(name: str) -> None:
    torch.manual_seed(0)
    network = trained(build(name, num_classes=10))
    found = places(name, network, (3, 32, 32))
    first = next(path for path, part in network.named_modules() if isinstance(part, nn.Conv2d))
    taps = {f"stage{number}": place for number, place in enumerate(found.stages)}
    taps |= {f"before{number}": place for number, place in enumerate(found.preactivations)}
    taps |= {"bare": Place(first), "pooled": Place(found.classifier, "input")}
    made, images = folded(network, taps), torch.randn(2, 3, 32, 32)
    seen: list[dict[str, Tensor]] = [{}, {}]
    for one, into in zip((network, made.network), seen, strict=True):
        with attach(one, taps, into):
            logits(one, images)
    assert seen[0].keys() == seen[1].keys() == taps.keys()
    for tap, tensor in seen[0].items():
        torch.testing.assert_close(seen[1][tap], tensor, rtol=1e-4, atol=1e-4)
    assert 0 < made.folded < made.norms


class _Twice(nn.Module):
    """Convolutions that must stay: one runs twice, one is read twice, one has a hook."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3, 1))
        self.norm = nn.BatchNorm2d(3)
        self.twice, self.twice_norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.read, self.read_norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.hooked, self.hooked_norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.hooked.register_forward_hook(lambda module, inputs, output: 2 * output)
        self.lent, self.lent_norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        images = self.norm(self.stem(images))
        images = self.twice_norm(self.twice(self.twice(images)))
        read = self.read(images)
        images = self.read_norm(read) + read
        images = self.hooked_norm(self.hooked(images))
        images = self.lent_norm(self.lent(images)) + self.lent.weight.sum()
        return images.flatten(1)


def test_only_pairs_are_folded_that_nothing_else_touches() -> None:
    torch.manual_seed(0)
    network, images = trained(_Twice()), torch.randn(2, 3, 4, 4)
    made = folded(network, {})
    assert made.folded == 1
    torch.testing.assert_close(logits(made.network, images), logits(network, images))
    assert folded(network, {"stem": Place("stem")}).folded == 0
    assert folded(network, {"norm": Place("norm", "input")}).folded == 0
    assert folded(network, {"norm": Place("norm")}).folded == 1


class _Choosing(nn.Sequential):
    def forward(self, images: Tensor) -> Tensor:
        if images.sum() > 0:  # no symbol can answer that
            images = -images
        found: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return found


def test_a_network_that_cannot_be_traced_stays_and_says_why() -> None:
    parts = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    network = trained(_Choosing(*parts))
    made, images = folded(network, {}), torch.randn(2, 3, 4, 4)
    assert made.folded == 0
    assert "0 of its 1 batch norms" in made.story
    assert "_Choosing cannot be traced (TraceError" in made.story
    assert torch.equal(logits(made.network, images), logits(network, images))


def test_a_network_that_cannot_be_copied_runs_itself() -> None:
    network = trained(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))
    network.kept = (torch.ones(1, requires_grad=True) * 2).requires_grad_()
    made = folded(network, {})
    assert made.network is network
    assert "Sequential cannot be copied (RuntimeError: Only Tensors created" in made.story


def test_each_network_of_an_ensemble_is_folded() -> None:
    torch.manual_seed(0)
    whole = Ensemble([trained(build(name, num_classes=5)) for name in ("resnet8", "vgg8")])
    made, images = folded(whole, {"stem": Place("conv1")}), torch.randn(2, 3, 32, 32)
    assert (made.norms, made.folded) == (9 + 5, 8 + 5)
    torch.testing.assert_close(
        logits(made.network, images), logits(whole, images), rtol=1e-4, atol=1e-4
    )
