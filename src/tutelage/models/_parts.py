"""Parts that several families are made of.

Nothing here works in place: what a hook has seen stays as it was.
"""

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

Block = Callable[[int, int, int], nn.Module]
"""Called as ``block(inputs, outputs, stride)``."""


def chain(**modules: nn.Module) -> nn.Sequential:
    """Return modules in a row, each under its keyword; a whole network is one such row."""
    return nn.Sequential(OrderedDict(modules))


def convolution(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Return a convolution without bias that keeps the picture size at stride 1."""
    return nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )


def projection(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return the shortcut of a residual block: nothing, or 1x1 convolution and BN to fit."""
    if inputs == outputs and stride == 1:
        return nn.Sequential()
    return nn.Sequential(
        convolution(inputs, outputs, kernel=1, stride=stride), nn.BatchNorm2d(outputs)
    )


def repeat(block: Block, *, inputs: int, outputs: int, count: int, stride: int) -> nn.Sequential:
    """Return a stage of `count` blocks: the first has the stride, the others keep the shape."""
    return nn.Sequential(
        block(inputs, outputs, stride), *(block(outputs, outputs, 1) for _ in range(count - 1))
    )


def global_pool() -> nn.Sequential:
    """Return the mean over all pixels: ``[B, C, H, W]`` of any height and width to ``[B, C]``."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


def draw_convolutions(network: nn.Module) -> None:
    """Draw every convolution from N(0, 2 / (kernel area x outputs)), its bias 0.

    That is He's initialiser by fan-out (He et al., 2015, arXiv:1502.01852, section 2.2), which
    the ResNet, WRN, VGG and MobileNet families share.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def draw_classifier(linear: nn.Linear) -> nn.Linear:
    """Draw a classifier from N(0, 0.01 squared), its bias 0, and return it."""
    nn.init.normal_(linear.weight, std=0.01)
    nn.init.zeros_(linear.bias)
    return linear
