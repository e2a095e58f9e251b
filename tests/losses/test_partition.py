"""The chain rule on partitions of every kind, against scipy, class by class."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax
from torch import Tensor

from tutelage.errors import DtypeError, RangeError, ShapeError
from tutelage.losses import decoupled_kd, kd_loss, partition_kl

CLASSES = 8


def logits(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def assert_close(got: Tensor, wanted: float | list[float]) -> None:
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


def columns(*classes: int) -> Tensor:
    return torch.tensor(classes).expand(5, -1)


PARTITIONS: dict[str, Callable[[Tensor], list[Tensor]]] = {
    "nothing but the rest": lambda teacher: [],
    "target and rest": lambda teacher: [torch.arange(5)[:, None]],
    "two targets and rest": lambda teacher: [torch.arange(5)[:, None], columns(7)],
    "the teacher's best and rest": lambda teacher: [teacher.topk(3).indices],
    "each of the best and a tail": lambda teacher: [*teacher.topk(3).indices.split(1, dim=1)],
    "superclasses": lambda teacher: [torch.tensor([0, 3]), torch.tensor([1, 2, 7])],
    "a mask": lambda teacher: [torch.where(teacher > 0, torch.arange(CLASSES), -1)],
    "an empty group": lambda teacher: [columns(-1, -1), columns(4)],
    "no rest": lambda teacher: [torch.arange(3), torch.arange(3, CLASSES)],
    "every class alone": lambda teacher: [*torch.arange(CLASSES).split(1)],
}
partitions = pytest.mark.parametrize("partition", PARTITIONS.values(), ids=PARTITIONS.keys())


@partitions
@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_masses_and_within_terms_equal_their_definition(
    partition: Callable[[Tensor], list[Tensor]], temperature: float
) -> None:
    student, teacher = logits(5, CLASSES), logits(5, CLASSES, seed=1)
    groups = partition(teacher)
    parts = partition_kl(student, teacher, groups, temperature=temperature)
    for row in range(5):
        named = [group.expand(5, -1)[row].tolist() for group in groups]
        members = [[i for i in group if i >= 0] for group in named]
        members.append([i for i in range(CLASSES) if not any(i in group for group in members)])
        p_s, p_t = (softmax(z[row].numpy() / temperature) for z in (student, teacher))
        mass_s, mass_t = ([p[group].sum() for group in members] for p in (p_s, p_t))
        within = [
            rel_entr(p_t[group] / p_t[group].sum(), p_s[group] / p_s[group].sum()).sum()
            for group in members
        ]
        assert_close(parts.between[row], rel_entr(mass_t, mass_s).sum())
        assert_close(parts.within[row], within)
        assert_close(parts.log_mass[row].exp(), mass_t)


@partitions
def test_the_parts_of_any_partition_make_up_the_whole(
    partition: Callable[[Tensor], list[Tensor]],
) -> None:
    student, teacher = logits(5, CLASSES).requires_grad_(), logits(5, CLASSES, seed=1)
    total = partition_kl(student, teacher, partition(teacher), temperature=2.0).total
    whole = kd_loss(student, teacher, temperature=2.0, reduction="none") / 4
    torch.testing.assert_close(total, whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(total.sum(), student),
        torch.autograd.grad(whole.sum(), student),
        rtol=1e-11,
        atol=1e-12,
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_the_chain_rule_holds_whatever_class_is_put_where(seed: int, labels: list[int]) -> None:
    student, teacher = logits(3, 6, seed=seed), logits(3, 6, seed=seed + 1)
    groups = [torch.where(torch.tensor(labels) == label, torch.arange(6), -1) for label in range(3)]
    parts = partition_kl(student, teacher, groups)
    whole = kd_loss(student, teacher, temperature=1.0, reduction="none")
    torch.testing.assert_close(parts.total, whole, rtol=1e-11, atol=1e-11)
    assert (parts.within >= -1e-12).all()
    torch.testing.assert_close(parts.log_mass.exp().sum(-1), torch.ones(3, dtype=torch.float64))


@partitions
def test_first_and_second_derivatives_agree_with_finite_differences(
    partition: Callable[[Tensor], list[Tensor]],
) -> None:
    student, teacher = logits(2, CLASSES).requires_grad_(), logits(5, CLASSES, seed=1)
    groups = [group if group.dim() == 1 else group[:2] for group in partition(teacher)]

    def parts(student: Tensor) -> tuple[Tensor, Tensor]:
        return partition_kl(student, teacher[:2], groups, temperature=2.0)[:2]

    assert torch.autograd.gradcheck(parts, student)
    assert torch.autograd.gradgradcheck(parts, student)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_groups_of_one_class_or_none_have_no_within_term_and_no_gradient(scale: float) -> None:
    student = (scale * torch.tensor([[1.0, -1.0, 0.5, 0.0]])).requires_grad_()
    teacher = -student.detach()
    groups = [torch.tensor([0]), torch.tensor([-1, 2]), torch.tensor([-1]), torch.tensor([1, 3])]
    parts = partition_kl(student, teacher, groups)
    assert parts.within[0, [0, 1, 2, 4]].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert parts.within[0, 3] > 0
    (gradient,) = torch.autograd.grad(
        parts.within[0, [0, 1, 2, 4]].sum(), student, retain_graph=True
    )
    assert not gradient.any()
    (gradient,) = torch.autograd.grad(parts.total.sum(), student)
    assert gradient.isfinite().all()


def test_no_step_of_the_backward_pass_makes_a_nan_to_be_hidden_later() -> None:
    student = logits(5, CLASSES).requires_grad_()
    groups = [columns(-1, -1), columns(0), torch.arange(1, CLASSES)]
    with torch.autograd.set_detect_anomaly(True):
        parts = partition_kl(student, logits(5, CLASSES, seed=1), groups)
        parts.total.sum().backward()
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_a_pair_of_classes_is_a_group_of_two() -> None:
    student, teacher = logits(5, CLASSES), logits(5, CLASSES, seed=1)
    within = partition_kl(student, teacher, [torch.tensor([2, 6])]).within[:, 0]
    pair = kd_loss(student[:, [2, 6]], teacher[:, [2, 6]], temperature=1.0, reduction="none")
    torch.testing.assert_close(within, pair, rtol=1e-12, atol=1e-12)


def test_dkd_is_the_partition_of_target_and_rest() -> None:
    student, teacher, target = logits(5, CLASSES), logits(5, CLASSES, seed=1), torch.arange(5)
    parts = partition_kl(student, teacher, [target[:, None]])
    tckd, nckd = decoupled_kd(student, teacher, target, reduction="none")
    torch.testing.assert_close(parts.between, tckd, rtol=1e-12, atol=0)
    torch.testing.assert_close(parts.within[:, -1], nckd, rtol=1e-12, atol=0)


def test_maps_are_split_position_by_position() -> None:
    student, teacher = logits(2, CLASSES, 3, 4), logits(2, CLASSES, 3, 4, seed=1)
    flat_student, flat = (z.movedim(1, -1).reshape(-1, CLASSES) for z in (student, teacher))
    maps = partition_kl(student, teacher, [teacher.topk(2, dim=1).indices, torch.tensor([-1])])
    rows = partition_kl(flat_student, flat, [flat.topk(2).indices, torch.tensor([-1])])
    assert maps.within.shape == (2, 3, 4, 3)
    for of_maps, of_rows in zip(maps, rows, strict=True):
        torch.testing.assert_close(of_maps.reshape(of_rows.shape), of_rows)


@pytest.mark.parametrize(
    ("groups", "error", "words"),
    [
        ([columns(0, CLASSES)], RangeError, r"from 0 to 7, or -1 .* position \(0,\) holds 8"),
        ([columns(-2)], RangeError, r"position \(0,\) holds -2"),
        ([columns(0, 1), columns(1)], RangeError, r"at most once: position \(0,\) names 1 twice"),
        ([columns(3, 3)], RangeError, "names 3 twice"),
        ([torch.zeros(4, 1).long()], ShapeError, r"groups\[0\] must be \[k\] .* it is \(4, 1\)"),
        ([columns(0)[..., None]], ShapeError, r"it is \(5, 1, 1\)"),
        ([torch.tensor(1)], ShapeError, r"it is \(\)"),
        ([columns(0)[:, :0]], ShapeError, r"k at least 1: it is \(5, 0\)"),
        ([columns(0).int()], DtypeError, r"groups\[0\] .* torch.int32"),
        ([columns(0).to("meta")], DtypeError, "it is on meta"),
    ],
)
def test_what_is_no_partition_is_refused(
    groups: list[Tensor], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        partition_kl(logits(5, CLASSES), logits(5, CLASSES, seed=1), groups)
