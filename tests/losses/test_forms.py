"""Reductions, ignored positions, dense shapes and empty batches, alike for every loss."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tutelage.losses import decoupled_kd, dkd_loss, kd_loss, normalised_kd, refined_kd

Loss = Callable[..., Tensor]
LOSSES: dict[str, Loss] = {
    "kd": lambda student, teacher, target, **options: kd_loss(
        student, teacher, target=target, **options
    ),
    "tckd": lambda *tensors, **options: decoupled_kd(*tensors, **options)[0],
    "nckd": lambda *tensors, **options: decoupled_kd(*tensors, **options)[1],
    "dkd": dkd_loss,
    "coupled": lambda *tensors, **options: dkd_loss(*tensors, coupling=0.5, **options),
    "nkd target": lambda *tensors, **options: normalised_kd(*tensors, **options)[0],
    "nkd others": lambda *tensors, **options: normalised_kd(*tensors, **options)[1],
    "scd": lambda *tensors, **options: refined_kd(*tensors, **options)[0],
    "mcd": lambda *tensors, **options: refined_kd(*tensors, **options)[1],
}
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


def logits(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(*shape, dtype=torch.float64, generator=generator)


def labels(*shape: int) -> Tensor:
    return torch.arange(torch.Size(shape).numel()).reshape(shape) % 5


@losses
def test_sum_and_mean_are_those_of_the_values_of_kept_positions(loss: Loss) -> None:
    student, teacher, target = logits(6, 5), logits(6, 5, seed=1), labels(6)
    target[[1, 4]] = -100
    values = loss(student, teacher, target, reduction="none")
    kept = [0, 2, 3, 5]
    assert values.shape == (6,)
    assert values[[1, 4]].tolist() == [0.0, 0.0]
    torch.testing.assert_close(
        values[kept], loss(student[kept], teacher[kept], target[kept], reduction="none")
    )
    torch.testing.assert_close(loss(student, teacher, target, reduction="sum"), values.sum())
    torch.testing.assert_close(loss(student, teacher, target), values[kept].mean())


@losses
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
def test_nothing_that_stands_at_an_ignored_position_is_seen(loss: Loss, poison: float) -> None:
    student, teacher, target = logits(4, 5), logits(4, 5, seed=1), labels(4)
    target[2] = 255
    wanted = loss(student, teacher, target, ignore_index=255)
    student[2], teacher[2, 1:] = poison, poison
    student.requires_grad_()
    got = loss(student, teacher, target, ignore_index=255)
    assert got.item() == wanted.item()
    (gradient,) = torch.autograd.grad(got, student)
    assert not gradient[2].any()
    assert gradient[[0, 1, 3]].isfinite().all()


@losses
@pytest.mark.parametrize("ignored", [0, 3, -1])
def test_any_label_can_be_the_one_to_ignore(loss: Loss, ignored: int) -> None:
    student, teacher, target = logits(10, 5), logits(10, 5, seed=1), labels(10)
    target[7] = ignored
    kept = target != ignored
    got = loss(student, teacher, target, ignore_index=ignored)
    torch.testing.assert_close(got, loss(student[kept], teacher[kept], target[kept]))


def test_a_pair_with_one_ignored_label_is_ignored() -> None:
    student, teacher, target = logits(4, 5), logits(4, 5, seed=1), labels(4)
    pair = (target.clone(), target.roll(1))
    pair[0][1], pair[1][3] = -100, -100
    values = dkd_loss(student, teacher, pair, reduction="none")
    assert (values == 0).tolist() == [False, True, False, True]


@losses
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("samples", [0, 3])
def test_nothing_kept_is_zero_with_a_gradient_of_zeros(
    loss: Loss, reduction: str, samples: int
) -> None:
    student, teacher = logits(samples, 5).requires_grad_(), logits(samples, 5, seed=1)
    value = loss(student, teacher, torch.full((samples,), -100), reduction=reduction)
    (gradient,) = torch.autograd.grad(value, student)
    assert value.item() == 0
    assert gradient.shape == student.shape
    assert not gradient.any()


def test_an_empty_batch_needs_no_target() -> None:
    student = logits(0, 5).requires_grad_()
    value = kd_loss(student, logits(0, 5))
    assert value.item() == 0
    assert torch.autograd.grad(value, student)[0].shape == (0, 5)
    assert dkd_loss(logits(0, 5), logits(0, 5), torch.zeros(0, 5)).item() == 0


@losses
@pytest.mark.parametrize(
    ("shape", "class_dim"),
    [((2, 5, 3, 4), 1), ((2, 5, 7), 1), ((2, 7, 5), -1), ((5, 2, 3), 0), ((5,), 0), ((2, 7, 5), 2)],
)
def test_dense_logits_are_so_many_samples(
    loss: Loss, shape: tuple[int, ...], class_dim: int
) -> None:
    student, teacher = logits(*shape).requires_grad_(), logits(*shape, seed=1)
    positions = student.movedim(class_dim, -1).shape[:-1]
    target = labels(*positions)
    if target.numel() > 1:
        target.flatten()[1] = -100
    rows = [z.movedim(class_dim, -1).reshape(-1, 5) for z in (student, teacher)]
    values = loss(student, teacher, target, class_dim=class_dim, reduction="none")
    flat = loss(*rows, target.flatten(), reduction="none")
    assert values.shape == positions
    torch.testing.assert_close(values.flatten(), flat)
    mean = loss(student, teacher, target, class_dim=class_dim)
    torch.testing.assert_close(mean, flat.sum() / (target >= 0).sum())
    assert torch.autograd.grad(mean, student)[0].shape == shape


@losses
def test_the_layout_of_memory_does_not_matter(loss: Loss) -> None:
    student, teacher, target = logits(2, 5, 3, 4), logits(2, 5, 3, 4, seed=1), labels(2, 3, 4)
    wanted = loss(student, teacher, target)
    got = loss(student.to(memory_format=torch.channels_last), teacher, target)
    torch.testing.assert_close(got, wanted)
