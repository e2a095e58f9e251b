"""MobileNetV2 of half width with expansion 6, for 32x32 pictures."""

from functools import partial

from torch import Tensor, nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import (
    chain,
    convolution,
    draw_classifier,
    draw_convolutions,
    global_pool,
    repeat,
)

STAGES = {
    "stem": "conv1",
    "stage1": "blocks.1",
    "stage2": "blocks.2",
    "stage3": "blocks.4",
    "stage4": "blocks.6",
    "pooled": "pool",
}

# Table 2 of the paper: expansion, channels at width 1, blocks, stride of the first. The second
# row strides by 2 in the paper, which has pictures of 224x224.
_ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _convolution_bn_relu(
    inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    return [
        convolution(inputs, outputs, kernel=kernel, stride=stride, groups=groups),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again without activation; add the input where it fits."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *_convolution_bn_relu(inputs, hidden, kernel=1),
            *_convolution_bn_relu(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            convolution(hidden, outputs, kernel=1),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / stride, W / stride]``."""
        output: Tensor = self.conv(features)
        return features + output if self.residual else output


def mobilenetv2(*, width: float, num_classes: int, channels: int) -> nn.Sequential:
    """Return a MobileNetV2 with `width` times the channels of the paper, but 1280 at the end."""
    inputs = stem = int(32 * width)
    rows = []
    for expansion, row_channels, count, stride in _ROWS:
        outputs = int(row_channels * width)
        block = partial(InvertedResidual, expansion=expansion)
        rows.append(repeat(block, inputs=inputs, outputs=outputs, count=count, stride=stride))
        inputs = outputs
    network = chain(
        conv1=nn.Sequential(*_convolution_bn_relu(channels, stem, kernel=3, stride=2)),
        blocks=nn.Sequential(*rows),
        conv2=nn.Sequential(*_convolution_bn_relu(inputs, 1280, kernel=1)),
        pool=global_pool(),
        classifier=nn.Sequential(draw_classifier(nn.Linear(1280, num_classes))),
    )
    draw_convolutions(network)
    return network


enrol(
    Network(
        name="mobilenetv2",
        family="mobilenetv2",
        build=partial(mobilenetv2, width=0.5),
        stages=STAGES,
        paper="MobileNetV2: Inverted Residuals and Linear Bottlenecks "
        "(Sandler et al., 2018, arXiv:1801.04381)",
    ),
    "MobileNetV2",
)
