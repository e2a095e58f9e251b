"""ShuffleNet with 3 groups, for 32x32 pictures."""

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
_STEM, _GROUPS = 24, 3


class ShuffleUnit(nn.Module):
    """Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; ``relu3`` makes the output.

    At stride 1 the input is added; at stride 2 its 3x3 means stand beside the new channels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        if stride == 2:
            outputs -= inputs
        hidden = outputs // 4
        groups = 1 if inputs == _STEM else _GROUPS  # the stem is too narrow to be parted
        self.stride = stride
        self.conv1 = convolution(inputs, hidden, kernel=1, groups=groups)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.relu1 = nn.ReLU()
        self.shuffle = nn.ChannelShuffle(groups)
        self.conv2 = convolution(hidden, hidden, stride=stride, groups=hidden)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.relu2 = nn.ReLU()
        self.conv3 = convolution(hidden, outputs, kernel=1, groups=_GROUPS)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.AvgPool2d(3, stride=2, padding=1) if stride == 2 else nn.Identity()
        self.relu3 = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / stride, W / stride]``."""
        hidden = self.shuffle(self.relu1(self.bn1(self.conv1(features))))
        hidden = self.relu2(self.bn2(self.conv2(hidden)))
        branch = self.bn3(self.conv3(hidden))
        shortcut = self.shortcut(features)
        joined = torch.cat([branch, shortcut], dim=1) if self.stride == 2 else branch + shortcut
        output: Tensor = self.relu3(joined)
        return output


def shufflenetv1(*, num_classes: int, channels: int) -> nn.Sequential:
    """Return a ShuffleNet with a 1x1 stem and PyTorch's own initialisers."""
    stage = partial(repeat, ShuffleUnit, stride=2)
    return chain(
        conv1=convolution(channels, _STEM, kernel=1),
        bn1=nn.BatchNorm2d(_STEM),
        relu=nn.ReLU(),
        layer1=stage(inputs=_STEM, outputs=240, count=4),
        layer2=stage(inputs=240, outputs=480, count=8),
        layer3=stage(inputs=480, outputs=960, count=4),
        pool=global_pool(),
        linear=nn.Linear(960, num_classes),
    )


enrol(
    Network(
        name="shufflenetv1",
        family="shufflenetv1",
        build=shufflenetv1,
        stages=STAGES,
        paper="ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices "
        "(Zhang et al., 2018, arXiv:1707.01083)",
    ),
    "ShuffleV1",
)
