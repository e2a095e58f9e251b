"""ShuffleNetV2 of width 1, for 32x32 pictures."""

from functools import partial

import torch
from torch import Tensor, nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import chain, convolution, global_pool, repeat

STAGES = {
    "stem": "relu",
    "stage1": "layer1",
    "stage2": "layer2",
    "stage3": "layer3",
    "pooled": "pool",
}


class SplitUnit(nn.Module):
    """Half of the channels pass; the other half goes through 1x1, depthwise 3x3 and 1x1."""

    def __init__(self, features: int) -> None:
        super().__init__()
        half = features // 2
        self.conv1 = convolution(half, half, kernel=1)
        self.bn1 = nn.BatchNorm2d(half)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(half, half, groups=half)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = convolution(half, half, kernel=1)
        self.bn3 = nn.BatchNorm2d(half)
        self.relu3 = nn.ReLU()
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, features, H, W]`` to the same."""
        kept, half = features.chunk(2, dim=1)
        hidden = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(half)))))
        branch = self.relu3(self.bn3(self.conv3(hidden)))
        output: Tensor = self.shuffle(torch.cat([kept, branch], dim=1))
        return output


class DownUnit(nn.Module):
    """Two branches at stride 2, each making half of the channels; 1 and 2 left, 3 to 5 right."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.conv1 = convolution(inputs, inputs, stride=2, groups=inputs)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv2 = convolution(inputs, half, kernel=1)
        self.bn2 = nn.BatchNorm2d(half)
        self.relu2 = nn.ReLU()
        self.conv3 = convolution(inputs, half, kernel=1)
        self.bn3 = nn.BatchNorm2d(half)
        self.relu3 = nn.ReLU()
        self.conv4 = convolution(half, half, stride=2, groups=half)
        self.bn4 = nn.BatchNorm2d(half)
        self.conv5 = convolution(half, half, kernel=1)
        self.bn5 = nn.BatchNorm2d(half)
        self.relu5 = nn.ReLU()
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / 2, W / 2]``."""
        left = self.relu2(self.bn2(self.conv2(self.bn1(self.conv1(features)))))
        hidden = self.bn4(self.conv4(self.relu3(self.bn3(self.conv3(features)))))
        right = self.relu5(self.bn5(self.conv5(hidden)))
        output: Tensor = self.shuffle(torch.cat([left, right], dim=1))
        return output


def _unit(inputs: int, outputs: int, stride: int) -> nn.Module:
    return DownUnit(inputs, outputs) if stride == 2 else SplitUnit(outputs)


def shufflenetv2(*, num_classes: int, channels: int) -> nn.Sequential:
    """Return a ShuffleNetV2 with a 1x1 stem and PyTorch's own initialisers."""
    stage = partial(repeat, _unit, stride=2)
    return chain(
        conv1=convolution(channels, 24, kernel=1),
        bn1=nn.BatchNorm2d(24),
        relu=nn.ReLU(),
        layer1=stage(inputs=24, outputs=116, count=4),
        layer2=stage(inputs=116, outputs=232, count=8),
        layer3=stage(inputs=232, outputs=464, count=4),
        conv2=convolution(464, 1024, kernel=1),
        bn2=nn.BatchNorm2d(1024),
        relu2=nn.ReLU(),
        pool=global_pool(),
        linear=nn.Linear(1024, num_classes),
    )


enrol(
    Network(
        name="shufflenetv2",
        family="shufflenetv2",
        build=shufflenetv2,
        stages=STAGES,
        paper="ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design "
        "(Ma et al., 2018, arXiv:1807.11164)",
    ),
    "ShuffleV2",
)
