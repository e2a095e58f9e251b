"""A network of one's own, unedited: any function that takes `num_classes` and `channels`.

Use it: tutelage distill --import examples/own_model.py student.name=own_model:tiny
"""

from torch import nn


def tiny(num_classes: int, channels: int) -> nn.Module:
    """Return a network of two convolutions."""
    return nn.Sequential(
        nn.Conv2d(channels, 12, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, num_classes),
    )
