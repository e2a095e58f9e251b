import math

import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as vision

from tutelage.data._random import uniforms
from tutelage.data.augment import (
    Affine,
    AutoAugment,
    Crop,
    Cutout,
    Flip,
    Rotate,
    augmented,
    normalised,
    steps,
    warp,
)
from tutelage.errors import ConfigError

MEAN = (0.5071, 0.4867, 0.4408)
STD = (0.2675, 0.2565, 0.2761)
POLICIES = [
    "crop-flip",
    "rotate-flip",
    "affine",
    "crop-flip-cutout8",
    "crop-flip-cutout16",
    "affine-autoaugment-cutout8",
]


def pictures(count: int, channels: int = 3, height: int = 32, width: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(
        0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator
    )


def smooth(count: int, size: int) -> Tensor:
    """Return pictures whose neighbouring pixels are near, as real ones are."""
    rough = pictures(count, 1, 7, 7).float()
    return torch.nn.functional.interpolate(rough, size=size, mode="bicubic").clamp(0, 255)


def draws_for(count: int, columns: int) -> Tensor:
    return uniforms(11, 1, torch.arange(count), columns)


def test_a_crop_is_torchvisions_crop_of_the_padded_picture() -> None:
    images, draws = pictures(81), draws_for(81, 2)
    cropped = Crop(4)(images, draws, MEAN)
    for image, draw, got in zip(images, draws, cropped, strict=True):
        top, left = (math.floor(value * 9) for value in draw.tolist())
        want = vision.crop(vision.pad(image, [4]), top, left, 32, 32)
        assert torch.equal(got, want)


def test_a_crop_reaches_all_81_places_equally_often() -> None:
    places = (draws_for(81 * 100, 2) * 9).long()
    counts = torch.bincount(places[:, 0] * 9 + places[:, 1], minlength=81)
    assert stats.chisquare(counts.numpy()).pvalue > 0.001
    marked = torch.zeros(81 * 100, 1, 9, 9, dtype=torch.uint8)
    marked[:, :, 4, 4] = 1  # the middle pixel shows where the window was
    seen = Crop(4)(marked, draws_for(81 * 100, 2), (0.0,))[:, 0]
    rows, columns = seen.flatten(1).argmax(1) // 9, seen.flatten(1).argmax(1) % 9
    assert torch.equal(torch.stack([8 - rows, 8 - columns], 1), places)


def test_a_flip_is_torchvisions_and_comes_in_half_of_the_cases() -> None:
    images, draws = pictures(4000, 1, 4, 4), draws_for(4000, 1)
    flipped = Flip()(images, draws, (0.0,))
    turned = draws[:, 0] < 0.5
    assert torch.equal(flipped[turned], vision.horizontal_flip(images[turned]))
    assert torch.equal(flipped[~turned], images[~turned])
    assert stats.binomtest(int(turned.sum()), 4000).pvalue > 0.001


@pytest.mark.parametrize(("height", "width"), [(28, 28), (24, 33)])
def test_a_warp_is_torchvisions_affine(height: int, width: int) -> None:
    images = pictures(20, 2, height, width).float()
    draws = 2 * draws_for(20, 5) - 1
    moved = warp(
        images,
        degrees=30 * draws[:, 0],
        shift=5 * draws[:, 1:3],
        scale=1 + 0.3 * draws[:, 3],
        shear=20 * draws[:, 4],
        mode="bilinear",
    )
    for image, got, (turn, right, down, scale, shear) in zip(
        images, moved, draws.tolist(), strict=True
    ):
        want = vision.affine(
            image,
            angle=30 * turn,
            translate=[5 * right, 5 * down],
            scale=1 + 0.3 * scale,
            shear=[20 * shear, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(got, want, atol=0.02, rtol=0)  # of 255 grey levels


def test_the_affine_policy_stays_within_its_stated_bounds() -> None:
    images, draws = smooth(50, 28), draws_for(50, 5)
    moved = Affine()(images, draws, (0.0,))
    for image, got, draw in zip(images, moved, draws.tolist(), strict=True):
        turn, right, down, grow, slant = draw
        want = vision.affine(
            image,
            angle=20 * turn - 10,
            translate=[4 * right - 2, 4 * down - 2],
            scale=0.9 + 0.2 * grow,
            shear=[20 * slant - 10, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(got, want, atol=0.02, rtol=0)


def test_a_rotation_is_torchvisions_nearest_rotation() -> None:
    images, draws = pictures(20, 3, 64, 64), draws_for(20, 1)
    turned = Rotate(20)(images, draws, MEAN)
    for image, draw, got in zip(images, draws[:, 0].tolist(), turned, strict=True):
        # Ours turns clockwise, torchvision's rotate the other way; the draw is symmetric.
        want = vision.rotate(image, 20 - 40 * draw, interpolation=InterpolationMode.NEAREST)
        differing = (got != want).float().mean()
        assert differing < 0.001  # a source point halfway between two pixels may go either way


@pytest.mark.parametrize("side", [8, 16])
def test_cutout_paints_one_square_around_the_drawn_centre(side: int) -> None:
    images, draws = pictures(30), draws_for(30, 2)
    cut = Cutout(side)(images, draws, MEAN)
    colour = torch.tensor([round(255 * value) for value in MEAN], dtype=torch.uint8)
    for image, draw, got in zip(images, (draws * 32).long().tolist(), cut, strict=True):
        top, left = (max(0, centre - side // 2) for centre in draw)
        bottom, right = (min(32, centre + side // 2) for centre in draw)
        want = vision.erase(
            image, top, left, bottom - top, right - left, v=colour[:, None, None], inplace=False
        )
        assert torch.equal(got, want)


@pytest.mark.parametrize("channels", [1, 3])
def test_autoaugment_is_torchvisions_seeded_by_its_one_draw(channels: int) -> None:
    images, draws = pictures(40, channels), draws_for(40, 1)
    changed = AutoAugment()(images, draws, MEAN)
    policy = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10) if channels == 3 else v2.RandAugment()
    with torch.random.fork_rng(devices=[]):
        for image, draw, got in zip(images, draws[:, 0].tolist(), changed, strict=True):
            torch.manual_seed(round(math.ldexp(draw, 53)))
            assert torch.equal(got, policy(image))
    assert (changed != images).flatten(1).any(1).float().mean() > 0.5
    assert torch.equal(AutoAugment()(images + 0.4, draws, MEAN), changed)  # floats are rounded


@pytest.mark.parametrize("name", POLICIES)
def test_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    images, index = pictures(67), torch.arange(100, 167)

    def view(rows: Tensor) -> Tensor:
        return normalised(
            augmented(images[rows], steps(name), seed=3, epoch=2, index=index[rows], mean=MEAN),
            MEAN,
            STD,
        )

    whole = view(torch.arange(67))
    shuffled = torch.randperm(67, generator=torch.Generator().manual_seed(1))
    assert torch.equal(view(shuffled), whole[shuffled])
    for part in (torch.tensor([66]), torch.arange(5, 12), torch.arange(60, 67)):
        assert torch.equal(view(part), whole[part])


@pytest.mark.parametrize("name", POLICIES)
def test_seed_and_epoch_each_change_the_view_and_nothing_touches_the_global_state(
    name: str,
) -> None:
    images, index = pictures(64), torch.arange(64)
    before = torch.get_rng_state()
    one, other_epoch, other_seed = (
        augmented(images, steps(name), seed=seed, epoch=epoch, index=index, mean=MEAN)
        for seed, epoch in ((0, 1), (0, 2), (1, 1))
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(one, other_epoch)
    assert not torch.equal(one, other_seed)
    assert images.equal(pictures(64)), "the stored pictures were changed in place"


def test_normalised_is_torchvisions_to_dtype_and_normalize() -> None:
    images = pictures(5)
    usual = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])
    got = normalised(images, MEAN, STD)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, usual(images), atol=2e-6, rtol=1e-6)


def test_a_float_batch_is_normalised_without_changing_it() -> None:
    images = pictures(2).float()
    normalised(images, MEAN, STD)
    assert torch.equal(images, pictures(2).float())


@pytest.mark.parametrize("name", ["crop-flp", "standard", "", "none-flip"])
def test_an_unknown_policy_is_refused_with_the_steps_there_are(name: str) -> None:
    with pytest.raises(
        ConfigError, match="crop, flip, rotate, affine, autoaugment, cutout8, cutout16"
    ):
        steps(name)
