"""MobileNetV2 of full width, for the 64x64 pictures of Tiny-ImageNet, as in the DOT paper.

Its convolutions have biases, its 1x1 stem pads the picture by a pixel, and its initialisers are
PyTorch's own. In its authors' code the classifier is a 1x1 convolution, here a linear layer.
"""

from torch import Tensor, nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import chain, global_pool

STAGES = {
    "stem": "pre",
    "stage1": "stage2",
    "stage2": "stage3",
    "stage3": "stage4",
    "stage4": "conv1",
    "pooled": "pool",
}


class LinearBottleneck(nn.Module):
    """Widen, filter each channel, narrow without activation; add the input where it fits."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, hidden, 3, stride, padding=1, groups=hidden),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, outputs, 1),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: ``[B, inputs, H, W]`` to ``[B, outputs, H / stride, W / stride]``."""
        output: Tensor = self.residual(features)
        return features + output if self.adds else output


def _stage(inputs: int, outputs: int, count: int, stride: int) -> nn.Sequential:
    first = LinearBottleneck(inputs, outputs, stride, expansion=6)
    rest = [LinearBottleneck(outputs, outputs, 1, expansion=6) for _ in range(count - 1)]
    return nn.Sequential(first, *rest)


def mobilenetv2_tiny(*, num_classes: int, channels: int) -> nn.Sequential:
    """Return a MobileNetV2 that keeps more pixels than the paper's, which is for 224x224."""
    return chain(
        pre=nn.Sequential(nn.Conv2d(channels, 32, 1, padding=1), nn.BatchNorm2d(32), nn.ReLU6()),
        stage1=LinearBottleneck(32, 16, 1, expansion=1),
        stage2=_stage(16, 24, count=2, stride=2),
        stage3=_stage(24, 32, count=3, stride=2),
        stage4=_stage(32, 64, count=4, stride=2),
        stage5=_stage(64, 96, count=3, stride=1),
        stage6=_stage(96, 160, count=3, stride=1),
        stage7=LinearBottleneck(160, 320, 1, expansion=6),
        conv1=nn.Sequential(nn.Conv2d(320, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6()),
        pool=global_pool(),
        conv2=nn.Linear(1280, num_classes),
    )


enrol(
    Network(
        name="mobilenetv2_tiny",
        family="mobilenetv2",
        build=mobilenetv2_tiny,
        stages=STAGES,
        paper="MobileNetV2: Inverted Residuals and Linear Bottlenecks "
        "(Sandler et al., 2018, arXiv:1801.04381)",
    )
)
