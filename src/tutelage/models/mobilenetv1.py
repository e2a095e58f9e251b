"""MobileNet of the first version, as the distillation papers have it for ImageNet.

It activates by ReLU and keeps PyTorch's own initialisers; timm's ``mobilenetv1_100`` has as many
weights, but ReLU6. Weights trained with one do not serve the other.
"""

from torch import nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import chain, convolution, global_pool

STAGES = {
    "stem": "model.0",
    "stage1": "model.3",
    "stage2": "model.5",
    "stage3": "model.11",
    "stage4": "model.13",
    "pooled": "model.14",
}

# Table 1 of the paper: channels and stride of each depthwise separable convolution.
_ROWS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
    (1024, 1),
)  # fmt: skip


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Return a 3x3 convolution of each channel and a 1x1 of all, both with BN and ReLU."""
    return nn.Sequential(
        convolution(inputs, inputs, stride=stride, groups=inputs),
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        convolution(inputs, outputs, kernel=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def mobilenetv1(*, num_classes: int, channels: int) -> nn.Sequential:
    """Return a MobileNet of full width."""
    inputs = 32
    rows: list[nn.Module] = [
        nn.Sequential(convolution(channels, inputs, stride=2), nn.BatchNorm2d(inputs), nn.ReLU())
    ]
    for outputs, stride in _ROWS:
        rows.append(_separable(inputs, outputs, stride))
        inputs = outputs
    return chain(
        model=nn.Sequential(*rows, global_pool()),
        fc=nn.Linear(inputs, num_classes),
    )


enrol(
    Network(
        name="mobilenetv1",
        family="mobilenetv1",
        build=mobilenetv1,
        stages=STAGES,
        paper="MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications "
        "(Howard et al., 2017, arXiv:1704.04861)",
    ),
    "MobileNetV1",
)
