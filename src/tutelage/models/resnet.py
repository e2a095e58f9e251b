"""ResNets for 32x32 pictures in three stages: ``resnet8`` to ``resnet110``, and ``...x4``."""

from functools import partial

from torch import Tensor, nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import (
    chain,
    convolution,
    draw_convolutions,
    global_pool,
    projection,
    repeat,
)

STAGES = {
    "stem": "relu",
    "stage1": "layer1",
    "stage2": "layer2",
    "stage3": "layer3",
    "pooled": "pool",
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; ``relu2`` makes the output, its input is the sum.

    `shortcut` names the submodule, since checkpoints of two families know it by two names.
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int, *, shortcut: str = "downsample"
    ) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, outputs, stride=stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = convolution(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut_name = shortcut
        self.add_module(shortcut, projection(inputs, outputs, stride))
        self.relu2 = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / stride, W / stride]``."""
        hidden = self.relu1(self.bn1(self.conv1(features)))
        shortcut = self.get_submodule(self.shortcut_name)(features)
        output: Tensor = self.relu2(self.bn2(self.conv2(hidden)) + shortcut)
        return output


def resnet(
    *, depth: int, widths: tuple[int, int, int, int], num_classes: int, channels: int
) -> nn.Sequential:
    """Return a ResNet of ``6n + 2`` layers with a stem and three stages of `widths` channels."""
    stem, first, second, third = widths
    count = (depth - 2) // 6
    network = chain(
        conv1=convolution(channels, stem),
        bn1=nn.BatchNorm2d(stem),
        relu=nn.ReLU(),
        layer1=repeat(BasicBlock, inputs=stem, outputs=first, count=count, stride=1),
        layer2=repeat(BasicBlock, inputs=first, outputs=second, count=count, stride=2),
        layer3=repeat(BasicBlock, inputs=second, outputs=third, count=count, stride=2),
        pool=global_pool(),
        fc=nn.Linear(third, num_classes),
    )
    draw_convolutions(network)
    return network


for _suffix, _widths, _depths in [
    ("", (16, 16, 32, 64), (8, 14, 20, 32, 44, 56, 110)),
    ("x4", (32, 64, 128, 256), (8, 32)),
]:
    for _depth in _depths:
        enrol(
            Network(
                name=f"resnet{_depth}{_suffix}",
                family="resnet",
                build=partial(resnet, depth=_depth, widths=_widths),
                stages=STAGES,
                paper="Deep Residual Learning for Image Recognition "
                "(He et al., 2016, arXiv:1512.03385), section 4.2"
                + (_suffix and "; widths of CRD (Tian et al., 2020, arXiv:1910.10699)"),
            )
        )
