"""ImageNet's four-stage ResNets with a stem for 32x32 pictures: no stride, no max-pooling."""

from functools import partial

from torch import Tensor, nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import (
    Block,
    chain,
    convolution,
    draw_convolutions,
    global_pool,
    projection,
    repeat,
)
from tutelage.models.resnet import BasicBlock

STAGES = {
    "stem": "relu",
    "stage1": "layer1",
    "stage2": "layer2",
    "stage3": "layer3",
    "stage4": "layer4",
    "pooled": "pool",
}


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions with a quarter of the channels between, and a shortcut.

    ``relu3`` makes the output; its input is the sum.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        hidden = outputs // 4
        self.conv1 = convolution(inputs, hidden, kernel=1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(hidden, hidden, stride=stride)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.relu2 = nn.ReLU()
        self.conv3 = convolution(hidden, outputs, kernel=1)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = projection(inputs, outputs, stride)
        self.relu3 = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / stride, W / stride]``."""
        hidden = self.relu1(self.bn1(self.conv1(features)))
        hidden = self.relu2(self.bn2(self.conv2(hidden)))
        output: Tensor = self.relu3(self.bn3(self.conv3(hidden)) + self.shortcut(features))
        return output


def resnet_cifar(
    *,
    block: Block,
    widths: tuple[int, int, int, int],
    counts: tuple[int, int, int, int],
    num_classes: int,
    channels: int,
) -> nn.Sequential:
    """Return a ResNet with four stages of `counts` blocks and `widths` channels."""
    first, second, third, fourth = (
        repeat(block, inputs=inputs, outputs=outputs, count=count, stride=stride)
        for inputs, outputs, count, stride in zip(
            (64, *widths), widths, counts, (1, 2, 2, 2), strict=False
        )
    )
    network = chain(
        conv1=convolution(channels, 64),
        bn1=nn.BatchNorm2d(64),
        relu=nn.ReLU(),
        layer1=first,
        layer2=second,
        layer3=third,
        layer4=fourth,
        pool=global_pool(),
        linear=nn.Linear(widths[-1], num_classes),
    )
    draw_convolutions(network)
    return network


_ROWS: list[tuple[int, Block, tuple[int, int, int, int], tuple[int, int, int, int]]] = [
    (18, partial(BasicBlock, shortcut="shortcut"), (64, 128, 256, 512), (2, 2, 2, 2)),
    (50, Bottleneck, (256, 512, 1024, 2048), (3, 4, 6, 3)),
]
for _depth, _block, _widths, _counts in _ROWS:
    enrol(
        Network(
            name=f"resnet{_depth}_cifar",
            family="resnet_cifar",
            build=partial(resnet_cifar, block=_block, widths=_widths, counts=_counts),
            stages=STAGES,
            paper="Deep Residual Learning for Image Recognition "
            "(He et al., 2016, arXiv:1512.03385), section 4.1",
        ),
        f"ResNet{_depth}",
    )
