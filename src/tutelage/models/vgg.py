"""VGG with BN and one linear layer, for 32x32 pictures: ``vgg8`` to ``vgg19``.

Three max-poolings, not five, so that the last two stages see 4x4 pixels.
"""

from functools import partial

from torch import nn

from tutelage.models._model import Network, enrol
from tutelage.models._parts import chain, draw_classifier, draw_convolutions, global_pool

STAGES = {
    "stem": "block0",
    "stage1": "block1",
    "stage2": "block2",
    "stage3": "block3",
    "stage4": "block4",
    "pooled": "pool",
}


def _block(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """Return `count` times 3x3 convolution, BN and ReLU."""
    layers: list[nn.Module] = []
    for n in range(count):
        layers += [
            nn.Conv2d(outputs if n else inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


def vgg(
    *, counts: tuple[int, int, int, int, int], num_classes: int, channels: int
) -> nn.Sequential:
    """Return a VGG whose five stages have `counts` convolutions."""
    network = chain(
        block0=_block(channels, 64, counts[0]),
        pool0=nn.MaxPool2d(2),
        block1=_block(64, 128, counts[1]),
        pool1=nn.MaxPool2d(2),
        block2=_block(128, 256, counts[2]),
        pool2=nn.MaxPool2d(2),
        block3=_block(256, 512, counts[3]),
        block4=_block(512, 512, counts[4]),
        pool=global_pool(),
        classifier=draw_classifier(nn.Linear(512, num_classes)),
    )
    draw_convolutions(network)
    return network


for _depth, _counts in {
    8: (1, 1, 1, 1, 1),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}.items():
    enrol(
        Network(
            name=f"vgg{_depth}",
            family="vgg",
            build=partial(vgg, counts=_counts),
            stages=STAGES,
            paper="Very Deep Convolutional Networks for Large-Scale Image Recognition "
            "(Simonyan and Zisserman, 2015, arXiv:1409.1556)",
        )
    )
