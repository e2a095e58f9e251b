"""Mixed pictures hold what their shares say, and the shares follow the papers' distributions."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from tutelage.data._random import uniforms
from tutelage.data.mixing import STREAM, mixed
from tutelage.types import Batch

ALPHAS = [(0.3, 0.0), (0.0, 1.0), (0.2, 1.0)]


def flat(count: int, height: int = 32, width: int = 32) -> Batch:
    """Return pictures each of one level, its place in the batch, which is also its class."""
    level = torch.arange(count)
    images = level.float()[:, None, None, None].expand(-1, 1, height, width).contiguous()
    return Batch(images, level, 1000 + level)


def same(one: Batch, other: Batch) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(Batch)]
    return all(a.equal(b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def shares(batch: Batch) -> Tensor:
    assert batch.share is not None
    return batch.share.double()


@pytest.mark.parametrize("alpha", [0.4, 1.0, 3.0])
def test_the_shares_of_mixup_are_those_of_a_beta_distribution(alpha: float) -> None:
    drawn = shares(mixed(flat(4000, 2, 2), alpha, 0.0, 5, 1)).numpy()
    law = stats.beta(alpha, alpha)
    # Of the two shares of a picture the greater is told: the law folded at a half.
    assert stats.kstest(drawn, lambda share: law.cdf(share) - law.cdf(1 - share)).pvalue > 0.001


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_the_shares_of_cutmix_are_those_of_clipped_boxes_of_a_beta_distribution(
    alpha: float,
) -> None:
    drawn = shares(mixed(flat(4000), 0.0, alpha, 5, 1)).numpy()
    dice = np.random.default_rng(0)
    side = np.floor(32 * np.sqrt(1 - dice.beta(alpha, alpha, 4000)))
    centre = dice.integers(0, 32, (2, 4000))
    first = centre - side // 2
    length = np.minimum(first + side, 32) - np.maximum(first, 0)
    share = 1 - length.prod(0) / 32**2
    assert stats.ks_2samp(drawn, np.maximum(share, 1 - share)).pvalue > 0.001


@pytest.mark.parametrize(("height", "width"), [(32, 32), (15, 24)])
def test_cutmix_is_the_papers_box_pixel_by_pixel(height: int, width: int) -> None:
    count, alpha = 40, 0.7
    batch = flat(count, height, width)
    found = mixed(batch, 0.0, alpha, 3, 2)
    draws = uniforms(3, 2, batch.index, 4, STREAM).tolist()
    assert found.second is not None
    for place, (_, chance, down, right) in enumerate(draws):
        own = stats.beta.ppf(chance, alpha, alpha)
        tall, broad = (int(side * math.sqrt(1 - own)) for side in (height, width))
        top, left = int(height * down) - tall // 2, int(width * right) - broad // 2
        want = torch.full((height, width), float(place))
        want[max(top, 0) : max(top + tall, 0), max(left, 0) : max(left + broad, 0)] = (
            count - 1 - place
        )
        assert torch.equal(found.images[place, 0], want)
        kept = float((want == place).double().mean())
        assert shares(found)[place] == pytest.approx(max(kept, 1 - kept), abs=1e-7)
        labels = [place, count - 1 - place]
        assert [found.target[place], found.second[place]] == (
            labels if kept >= 0.5 else labels[::-1]
        )


@pytest.mark.parametrize("count", [2, 7, 64])
@pytest.mark.parametrize(("mixup", "cutmix"), ALPHAS)
def test_a_picture_is_its_two_classes_in_their_shares(
    count: int, mixup: float, cutmix: float
) -> None:
    batch = flat(count)
    found = mixed(batch, mixup, cutmix, 0, 1)
    assert found.second is not None
    share = shares(found)
    assert ((share >= 0.5) & (share <= 1)).all()
    assert torch.equal(found.target + found.second, torch.full((count,), count - 1))  # partners
    assert torch.equal(found.index, 1000 + found.target)
    # A flat picture's level is its class, so that the mean level is the mixture of the classes.
    levels = found.images.double().mean((1, 2, 3))
    torch.testing.assert_close(
        levels, share * found.target + (1 - share) * found.second, atol=1e-4, rtol=1e-5
    )
    if count % 2:
        middle = batch.images[count // 2]
        torch.testing.assert_close(found.images[count // 2], middle)


def test_with_both_every_picture_chooses_half_and_half() -> None:
    batch = flat(4000, 8, 8)
    found = mixed(batch, 1.0, 1.0, 0, 1)
    levels = found.images.flatten(1)
    blended = (levels[:, :1] == levels).all(1) & (levels[:, 0] != levels[:, 0].round())
    assert stats.binomtest(int(blended.sum()), 4000).pvalue > 0.001
    alone = mixed(batch, 0.0, 1.0, 0, 1)
    assert torch.equal(found.images[~blended], alone.images[~blended])


def test_a_mixture_hangs_on_seed_epoch_index_and_partner_alone() -> None:
    batch = flat(20)
    before = torch.get_rng_state()
    whole = mixed(batch, 0.2, 1.0, 4, 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(whole, mixed(batch, 0.2, 1.0, 4, 3))
    outer = torch.tensor([0, 1, 18, 19])  # mirrored there as in the whole batch
    few = Batch(batch.images[outer], batch.target[outer], batch.index[outer])
    assert torch.equal(mixed(few, 0.2, 1.0, 4, 3).images, whole.images[outer])
    for seed, epoch in ((5, 3), (4, 4)):
        assert not torch.equal(mixed(batch, 0.2, 1.0, seed, epoch).images, whole.images)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="another device is wanted")
def test_every_device_mixes_alike() -> None:
    batch = flat(20)
    there = Batch(*(part.cuda() for part in (batch.images, batch.target, batch.index)))
    found, wanted = mixed(there, 0.2, 1.0, 4, 3), mixed(batch, 0.2, 1.0, 4, 3)
    assert found.share is not None
    assert wanted.share is not None
    assert torch.equal(found.target.cpu(), wanted.target)
    assert torch.equal(found.share.cpu(), wanted.share)
    torch.testing.assert_close(found.images.cpu(), wanted.images)


def test_without_alphas_a_batch_is_as_it_was_and_its_memory_layout_is_kept() -> None:
    batch = flat(6)
    assert mixed(batch, 0.0, 0.0, 0, 1) is batch
    rows = torch.randn(6, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    found = mixed(replace(batch, images=rows), 0.2, 1.0, 0, 1).images
    assert found.is_contiguous(memory_format=torch.channels_last)
