"""Which classes are targets, of indices, of pairs and of soft labels as real augmentations make."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax
from timm.data.mixup import mixup_target
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

from tutelage.losses import Target, decoupled_kd, dkd_loss, kd_loss, target_probability

two_classes = pytest.mark.filterwarnings("ignore::tutelage.losses.TwoClassesWarning")


def logits(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


STUDENT, TEACHER = logits(6, 10), logits(6, 10, seed=1)
FIRST, SECOND = torch.tensor([0, 1, 2, 3, 4, 5]), torch.tensor([5, 4, 2, 3, 1, 0])


def assert_same(one: Target, other: Target) -> None:
    for got, wanted in zip(
        decoupled_kd(STUDENT, TEACHER, one, reduction="none"),
        decoupled_kd(STUDENT, TEACHER, other, reduction="none"),
        strict=True,
    ):
        torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)


def test_a_pair_is_split_in_three_as_the_authors_say() -> None:
    tckd, nckd = decoupled_kd(STUDENT, TEACHER, (FIRST, SECOND), reduction="none")
    for row, targets in enumerate(zip(FIRST.tolist(), SECOND.tolist(), strict=True)):
        others = [i for i in range(10) if i not in targets]
        p_s, p_t = (softmax(z[row].numpy()) for z in (STUDENT, TEACHER))
        three_s, three_t = (
            [p[i] for i in sorted(set(targets))] + [p[others].sum()] for p in (p_s, p_t)
        )
        q_s, q_t = (softmax(z[row].numpy()[others]) for z in (STUDENT, TEACHER))
        np.testing.assert_allclose(tckd[row], rel_entr(three_t, three_s).sum(), rtol=1e-12)
        np.testing.assert_allclose(nckd[row], rel_entr(q_t, q_s).sum(), rtol=1e-12)


def test_a_pair_of_one_class_is_that_class() -> None:
    assert_same((FIRST, FIRST), FIRST)


def test_the_order_of_a_pair_does_not_matter() -> None:
    assert_same((FIRST, SECOND), (SECOND, FIRST))


def test_a_pair_may_be_a_list_as_loaders_make_them() -> None:
    pair: Any = [FIRST, SECOND]
    assert_same(pair, (FIRST, SECOND))


def test_a_one_hot_label_is_its_class() -> None:
    assert_same(F.one_hot(FIRST, 10).double(), FIRST)


@pytest.mark.parametrize("smoothing", [0.1, 0.6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_label_smoothing_leaves_one_target(smoothing: float, dtype: torch.dtype) -> None:
    labels = (1 - smoothing) * F.one_hot(FIRST, 10) + smoothing / 10
    assert_same(labels.to(dtype), FIRST)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.01])
def test_the_soft_labels_of_timm_are_a_pair(share: float, smoothing: float) -> None:
    labels = mixup_target(FIRST, 10, lam=share, smoothing=smoothing)
    assert_same(labels, (FIRST, FIRST.flip(0)))


@pytest.mark.parametrize("transform", [v2.MixUp, v2.CutMix])
def test_the_soft_labels_of_torchvision_are_a_pair(transform: type[torch.nn.Module]) -> None:
    torch.manual_seed(0)  # its shares are then far from 0 and 1
    _, labels = transform(num_classes=10)(torch.zeros(6, 3, 32, 32), FIRST)
    assert ((labels > 1e-3).sum(1) == 2).all()
    assert_same(labels, (FIRST, FIRST.roll(1)))


def test_pictures_mixed_within_a_class_have_one_target() -> None:
    labels = 0.3 * F.one_hot(FIRST, 10) + 0.7 * F.one_hot(SECOND, 10)
    assert_same(labels, (FIRST, SECOND))
    assert labels[2].max() == 1


def test_a_share_within_rounding_of_the_background_is_no_target() -> None:
    labels = F.one_hot(FIRST, 10) * (1 - 5e-4) + 5e-4 * F.one_hot(FIRST.flip(0), 10)
    assert_same(labels, FIRST)


@pytest.mark.parametrize("noise", [0.0, 1e-4])
def test_an_even_label_has_no_target_and_all_of_kd_is_nckd(noise: float) -> None:
    labels = torch.full((6, 10), 0.1, dtype=torch.float64)
    labels += noise * logits(6, 10, seed=2).tanh()
    tckd, nckd = decoupled_kd(STUDENT, TEACHER, labels, reduction="none")
    assert not tckd.any()
    torch.testing.assert_close(nckd, kd_loss(STUDENT, TEACHER, temperature=1, reduction="none"))
    assert not target_probability(TEACHER, labels).any()


def test_of_a_spread_label_the_two_likeliest_are_targets() -> None:
    labels = logits(6, 10, seed=2).softmax(1)
    assert_same(labels, tuple(labels.topk(2).indices.unbind(1)))  # type: ignore[arg-type]


@two_classes
def test_of_two_classes_one_is_the_target_even_if_labels_are_even() -> None:
    labels = torch.tensor([[0.5, 0.5], [0.6, 0.4], [0.0, 1.0]])
    tckd, nckd = decoupled_kd(STUDENT[:3, :2], TEACHER[:3, :2], labels, reduction="none")
    torch.testing.assert_close(
        tckd, kd_loss(STUDENT[:3, :2], TEACHER[:3, :2], temperature=1, reduction="none")
    )
    assert not nckd.any()


@two_classes
@pytest.mark.parametrize("coupling", [0.0, 0.5, 1.0])
def test_a_pair_that_leaves_no_rest_is_all_tckd(coupling: float) -> None:
    student = STUDENT[:, :2].clone().requires_grad_()
    pair = (torch.zeros(6).long(), torch.ones(6).long())
    loss = dkd_loss(student, TEACHER[:, :2], pair, coupling=coupling)
    torch.testing.assert_close(loss, kd_loss(student, TEACHER[:, :2]), rtol=1e-12, atol=1e-12)
    assert torch.autograd.grad(loss, student)[0].isfinite().all()


@pytest.mark.parametrize(
    "target",
    [FIRST, (FIRST, SECOND), mixup_target(FIRST, 10, 0.7, 0.1), torch.full((6, 10), 0.1)],
    ids=["indices", "pair", "mixup", "even"],
)
@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_kd_is_tckd_plus_the_rest_times_nckd_for_every_form(
    target: Target, temperature: float
) -> None:
    tckd, nckd = decoupled_kd(STUDENT, TEACHER, target, temperature=temperature, reduction="none")
    rest = 1 - target_probability(TEACHER, target, temperature=temperature)
    kd = kd_loss(STUDENT, TEACHER, temperature=temperature, reduction="none")
    torch.testing.assert_close(tckd + rest * nckd, kd, rtol=1e-12, atol=1e-12)
    coupled = dkd_loss(
        STUDENT, TEACHER, target, alpha=1, beta=1, coupling=1, temperature=temperature
    )
    torch.testing.assert_close(coupled, kd.mean(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "target", [(FIRST, SECOND), mixup_target(FIRST, 10, 0.7, 0.1)], ids=["pair", "mixup"]
)
def test_derivatives_agree_with_finite_differences_for_pairs(target: Target) -> None:
    student = STUDENT.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: dkd_loss(z, TEACHER, target, coupling=0.5), student)


def test_soft_labels_lie_along_the_class_dimension_of_maps() -> None:
    student, teacher = logits(2, 10, 3, 4), logits(2, 10, 3, 4, seed=1)
    labels = F.one_hot(torch.arange(24).reshape(2, 3, 4) % 10, 10).movedim(-1, 1).float()
    maps = dkd_loss(student, teacher, labels, reduction="none")
    torch.testing.assert_close(
        maps, dkd_loss(student, teacher, labels.argmax(1), reduction="none"), rtol=1e-13, atol=0
    )
