"""Augmentation of whole batches; what happens to each picture is read off its own draws.

A policy's name is its steps joined by ``-``: ``crop-flip``, ``rotate-flip``,
``crop-flip-autoaugment-cutout8``; ``none`` has no step.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms import v2

from tutelage.data._random import uniforms
from tutelage.errors import ConfigError, did_you_mean


class Step(ABC):
    """One change to a batch of pictures, steered by `draws` numbers in [0, 1) per picture."""

    draws: ClassVar[int]

    @abstractmethod
    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Return the changed pictures.

        Shapes: `images` ``[B, C, H, W]``, grey levels 0..255 as uint8 or float32; `draws`
        ``[B, self.draws]`` float64; `mean` per channel of pictures in 0..1.
        """


@dataclass(frozen=True, slots=True)
class Crop(Step):
    """A random crop of the padded picture, as large as the picture was."""

    draws: ClassVar[int] = 2
    padding: int = 4  # pixels

    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Pad with black on each side and cut the old size out at a random place."""
        height, width = images.shape[2:]
        top, left = (draws * (2 * self.padding + 1)).long().unbind(1)
        padded = F.pad(images, [self.padding] * 4)
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: [B, C, top, left, H, W]
        # numpy copies whole rows, torch pixel by pixel.
        cut = windows.numpy()[np.arange(len(images)), :, top.numpy(), left.numpy()]
        return torch.from_numpy(cut)


@dataclass(frozen=True, slots=True)
class Flip(Step):
    """A mirror for every second picture."""

    draws: ClassVar[int] = 1

    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Mirror left and right, with probability 1/2."""
        mirrored, chosen = images.numpy().copy(), (draws[:, 0] < 0.5).numpy()
        mirrored[chosen] = mirrored[chosen][..., ::-1]
        return torch.from_numpy(mirrored)


@dataclass(frozen=True, slots=True)
class Affine(Step):
    """A small random affine map: torchvision's ``affine`` with numbers drawn evenly."""

    draws: ClassVar[int] = 5
    degrees: float = 10.0  # of rotation, either way
    shift: float = 2.0  # pixels, each way
    scale: tuple[float, float] = (0.9, 1.1)
    shear: float = 10.0  # degrees, horizontal, either way
    mode: Literal["bilinear", "nearest"] = "bilinear"

    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Slant, then turn and scale about the middle, then shift; black comes in from outside."""
        small, large = self.scale
        signed = 2 * draws - 1
        return warp(
            images,
            degrees=self.degrees * signed[:, 0],
            shift=self.shift * signed[:, 1:3],
            scale=small + (large - small) * draws[:, 3],
            shear=self.shear * signed[:, 4],
            mode=self.mode,
        )


@dataclass(frozen=True, slots=True)
class Rotate(Step):
    """A small random rotation: torchvision's ``RandomRotation``."""

    draws: ClassVar[int] = 1
    degrees: float = 20.0  # either way

    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Turn about the middle, to the nearest pixel; black comes in from outside."""
        still = torch.zeros(len(images), 2, dtype=draws.dtype)
        return warp(
            images,
            degrees=self.degrees * (2 * draws[:, 0] - 1),
            shift=still,
            scale=still[:, 0] + 1,
            shear=still[:, 0],
            mode="nearest",
        )


@dataclass(frozen=True, slots=True)
class Cutout(Step):
    """One hidden square (DeVries, Taylor 2017, arXiv:1708.04552).

    The paper's sides are 16 pixels for CIFAR-10 and 8 for CIFAR-100.
    """

    draws: ClassVar[int] = 2
    side: int = 16  # pixels

    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Paint a square with the data set's mean colour.

        Its centre lies anywhere in the picture, so part of the square may fall outside.
        """
        first = (draws * torch.tensor(images.shape[2:])).long() - self.side // 2
        hole = inside(first, first + self.side, images.shape)
        colour = torch.tensor([round(255 * value) for value in mean], dtype=images.dtype)
        return images * ~hole + colour[:, None, None] * hole  # several times as fast as `where`


@dataclass(frozen=True, slots=True)
class AutoAugment(Step):
    """The changes of shape and colour that served CIFAR-10 best; for grey RandAugment's.

    AutoAugment: Cubuk et al., CVPR 2019, arXiv:1805.09501, table 7. RandAugment, with its usual two
    changes of strength 9: Cubuk et al., 2020, arXiv:1909.13719. Both as torchvision has them.
    """

    draws: ClassVar[int] = 1

    def __call__(self, images: Tensor, draws: Tensor, mean: Sequence[float]) -> Tensor:
        """Change each picture by numbers that its one draw seeds; black comes in from outside."""
        colour = images.shape[1] == 3
        policy = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10) if colour else v2.RandAugment()
        if images.is_floating_point():
            images = images.round().clamp(0, 255).to(torch.uint8)
        views = []
        with torch.random.fork_rng(devices=[]):
            for image, draw in zip(images, draws[:, 0].tolist(), strict=True):
                torch.default_generator.manual_seed(int(draw * 2**53))
                views.append(policy(image))
        return torch.stack(views)


STEPS: dict[str, Step] = {
    "crop": Crop(),
    "flip": Flip(),
    "rotate": Rotate(),
    "affine": Affine(),
    "autoaugment": AutoAugment(),
    "cutout8": Cutout(8),
    "cutout16": Cutout(16),
}


def steps(name: str) -> tuple[Step, ...]:
    """Return the steps of a policy.

    Raises:
        ConfigError: a part of the name is no step.

    >>> steps("crop-flip")
    (Crop(padding=4), Flip())
    >>> steps("none")
    ()
    """
    if name == "none":
        return ()
    for part in name.split("-"):
        if part not in STEPS:
            raise ConfigError(
                f"an augmentation is 'none' or steps joined by '-', each one of "
                f"{', '.join(STEPS)}; {name!r} has {part!r}.{did_you_mean(part, STEPS)}"
            )
    return tuple(STEPS[part] for part in name.split("-"))


def stronger(policy: str, name: str) -> str:
    """Return the policy `name`, where ``strong`` stands for `policy` and more.

    >>> stronger("crop-flip", "strong"), stronger("none", "strong"), stronger("crop", "rotate")
    ('crop-flip-autoaugment-cutout8', 'autoaugment-cutout8', 'rotate')
    """
    return f"{policy}-autoaugment-cutout8".removeprefix("none-") if name == "strong" else name


def augmented(
    images: Tensor,
    policy: Sequence[Step],
    *,
    seed: int,
    epoch: int,
    index: Tensor,
    mean: Sequence[float],
    stream: int = 0,
) -> Tensor:
    """Return the view of each picture that (seed, epoch, its index) names, and no other stream.

    Shapes: `images` ``[B, C, H, W]``, `index` ``[B]``.
    """
    draws = uniforms(seed, epoch, index, sum(step.draws for step in policy), stream)
    for step, own in zip(policy, draws.split([step.draws for step in policy], 1), strict=True):
        images = step(images, own, mean)
    return images


def normalised(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return ``(images / 255 - mean) / std`` as float32.

    Shapes: `images` ``[B, C, H, W]``, grey levels 0..255; `mean` and `std` per channel.
    """
    # Two roundings, always the same two: a fused form could differ between the body of a vector
    # loop and its tail, and then a picture would depend on its neighbours.
    centre, spread = (
        (255 * torch.tensor(value, dtype=torch.float64)).float()[:, None, None]
        for value in (mean, std)
    )
    return images.sub(centre).div_(spread)


def inside(first: Tensor, last: Tensor, shape: torch.Size) -> Tensor:
    """Return which pixels lie in each picture's own box: bool ``[B, 1, H, W]``.

    Shapes: `first` and `last` ``[B, 2]``, the row and column where the box begins, and where it has
    ended; it may reach outside. `shape` is ``[B, C, H, W]``.
    """
    rows, columns = (
        (begin[:, None] <= place) & (place < end[:, None])
        for size, begin, end in zip(shape[2:], first.unbind(1), last.unbind(1), strict=True)
        for place in [torch.arange(size, device=first.device)]
    )
    return rows[:, None, :, None] & columns[:, None, None, :]


def warp(
    images: Tensor,
    *,
    degrees: Tensor,
    shift: Tensor,
    scale: Tensor,
    shear: Tensor,
    mode: Literal["bilinear", "nearest"],
) -> Tensor:
    """Return each picture moved by its own affine map about the middle, float32, black outside.

    Shapes: `images` ``[B, C, H, W]``; `degrees` (clockwise), `scale` and `shear` (degrees) ``[B]``;
    `shift` ``[B, 2]``, pixels right and down. All float64.
    """
    height, width = images.shape[2:]
    # The C library's own functions, one number at a time: vectorised ones may round differently in
    # the tail of a batch, and a picture must not depend on its neighbours.
    radians = torch.deg2rad(degrees).tolist()
    cos = torch.tensor([math.cos(angle) for angle in radians], dtype=torch.float64)
    sin = torch.tensor([math.sin(angle) for angle in radians], dtype=torch.float64)
    slant = torch.tensor(
        [math.tan(angle) for angle in torch.deg2rad(shear).tolist()], dtype=torch.float64
    )
    # Where a pixel comes from: shift^-1, then (scale * turn)^-1, then slant^-1.
    row_x = torch.stack([cos - slant * sin, sin + slant * cos], 1) / scale[:, None]
    row_y = torch.stack([-sin, cos], 1) / scale[:, None]
    x = torch.arange(width, dtype=torch.float64) - (width - 1) / 2 - shift[:, :1]  # [B, W]
    y = torch.arange(height, dtype=torch.float64) - (height - 1) / 2 - shift[:, 1:]  # [B, H]
    source = [
        (row[:, :1] * x)[:, None, :] + (row[:, 1:] * y)[:, :, None]  # [B, H, W]
        for row in (row_x, row_y)
    ]
    grid = torch.stack([source[0] * (2 / width), source[1] * (2 / height)], 3).float()
    return F.grid_sample(images.float(), grid, mode=mode, align_corners=False)
