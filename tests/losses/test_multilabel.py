import warnings
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.errors import ConfigError, DtypeError, RangeError, ShapeError
from tutelage.losses import (
    Reduction,
    TwoClassesWarning,
    decoupled_kd,
    dkd_loss,
    kd_loss,
    label_loss,
    multilabel_decoupled_kd,
    multilabel_dkd_loss,
    multilabel_kd_loss,
)
from tutelage.types import Batch


def pair(*shape: int, scale: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        scale * torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return student, teacher, (torch.rand(*shape, generator=generator) < 0.4).double()


def joint(logits: Tensor) -> Tensor:
    """The probability of each of the 2^C sets of classes, multiplied out: ``[N, 2^C]``."""
    p = 1 / (1 + torch.exp(-logits))
    sets = torch.tensor(list(product([0.0, 1.0], repeat=logits.shape[1])), dtype=torch.float64)
    return (sets * p[:, None] + (1 - sets) * (1 - p[:, None])).prod(2)


def joint_kl(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = joint(teacher), joint(student)
    return (p * (p / q).log()).sum(1)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_with_equal_weights_it_is_the_kl_of_the_joint_distribution_over_all_sets(
    classes: int, temperature: float
) -> None:
    student, teacher, target = pair(6, classes)
    want = temperature**2 * joint_kl(student / temperature, teacher / temperature)
    plain = multilabel_kd_loss(student, teacher, temperature=temperature, reduction="none")
    parted = multilabel_dkd_loss(
        student, teacher, target, alpha=1, beta=1, temperature=temperature, reduction="none"
    )
    torch.testing.assert_close(plain, want, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(parted, want, rtol=1e-9, atol=1e-12)


def test_its_parts_are_the_kl_of_the_classes_that_are_there_and_of_those_that_are_not() -> None:
    student, teacher, _ = pair(6, 5)
    target = torch.tensor([1.0, 0, 0, 1, 0], dtype=torch.float64).expand(6, 5)
    present, absent = multilabel_decoupled_kd(student, teacher, target, reduction="none")
    for part, columns in ((present, [0, 3]), (absent, [1, 2, 4])):
        torch.testing.assert_close(part, joint_kl(student[:, columns], teacher[:, columns]))


def test_within_a_two_way_problem_decoupling_says_nothing() -> None:
    """The sigmoid of z is the softmax of (z, 0); there TCKD is all of KD, and NCKD exactly 0."""
    student, teacher, target = pair(6, 1)
    ours, its = (torch.cat([logits, torch.zeros_like(logits)], 1) for logits in (student, teacher))
    want = kd_loss(ours, its, temperature=2.0)
    torch.testing.assert_close(multilabel_kd_loss(student, teacher, temperature=2.0), want)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TwoClassesWarning)  # it says so once
        tckd, nckd = decoupled_kd(ours, its, target[:, 0].long(), temperature=2.0)
    torch.testing.assert_close(tckd, want)
    assert nckd == 0


def test_the_gradient_at_a_logit_is_as_large_as_that_of_a_softmax() -> None:
    """T * (q - p) over the batch, with sigmoids here and softmaxes there."""
    student, teacher, _ = pair(6, 9)
    student.requires_grad_()
    multilabel_kd_loss(student, teacher, temperature=4.0).backward()
    want = 4 * ((student / 4).sigmoid() - (teacher / 4).sigmoid()).detach() / 6
    torch.testing.assert_close(student.grad, want)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_logits_of_ten_thousand_keep_value_and_gradient_finite_and_right(
    dtype: torch.dtype, temperature: float
) -> None:
    logits = torch.tensor([[1e4, -1e4, 1e4, -1e4]], dtype=dtype).requires_grad_()
    teacher = torch.tensor([[-1e4, -1e4, 1e4, 1e4]], dtype=dtype)
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    parts = multilabel_decoupled_kd(logits, teacher, target, temperature=temperature)
    for part in parts:  # one class each in which they disagree, by all they can
        assert part.item() == pytest.approx(1e4 * temperature, rel=1e-2)
    sum(parts).backward()  # type: ignore[union-attr]
    want = torch.tensor([[temperature, 0, 0, -temperature]], dtype=dtype)
    torch.testing.assert_close(logits.grad, want)


def test_an_unknown_label_counts_nowhere_whatever_the_logits() -> None:
    student, teacher, target = pair(4, 5)
    known = target[:, [0, 1, 3, 4]]
    want = multilabel_dkd_loss(
        student[:, [0, 1, 3, 4]], teacher[:, [0, 1, 3, 4]], known, temperature=2.0
    )
    target[:, 2] = -1
    student[:, 2], teacher[:, 2] = torch.nan, torch.inf
    student.requires_grad_()
    loss = multilabel_dkd_loss(student, teacher, target, temperature=2.0)
    torch.testing.assert_close(loss, want)
    plain = multilabel_kd_loss(student, teacher, temperature=2.0, target=target)
    (loss + plain).backward()
    assert student.grad is not None
    assert (student.grad[:, 2] == 0).all()
    assert student.grad.isfinite().all()


def test_a_label_between_counts_by_its_share_on_both_sides() -> None:
    student, teacher, target = pair(4, 5)
    losses = [
        multilabel_dkd_loss(student, teacher, labels, alpha=2.0, beta=0.5)
        for labels in (target, 1 - target, 0.3 * target + 0.7 * (1 - target))
    ]
    torch.testing.assert_close(losses[2], 0.3 * losses[0] + 0.7 * losses[1])


def test_classes_may_lie_anywhere_and_positions_reduce_as_asked() -> None:
    student, teacher, target = pair(2, 3, 4, 5)
    one = multilabel_dkd_loss(student, teacher, target, class_dim=1, reduction="none")
    moved = [tensor.movedim(1, -1) for tensor in (student, teacher, target)]
    torch.testing.assert_close(
        multilabel_dkd_loss(*moved, class_dim=-1, reduction="none"), one
    )  # [2, 4, 5]
    assert one.shape == (2, 4, 5)
    reductions: dict[Reduction, Tensor] = {"mean": one.mean(), "sum": one.sum()}
    for reduction, want in reductions.items():
        torch.testing.assert_close(
            multilabel_dkd_loss(student, teacher, target, reduction=reduction), want
        )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"target": torch.ones(2, 3).long()}, DtypeError, r"target.float\(\)"),
        ({"target": torch.ones(2, 4)}, ShapeError, r"\(2, 4\)"),
        ({"target": torch.full((2, 3), torch.nan)}, RangeError, r"nan at position \(0, 0\)"),
        ({"target": torch.full((2, 3), 2.0)}, RangeError, "from 0 to 1, or -1"),
        ({"teacher_logits": torch.ones(2, 4)}, ShapeError, "same classes"),
        ({"temperature": 0.0}, RangeError, "temperature"),
        ({"beta": float("inf")}, RangeError, "beta"),
        ({"reduction": "average"}, ConfigError, "reduction"),
    ],
)
def test_what_does_not_fit_is_told(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    given = {name: torch.zeros(2, 3) for name in ("student_logits", "teacher_logits", "target")}
    with pytest.raises(error, match=message):
        multilabel_dkd_loss(**{**given, **change})  # type: ignore[arg-type]


def batch(target: Tensor, second: Tensor | None = None, share: float = 1.0) -> Batch:
    shares = None if second is None else torch.full((len(target),), share)
    return Batch(
        torch.zeros(len(target), 1, 1, 1), target, torch.arange(len(target)), second, shares
    )


def test_the_loss_of_many_labels_is_torchs_summed_over_the_classes() -> None:
    logits, _, target = pair(6, 5)
    want = 5 * F.multilabel_soft_margin_loss(logits, target)
    torch.testing.assert_close(label_loss(logits, batch(target)), want)
    smooth = 5 * F.multilabel_soft_margin_loss(logits, 0.8 * target + 0.1)
    torch.testing.assert_close(label_loss(logits, batch(target), smoothing=0.2), smooth)
    views = label_loss(torch.cat([logits, logits]), batch(target))
    torch.testing.assert_close(views, want)
    target[:, 2] = -1
    logits[:, 2] = torch.nan
    known = [0, 1, 3, 4]
    want = 4 * F.multilabel_soft_margin_loss(logits[:, known], target[:, known])
    torch.testing.assert_close(label_loss(logits, batch(target)), want)


def test_the_labels_of_mixed_pictures_weigh_by_their_shares() -> None:
    logits, _, first = pair(6, 5)
    second = first.roll(1, 0)
    parts = [label_loss(logits, batch(labels)) for labels in (first, second)]
    mixed = label_loss(logits, batch(first, second, 0.75))
    torch.testing.assert_close(mixed, 0.75 * parts[0] + 0.25 * parts[1])


def test_pixels_without_a_class_count_nowhere() -> None:
    """A map is a list of the pixels that count."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 2, 4, 3, 5, generator=generator)
    target = torch.randint(4, (2, 3, 5), generator=generator)
    target[0, :2] = -100
    counts = target != -100
    rows, others = (logits.movedim(1, -1)[counts] for logits in (student, teacher))
    for dense, flat in (
        (kd_loss(student, teacher, target=target), kd_loss(rows, others)),
        (dkd_loss(student, teacher, target), dkd_loss(rows, others, target[counts])),
        (label_loss(student, batch(target)), F.cross_entropy(rows, target[counts])),
    ):
        torch.testing.assert_close(dense, flat)
    nothing = label_loss(student.requires_grad_(), batch(torch.full_like(target, -100)))
    nothing.backward()
    assert nothing == 0
    assert student.grad is not None
    assert (student.grad == 0).all()
