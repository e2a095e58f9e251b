"""Weights in the layouts of the official code and of RepDistiller load into the zoo, strictly."""

import re
from itertools import product
from pathlib import Path

import pytest
import torch

from tutelage.engine.checkpoint import load_weights
from tutelage.models import build

# The layers of mdistiller's networks, retyped from mdistiller/models (github.com/
# megvii-research/mdistiller, a08d46f; RepDistiller's CIFAR networks are named alike): those with a
# weight alone, batch norms, and those with weight and bias.
LAYOUTS = {
    "resnet20": (
        "conv1 layer{1..3}.{0..2}.conv{1,2} layer{2,3}.0.downsample.0",
        "bn1 layer{1..3}.{0..2}.bn{1,2} layer{2,3}.0.downsample.1",
        "fc",
    ),
    "resnet110": (
        "conv1 layer{1..3}.{0..17}.conv{1,2} layer{2,3}.0.downsample.0",
        "bn1 layer{1..3}.{0..17}.bn{1,2} layer{2,3}.0.downsample.1",
        "fc",
    ),
    "resnet8x4": (
        "conv1 layer{1..3}.0.conv{1,2} layer{1..3}.0.downsample.0",
        "bn1 layer{1..3}.0.bn{1,2} layer{1..3}.0.downsample.1",
        "fc",
    ),
    "ResNet18": (
        "conv1 layer{1..4}.{0,1}.conv{1,2} layer{2..4}.0.shortcut.0",
        "bn1 layer{1..4}.{0,1}.bn{1,2} layer{2..4}.0.shortcut.1",
        "linear",
    ),
    "ResNet50": (
        "conv1 layer{1,4}.{0..2}.conv{1..3} layer2.{0..3}.conv{1..3} layer3.{0..5}.conv{1..3} "
        "layer{1..4}.0.shortcut.0",
        "bn1 layer{1,4}.{0..2}.bn{1..3} layer2.{0..3}.bn{1..3} layer3.{0..5}.bn{1..3} "
        "layer{1..4}.0.shortcut.1",
        "linear",
    ),
    "wrn_16_1": (
        "conv1 block{1..3}.layer.{0,1}.conv{1,2} block{2,3}.layer.0.convShortcut",
        "bn1 block{1..3}.layer.{0,1}.bn{1,2}",
        "fc",
    ),
    "wrn_40_2": (
        "conv1 block{1..3}.layer.{0..5}.conv{1,2} block{1..3}.layer.0.convShortcut",
        "bn1 block{1..3}.layer.{0..5}.bn{1,2}",
        "fc",
    ),
    "vgg8": ("", "block{0..4}.1", "block{0..4}.0 classifier"),
    "vgg13": ("", "block{0..4}.{1,4}", "block{0..4}.{0,3} classifier"),
    "MobileNetV1": (
        "model.0.0 model.{1..13}.{0,3}",
        "model.0.1 model.{1..13}.{1,4}",
        "fc",
    ),
    "MobileNetV2": (
        "conv{1,2}.0 blocks.{0,6}.0.conv.{0,3,6} blocks.1.{0,1}.conv.{0,3,6} "
        "blocks.{2,4,5}.{0..2}.conv.{0,3,6} blocks.3.{0..3}.conv.{0,3,6}",
        "conv{1,2}.1 blocks.{0,6}.0.conv.{1,4,7} blocks.1.{0,1}.conv.{1,4,7} "
        "blocks.{2,4,5}.{0..2}.conv.{1,4,7} blocks.3.{0..3}.conv.{1,4,7}",
        "classifier.0",
    ),
    "mobilenetv2_tiny": (
        "",
        "pre.1 conv1.1 stage{1,7}.residual.{1,4,7} stage2.{0,1}.residual.{1,4,7} "
        "stage{3,5,6}.{0..2}.residual.{1,4,7} stage4.{0..3}.residual.{1,4,7}",
        "pre.0 conv1.0 conv2 stage{1,7}.residual.{0,3,6} stage2.{0,1}.residual.{0,3,6} "
        "stage{3,5,6}.{0..2}.residual.{0,3,6} stage4.{0..3}.residual.{0,3,6}",
    ),
    "ShuffleV1": (
        "conv1 layer{1,3}.{0..3}.conv{1..3} layer2.{0..7}.conv{1..3}",
        "bn1 layer{1,3}.{0..3}.bn{1..3} layer2.{0..7}.bn{1..3}",
        "linear",
    ),
    "ShuffleV2": (
        "conv{1,2} layer{1..3}.0.conv{1..5} layer{1,3}.{1..3}.conv{1..3} layer2.{1..7}.conv{1..3}",
        "bn{1,2} layer{1..3}.0.bn{1..5} layer{1,3}.{1..3}.bn{1..3} layer2.{1..7}.bn{1..3}",
        "linear",
    ),
    "torchvision/resnet34": (
        "conv1 layer{1,4}.{0..2}.conv{1,2} layer2.{0..3}.conv{1,2} layer3.{0..5}.conv{1,2} "
        "layer{2..4}.0.downsample.0",
        "bn1 layer{1,4}.{0..2}.bn{1,2} layer2.{0..3}.bn{1,2} layer3.{0..5}.bn{1,2} "
        "layer{2..4}.0.downsample.1",
        "fc",
    ),
}
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def spelt_out(pattern: str) -> list[str]:
    """``a{0..2}.b{1,3}`` names six."""
    choices = []
    for part in re.split(r"(\{[^}]*\})", pattern):
        first, dots, last = part.strip("{}").partition("..")
        if part.startswith("{") and dots:
            choices.append([str(n) for n in range(int(first), int(last) + 1)])
        else:
            choices.append(part.strip("{}").split(",") if part.startswith("{") else [part])
    return ["".join(parts) for parts in product(*choices)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_weights_named_as_in_the_official_code_load_strictly(name: str, tmp_path: Path) -> None:
    network = build(name, num_classes=100)
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    names = [
        f"{layer}.{leaf}"
        for patterns, leaves in zip(LAYOUTS[name], (("weight",), NORM, NORM[:2]), strict=True)
        for pattern in patterns.split()
        for layer in spelt_out(pattern)
        for leaf in leaves
    ]
    # A name that is not ours gets some shape, and the strict loading tells it.
    weights = {key: torch.full(shapes.get(key, (1,)), float(n)) for n, key in enumerate(names)}
    torch.save({"epoch": 240, "model": weights}, tmp_path / "student_best")
    load_weights(network, tmp_path / "student_best")
    state = network.state_dict()
    assert all((state[key] == n).all() for n, key in enumerate(names))
