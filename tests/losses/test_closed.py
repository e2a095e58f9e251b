"""The quick path of KD and DKD against the plain one, and where it must step aside."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.losses import _closed, decoupled_kd, dkd_loss, kd_loss

pytestmark = pytest.mark.usefixtures("computed")

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
LOSSES: dict[str, Loss] = {
    "kd": lambda student, teacher, target: kd_loss(student, teacher, target=target),
    "dkd": dkd_loss,
    "coupled": lambda *problem: dkd_loss(*problem, alpha=2.0, beta=3.0, coupling=0.7),
    "summed": lambda *problem: dkd_loss(*problem, reduction="sum"),
    "rows": lambda *problem: dkd_loss(*problem, reduction="none").square().sum(),
    "tckd": lambda *problem: decoupled_kd(*problem)[0],
    "nckd": lambda *problem: decoupled_kd(*problem, temperature=2.0, coupling=1.0)[1],
    "unlike weights": lambda *problem: torch.stack(decoupled_kd(*problem)).cumsum(0).sum(),
}


def problem(rows: int, classes: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rows * classes)
    student, teacher = 4 * torch.randn(2, rows, classes, generator=generator).to(dtype)
    return [student, teacher, torch.randint(classes, (rows,), generator=generator)]


def value_and_slope(loss: Loss, student: Tensor, *others: Tensor) -> tuple[Tensor, Tensor]:
    student = student.detach().clone().requires_grad_()
    value = loss(student, *others)
    (slope,) = torch.autograd.grad(value, student)
    return value.detach(), slope


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what calls a function with the quick path shut."""

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        with monkeypatch.context() as shut:
            shut.setattr(_closed, "_is_quick", lambda *_: False)
            return function(*arguments)

    return call


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(7, 3), (64, 100), (5, 1000)])
@pytest.mark.parametrize("elements", [1, 300, 1 << 20])
def test_it_equals_the_plain_path_to_rounding_whatever_the_blocks(
    name: str,
    shape: tuple[int, int],
    elements: int,
    plain: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_closed, "_SMALLEST", elements)
    student, teacher, target = problem(*shape)
    target[1] = -100
    quick = value_and_slope(LOSSES[name], student, teacher, target)
    double = [logits.double() for logits in (student, teacher)]
    exact = plain(value_and_slope, LOSSES[name], *double, target)
    torch.testing.assert_close(quick[0].double(), exact[0], rtol=2e-6, atol=1e-6)
    error = (quick[1] - exact[1]).abs().max() / exact[1].abs().max()
    assert error < 2e-6
    assert not quick[1][1].any()


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("ruled_out", ["by the teacher", "by both", "all but one"])
def test_it_equals_the_plain_path_whatever_is_ruled_out(
    ruled_out: str, seed: int, plain: Callable[..., Any]
) -> None:
    generator = torch.Generator().manual_seed(seed)
    classes, scale = 3 + seed % 20, 10.0 ** (seed % 5 - 2)
    student, teacher = scale * torch.randn(2, 5, classes, generator=generator)
    target = torch.randint(classes, (5,), generator=generator)
    out = torch.rand(5, classes, generator=generator) < 0.5
    out[:, seed % classes] = False  # something must be left to be sure of
    if ruled_out == "all but one":
        out[:] = True
        out[torch.arange(5), torch.randint(classes, (5,), generator=generator)] = False
    teacher[out] = -torch.inf
    if ruled_out == "by both":
        student[out] = -torch.inf

    def loss(student: Tensor, teacher: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        weigh = partial(decoupled_kd, alpha=2.0, beta=3.0, temperature=3.0, coupling=seed % 3 / 2)
        return weigh(student, teacher, target, reduction="none")

    def both(*those: Tensor) -> Tensor:
        return torch.cat(loss(*those)).sum()

    terms, double = loss(student, teacher, target), [student.double(), teacher.double(), target]
    for found, exact in zip(terms, plain(loss, *double), strict=True):
        torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-5)
    wanted = plain(value_and_slope, both, *double)
    if wanted[0].isfinite():
        _, slope = value_and_slope(both, student, teacher, target)
        torch.testing.assert_close(slope.double(), wanted[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_logits_get_a_gradient_that_was_rounded_once(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_closed, "_SMALLEST", 500)
    student, teacher, target = problem(20, 50, dtype)
    value, slope = value_and_slope(dkd_loss, student, teacher, target)
    wide = value_and_slope(dkd_loss, student.float(), teacher.float(), target)
    assert torch.equal(value, wide[0])
    assert torch.equal(slope, wide[1].to(dtype))


def test_a_gradient_scaler_saves_what_float16_would_round_to_nothing() -> None:
    student, teacher, target = problem(256, 10_000, torch.float16)
    _, exact = value_and_slope(dkd_loss, student.double(), teacher.double(), target)
    _, slope = value_and_slope(lambda *those: 2.0**11 * dkd_loss(*those), student, teacher, target)
    error = slope.double() / 2**11 - exact
    assert error.norm() < 5e-4 * exact.norm()  # rounded before the scaler, 7.5e-4
    assert not ((slope == 0) & (exact.abs() > exact.abs().max() * 1e-6)).any()


def test_equal_logits_have_no_loss_and_no_gradient_at_all() -> None:
    student, _, target = problem(9, 30)
    for loss in (LOSSES["dkd"], LOSSES["kd"], LOSSES["coupled"]):
        value, slope = value_and_slope(loss, student, student.clone(), target)
        assert value == 0
        assert not slope.any()


@pytest.mark.parametrize("name", ["dkd", "kd"])
def test_classes_that_the_teacher_rules_out_add_nothing(
    name: str, plain: Callable[..., Any]
) -> None:
    student, teacher, target = problem(6, 40)
    teacher.scatter_(1, (target[:, None] + torch.arange(1, 9)) % 40, -torch.inf)
    quick = value_and_slope(LOSSES[name], student, teacher, target)
    wanted = plain(value_and_slope, LOSSES[name], student, teacher, target)
    assert quick[0].isfinite()
    torch.testing.assert_close(quick, wanted, rtol=1e-5, atol=1e-6)


def test_a_graph_that_is_kept_gives_the_same_gradient_again() -> None:
    student, teacher, target = problem(6, 40)
    student.requires_grad_()
    loss = dkd_loss(student, teacher, target)
    loss.backward(retain_graph=True)
    assert student.grad is not None
    once = student.grad.clone()
    student.grad.mul_(3.0)  # must not reach what the graph keeps
    for _ in range(2):
        (again,) = torch.autograd.grad(loss, student, retain_graph=True)
        torch.testing.assert_close(again, once, rtol=0, atol=0)
        again.mul_(3.0)


@pytest.mark.parametrize("name", ["dkd", "kd"])
def test_the_backward_pass_keeps_one_tensor_of_the_logits_size(name: str) -> None:
    student, teacher, target = problem(64, 1000)
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        LOSSES[name](student.requires_grad_(), teacher, target)
    given = {student.data_ptr(), teacher.data_ptr()}
    own = {tensor.data_ptr() for tensor in kept if tensor.numel() > 64} - given
    assert len(own) == 1


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own way to forward derivatives
@pytest.mark.parametrize("name", ["dkd", "kd", "coupled"])
def test_function_transforms_take_the_plain_path(name: str) -> None:
    student, teacher, target = problem(4, 12)
    loss = LOSSES[name]
    wanted = value_and_slope(loss, student, teacher, target)[1]
    torch.testing.assert_close(torch.func.grad(loss)(student, teacher, target), wanted)
    direction = torch.ones_like(student).cumsum(1)
    along = torch.func.jvp(lambda z: loss(z, teacher, target), (student,), (direction,))[1]
    torch.testing.assert_close(along, (wanted * direction).sum(), rtol=1e-4, atol=1e-4)


def test_vmap_maps_over_many_problems() -> None:
    students, teachers = torch.randn(2, 5, 4, 12)
    mapped = torch.vmap(kd_loss)(students, teachers)
    each = [kd_loss(*pair) for pair in zip(students, teachers, strict=True)]
    torch.testing.assert_close(mapped, torch.stack(each))


def test_maps_of_pixels_take_the_quick_path_too(plain: Callable[..., Any]) -> None:
    student, teacher = torch.randn(2, 2, 6, 3, 5)
    target = torch.randint(6, (2, 3, 5))
    target[0, 0] = -100
    quick = value_and_slope(dkd_loss, student, teacher, target)
    torch.testing.assert_close(
        quick, plain(value_and_slope, dkd_loss, student, teacher, target), rtol=1e-5, atol=1e-6
    )


def test_a_loss_can_be_added_to_in_place() -> None:
    student, teacher, target = problem(6, 40)
    student.requires_grad_()
    loss = kd_loss(student, teacher)
    loss += F.cross_entropy(student, target)
    loss.backward()
    assert student.grad is not None
