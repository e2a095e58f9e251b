"""Wide ResNets for 32x32 pictures: ``wrn_DEPTH_WIDTH``.

These networks normalise and activate *before* a convolution. The output of a stage is the plain
sum of its last block, signed, and that is what ``stage1`` to ``stage3`` see, as in the published
results of feature methods. The activated features are the outputs of ``block2.layer.0.relu1``,
``block3.layer.0.relu1`` and ``relu``.
"""

from functools import partial

from torch import Tensor, nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import chain, convolution, draw_convolutions, global_pool, repeat

STAGES = {
    "stem": "conv1",
    "stage1": "block1",
    "stage2": "block2",
    "stage3": "block3",
    "pooled": "pool",
}
PREACTIVATIONS = {
    "stage1": "block2.layer.0.relu1",
    "stage2": "block3.layer.0.relu1",
    "stage3": "relu",
}


class PreactivationBlock(nn.Module):
    """BN, ReLU, 3x3 convolution, twice; the shortcut of a block that widens is activated too."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = convolution(inputs, outputs, stride=stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.conv2 = convolution(outputs, outputs)
        self.convShortcut = (
            None if inputs == outputs else convolution(inputs, outputs, kernel=1, stride=stride)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / stride, W / stride]``."""
        active = self.relu1(self.bn1(features))
        branch: Tensor = self.conv2(self.relu2(self.bn2(self.conv1(active))))
        return branch + (features if self.convShortcut is None else self.convShortcut(active))


def wrn(*, depth: int, width: int, num_classes: int, channels: int) -> nn.Sequential:
    """Return a Wide ResNet of ``6n + 4`` layers, `width` times as wide as a ResNet."""
    first, second, third = 16 * width, 32 * width, 64 * width
    stage = partial(repeat, PreactivationBlock, count=(depth - 4) // 6)
    network = chain(
        conv1=convolution(channels, 16),
        block1=chain(layer=stage(inputs=16, outputs=first, stride=1)),
        block2=chain(layer=stage(inputs=first, outputs=second, stride=2)),
        block3=chain(layer=stage(inputs=second, outputs=third, stride=2)),
        bn1=nn.BatchNorm2d(third),
        relu=nn.ReLU(),
        pool=global_pool(),
        fc=(classifier := nn.Linear(third, num_classes)),
    )
    draw_convolutions(network)
    nn.init.zeros_(classifier.bias)
    return network


for _depth, _width in [(16, 1), (16, 2), (40, 1), (40, 2)]:
    enrol(
        Network(
            name=f"wrn_{_depth}_{_width}",
            family="wrn",
            build=partial(wrn, depth=_depth, width=_width),
            stages=STAGES,
            preactivations=PREACTIVATIONS,
            paper="Wide Residual Networks (Zagoruyko and Komodakis, 2016, arXiv:1605.07146)",
        )
    )
