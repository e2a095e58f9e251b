import hashlib
import pickle
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats
from torch import Tensor

from tutelage.data import DataOptions, DataSpec
from tutelage.data.arrays import (
    ArraySplit,
    Pictures,
    array_data_set,
    statistics,
    with_channels,
)
from tutelage.data.portions import hold_out, stratified
from tutelage.errors import ConfigError, DataError

SPEC = DataSpec("made", tuple("abcd"), 3, 8, 8, (0.5, 0.4, 0.3), (0.2, 0.3, 0.25))
PLAIN = DataOptions(augment="none")


def pictures(count: int = 40, channels: int = 3, seed: int = 0) -> Pictures:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, channels, 8, 8), dtype=torch.uint8, generator=generator)
    return images, torch.arange(count) % 4


def split(policy: str = "crop-flip", rows: Tensor | None = None) -> ArraySplit:
    return ArraySplit("train", *pictures(), SPEC, policy, rows=rows)


def test_batches_follow_the_plan_and_say_where_each_picture_stands() -> None:
    images, targets = pictures()
    rows = torch.tensor([30, 31, 7, 8, 9, 0])
    plan = [torch.tensor([5, 0]), torch.tensor([2, 2, 4])]
    batches = list(split(rows=rows).batches(plan, augment=False, seed=0, epoch=1))
    mean, std = (torch.tensor(value)[:, None, None] for value in (SPEC.mean, SPEC.std))
    assert [batch.index.tolist() for batch in batches] == [[5, 0], [2, 2, 4]]
    for batch in batches:
        assert torch.equal(batch.target, targets[rows[batch.index]])
        want = (images[rows[batch.index]].double() / 255 - mean) / std
        torch.testing.assert_close(batch.images, want.float(), atol=2e-6, rtol=1e-6)


def test_any_suffix_of_an_epoch_comes_again_bit_for_bit_with_any_number_of_workers() -> None:
    plan = list(torch.randperm(40, generator=torch.Generator().manual_seed(2)).split(7))
    whole = list(split().batches(plan, augment=True, seed=5, epoch=9))
    again = list(split().batches(plan[3:], augment=True, seed=5, epoch=9, workers=4))
    for one, other in zip(whole[3:], again, strict=True):
        assert torch.equal(one.images, other.images)


def test_further_views_have_their_own_draws_and_leave_the_first_as_it_was() -> None:
    images, targets = pictures(4000)
    flips = ArraySplit("train", images, targets, SPEC, "flip", "flip")
    one, two, three = (
        next(flips.batches([torch.arange(4000)], augment=True, seed=5, epoch=9, views=views))
        for views in (1, 2, 3)
    )
    assert torch.equal(two.target, one.target)
    assert torch.equal(two.index, one.index)
    assert torch.equal(two.images[:4000], one.images)
    assert torch.equal(three.images[:8000], two.images)
    alike = [
        int((one == other).flatten(1).all(1).sum())
        for one, other in combinations(three.images.split(4000), 2)
    ]
    assert min(stats.binomtest(count, 4000).pvalue for count in alike) > 0.001
    few = next(
        flips.batches([torch.arange(9, 20)], augment=True, seed=5, epoch=9, workers=2, views=2)
    )
    assert torch.equal(few.images[11:], two.images[4009:4020])


@pytest.mark.parametrize(
    ("strong", "policy"),
    [("strong", "flip-autoaugment-cutout8"), ("none", "none"), ("crop", "crop")],
)
def test_the_second_view_is_by_the_stronger_policy(strong: str, policy: str) -> None:
    made = array_data_set(
        "made",
        tuple("abcd"),
        replace(PLAIN, augment="flip", strong_augment=strong, validation=0.0, test=0.2),
        train=pictures(),
    )
    seen = next(made.train.batches([torch.arange(30)], augment=True, seed=1, epoch=2, views=2))
    other = replace(PLAIN, augment=policy, strong_augment=policy, validation=0.0, test=0.2)
    alone = array_data_set("made", tuple("abcd"), other, train=pictures()).train
    want = next(alone.batches([torch.arange(30)], augment=True, seed=1, epoch=2, views=2))
    assert torch.equal(seen.images[30:], want.images[30:])
    plain = next(made.train.batches([torch.arange(30)], augment=False, seed=1, epoch=2, views=2))
    assert torch.equal(*plain.images.split(30))


def test_augment_false_is_the_same_in_every_epoch_and_for_the_policy_none() -> None:
    plan = [torch.arange(40)]
    views = [
        next(split(policy).batches(plan, augment=augment, seed=epoch, epoch=epoch)).images
        for policy, augment, epoch in (
            ("crop-flip", False, 1),
            ("affine", False, 2),
            ("none", True, 3),
        )
    ]
    assert torch.equal(views[0], views[1])
    assert torch.equal(views[0], views[2])


def test_a_split_travels_to_another_process_whole() -> None:
    copy = pickle.loads(pickle.dumps(split()))
    plan = [torch.arange(9)]
    one, other = (
        next(each.batches(plan, augment=True, seed=0, epoch=1)).images for each in (split(), copy)
    )
    assert torch.equal(one, other)


def test_splits_are_views_of_one_tensor() -> None:
    train = pictures(400)
    made = array_data_set("made", "abcd", PLAIN, train=train)
    assert made.validation is not None
    for part in (made.train, made.validation, made.test):
        assert isinstance(part, ArraySplit)
        assert part._images.data_ptr() == train[0].data_ptr()


def test_train_validation_and_test_part_the_pictures_class_by_class() -> None:
    images = torch.arange(400).view(400, 1, 1, 1).expand(400, 1, 2, 1)
    images = torch.cat([images // 256, images % 256], 3).byte()  # each picture is its own number
    targets = torch.arange(400) % 4
    options = DataOptions(augment="none", validation=0.25, test=0.2)
    made = array_data_set("made", "abcd", options, train=(images, targets))
    assert made.validation is not None
    seen = []
    for part, count in ((made.train, 240), (made.validation, 80), (made.test, 80)):
        assert isinstance(part, ArraySplit)
        stored = part.images(torch.arange(len(part)))[:, 0, 0].long()
        numbers = stored[:, 0] * 256 + stored[:, 1]
        assert torch.equal(part.targets, targets[numbers])
        assert torch.bincount(part.targets).tolist() == [count // 4] * 4
        seen += numbers.tolist()
    assert sorted(seen) == list(range(400))


def test_a_tenth_of_cifar_100_is_50_pictures_of_each_class() -> None:
    targets = torch.arange(50_000) % 100
    kept, held = hold_out(targets, torch.arange(50_000), 0.1, seed=0)
    assert torch.bincount(targets[held]).tolist() == [50] * 100
    assert torch.bincount(targets[kept]).tolist() == [450] * 100


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=80),
    share=st.floats(0, 1),
    seed=st.integers(-(2**63), 2**63),
)
def test_every_beginning_of_a_stratified_order_has_the_classes_in_proportion(
    labels: list[int], share: float, seed: int
) -> None:
    targets = torch.tensor(labels)
    order = stratified(targets, seed)
    assert sorted(order.tolist()) == list(range(len(labels)))
    count = round(share * len(labels))
    picked = torch.bincount(targets[order[:count]], minlength=6)
    fair = torch.bincount(targets, minlength=6) * (count / len(labels))
    # One off for rounding a class, and one for classes that tie for the last place.
    assert (picked - fair).abs().max() <= 2


def hashed(key: int, number: int) -> int:
    """Return SplitMix64 in Python's own whole numbers."""
    word = (key + (number + 1) * 0x9E3779B97F4A7C15) % 2**64
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


@pytest.mark.parametrize("seed", [0, 1, -1])
def test_each_class_gives_up_the_pictures_with_the_smallest_hashes(seed: int) -> None:
    _, held = hold_out(torch.arange(100) % 4, torch.arange(100), 0.08, seed)
    root = hashed(seed % 2**64, 0)
    want = [
        position
        for label in range(4)
        for position in sorted(range(label, 100, 4), key=lambda place: hashed(root, place))[:2]
    ]
    assert held.tolist() == sorted(want)


def test_a_share_of_nothing_leaves_no_validation_split_and_none_stands_in_for_it() -> None:
    options = replace(PLAIN, validation=0.0)
    made = array_data_set("made", "abcd", options, train=pictures(), test=pictures(8, seed=1))
    assert made.validation is None
    assert len(made.train) == 40


def test_a_limit_keeps_the_classes_balanced_in_every_split() -> None:
    options = replace(PLAIN, limit=8)
    made = array_data_set("made", "abcd", options, train=pictures(400), test=pictures(80, seed=1))
    assert made.validation is not None
    for part in (made.train, made.validation, made.test):
        assert torch.bincount(part.targets).tolist() == [2, 2, 2, 2]
    larger = array_data_set("made", "abcd", replace(PLAIN, limit=80), train=pictures(400))
    assert len(larger.train) == 80
    assert len(larger.test) == 40  # all there are


def test_grey_as_three_channels_is_the_same_memory_and_the_same_numbers() -> None:
    images, targets = pictures(20, channels=1)
    made = array_data_set(
        "made", "abcd", replace(PLAIN, channels=3), train=(images, targets), mean=[0.3], std=[0.2]
    )
    assert made.spec.mean == (0.3, 0.3, 0.3)
    assert made.spec.std == (0.2, 0.2, 0.2)
    assert isinstance(made.train, ArraySplit)
    assert made.train._images.data_ptr() == images.data_ptr()
    batch = next(made.train.batches([torch.arange(5)], augment=False, seed=0, epoch=1))
    assert batch.images.shape == (5, 3, 8, 8)
    assert torch.equal(batch.images[:, 0], batch.images[:, 2])


def test_colours_turn_grey_as_pillow_does_it_and_their_statistics_are_measured_anew() -> None:
    images, targets = pictures(200)
    grey, _ = with_channels((images, targets), 1)
    for picture, got in zip(images, grey, strict=True):
        want = Image.fromarray(picture.permute(1, 2, 0).numpy()).convert("L")
        assert np.array_equal(got[0].numpy(), np.asarray(want))
    options = replace(PLAIN, channels=1, validation=0.0)
    made = array_data_set(
        "made", "abcd", options, train=(images, targets), test=pictures(8),
        mean=SPEC.mean, std=SPEC.std,
    )  # fmt: skip
    values = grey.numpy().astype(np.float64) / 255
    assert made.spec.mean == pytest.approx((values.mean(),), abs=1e-12)
    assert made.spec.std == pytest.approx((values.std(),), abs=1e-12)


def test_statistics_are_those_of_numpy_in_float64() -> None:
    images, _ = pictures(9000)
    rows = torch.arange(1, 9000, 2)
    mean, std = statistics(images, rows)
    values = images[rows].numpy().astype(np.float64) / 255
    np.testing.assert_allclose(mean, values.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, values.std((0, 2, 3)), rtol=1e-12)


def test_measured_statistics_never_see_the_test_pictures() -> None:
    dark = torch.zeros(40, 1, 8, 8, dtype=torch.uint8)
    options = replace(PLAIN, test=0.5)
    first = array_data_set("made", "abcd", options, train=(dark, torch.arange(40) % 4))
    assert isinstance(first.test, ArraySplit)
    assert first.test._rows is not None
    bright = dark.clone()
    bright[first.test._rows] = 255
    second = array_data_set("made", "abcd", options, train=(bright, torch.arange(40) % 4))
    assert second.spec.mean == first.spec.mean == (0.0,)


def test_the_fingerprint_is_the_sha256_of_shape_pictures_and_classes() -> None:
    images, targets = pictures()
    rows = torch.tensor([3, 1, 39])
    digest = hashlib.sha256(b"(3, 3, 8, 8)")
    digest.update(images[rows].numpy().tobytes())
    digest.update(np.array(targets[rows].tolist(), dtype="<i8").tobytes())
    assert split(rows=rows).fingerprint() == digest.hexdigest()
    assert ArraySplit("x", images[rows], targets[rows], SPEC).fingerprint() == digest.hexdigest()


def test_one_pixel_one_label_or_the_order_changes_the_fingerprint() -> None:
    images, targets = pictures()
    pixel, label = images.clone(), targets.clone()
    pixel[17, 2, 7, 7] ^= 1
    label[17] = (label[17] + 1) % 4
    seen = {
        ArraySplit("x", *changed, SPEC).fingerprint()
        for changed in (
            (images, targets), (pixel, targets), (images, label), (images.flip(0), targets.flip(0))
        )
    }  # fmt: skip
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("images", "targets", "word"),
    [
        (torch.zeros(2, 3, 8, 8), torch.tensor([0, 1]), "uint8"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.uint8), torch.tensor([0, 1]), r"\(2, 3, 8, 8\)"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 2]), r"\(3, 3, 8, 8\)"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1]).int(), "int64"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 4]), "from 0 to 4"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.tensor([-1, 3]), "from -1 to 3"),
    ],
)
def test_tensors_of_another_kind_are_refused(images: Tensor, targets: Tensor, word: str) -> None:
    with pytest.raises(DataError, match=word):
        ArraySplit("train", images, targets, SPEC)


def test_splits_of_two_shapes_are_refused_with_both() -> None:
    small = (torch.zeros(4, 3, 6, 6, dtype=torch.uint8), torch.arange(4))
    with pytest.raises(DataError, match=r"\(3, 6, 6\), \(3, 8, 8\)"):
        array_data_set("made", "abcd", PLAIN, train=pictures(), test=small)


def test_a_size_the_arrays_do_not_have_and_an_empty_test_are_refused() -> None:
    with pytest.raises(ConfigError, match="8 pixels high and 224"):
        array_data_set("made", "abcd", replace(PLAIN, image_size=224), train=pictures())
    with pytest.raises(ConfigError, match=r"data\.test = 0\.0"):
        array_data_set("made", "abcd", replace(PLAIN, test=0.0), train=pictures())
