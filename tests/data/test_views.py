"""Views that come again: which epoch shows which, and that no run's seed changes them."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tutelage.data import DataOptions, DataSpec, Split, load
from tutelage.data.arrays import ArraySplit
from tutelage.data.views import epoch_batches

COUNT = 24


@pytest.fixture(params=["array", "folder"])
def split(request: pytest.FixtureRequest, tmp_path: Path) -> Split:
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (COUNT, 3, 16, 16), dtype=np.uint8)
    if request.param == "array":
        spec = DataSpec("made", ("a", "b"), 3, 16, 16, (0.5,) * 3, (0.25,) * 3)
        pictures = torch.from_numpy(images), torch.arange(COUNT) % 2
        return ArraySplit("train", *pictures, spec, "crop-flip", "flip")
    for number, (role, label) in enumerate(product(("train", "val", "test"), "ab")):
        (tmp_path / role / label).mkdir(parents=True)
        for place in range(12):
            image = images[(12 * number + place) % COUNT].transpose(1, 2, 0)
            Image.fromarray(image).save(tmp_path / role / label / f"{place}.png")
    return load("folder", DataOptions(root=tmp_path, image_size=16)).train


def seen(split: Split, epoch: int, recurring: int = 2, **how: int) -> Tensor:
    """Return what an epoch shows of all pictures, whatever order its seed brings them in."""
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(epoch))
    plan = order.split(7)
    options = {"split_seed": 3, "seed": 0, **how}
    batches = list(epoch_batches(split, plan, epoch=epoch, recurring=recurring, **options))
    assert {batch.view for batch in batches} == {(epoch - 1) % recurring + 1 if recurring else 0}
    images = torch.cat([batch.images.unflatten(0, (-1, len(batch.index))) for batch in batches], 1)
    return images[:, torch.cat([batch.index for batch in batches]).argsort()]


def test_epochs_1_and_3_of_two_views_show_the_same_and_1_and_2_do_not(split: Split) -> None:
    first, second = seen(split, 1), seen(split, 2)
    assert torch.equal(seen(split, 3), first)
    assert torch.equal(seen(split, 4), second)
    alike = (first == second).flatten(2).all(2).sum()
    assert alike <= 3  # a draw of 162 crops and flips may fall alike


def test_runs_of_all_seeds_see_the_same_views_and_another_split_seed_sees_others(
    split: Split,
) -> None:
    assert torch.equal(seen(split, 1, seed=1), seen(split, 1))
    assert not torch.equal(seen(split, 1, split_seed=4), seen(split, 1))


def test_views_come_again_with_workers_and_beside_a_stronger_one(split: Split) -> None:
    both = seen(split, 3, views=2, workers=2)
    assert torch.equal(both[:1], seen(split, 1))
    assert torch.equal(both, seen(split, 1, views=2))
    assert not torch.equal(both[0], both[1])


def test_with_no_number_of_views_every_epoch_and_seed_has_its_own(split: Split) -> None:
    views = [seen(split, epoch, 0, seed=seed) for epoch, seed in product((1, 2, 3), (0, 1))]
    assert len(torch.stack(views).unique(dim=0)) == 6
    assert torch.equal(seen(split, 1, 0, split_seed=4), views[0])
