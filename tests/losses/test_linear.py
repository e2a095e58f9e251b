"""The losses of large classifiers against the same losses of their whole logits."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.losses.test_closed import value_and_slope
from tutelage.errors import ConfigError, RangeError, ShapeError
from tutelage.losses import dkd_loss, kd_loss, linear, linear_dkd_loss, linear_kd_loss

pytestmark = pytest.mark.usefixtures("computed")

ROWS, CLASSES = 20, 700


def heads(dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "student_hidden": (ROWS, 8),
        "student_weight": (CLASSES, 8),
        "teacher_hidden": (ROWS, 16),
        "teacher_weight": (CLASSES, 16),
        "student_bias": (CLASSES,),
        "teacher_bias": (CLASSES,),
    }
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        for name, shape in shapes.items()
    }


def whole(given: dict[str, Tensor], target: Tensor, **options: Any) -> Tensor:
    student, teacher = (
        F.linear(given[f"{who}_hidden"], given[f"{who}_weight"], given[f"{who}_bias"])
        for who in ("student", "teacher")
    )
    if "alpha" in options:
        return dkd_loss(student, teacher, target, class_dim=-1, **options)
    return kd_loss(student, teacher, target=target, class_dim=-1, **options)


def fused(given: dict[str, Any], target: Tensor, **options: Any) -> Tensor:
    loss = linear_dkd_loss if "alpha" in options else linear_kd_loss
    value: Tensor = loss(**given, target=target, **options)
    return value


def gradients(given: dict[str, Tensor], loss: Tensor) -> dict[str, Tensor]:
    student = {name: tensor for name, tensor in given.items() if name.startswith("student")}
    return dict(zip(student, torch.autograd.grad(loss, [*student.values()]), strict=True))


@pytest.mark.parametrize("elements", [1, 5 * CLASSES, 1 << 24])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("options", [{}, {"alpha": 0.5, "coupling": 0.5, "temperature": 2.0}])
def test_value_and_gradients_are_those_of_the_whole_logits(
    elements: int, reduction: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "_ELEMENTS", elements)
    given = {name: tensor.requires_grad_() for name, tensor in heads().items()}
    target = torch.arange(ROWS) * 31
    target[3] = -100
    options = options | {"reduction": reduction}
    wanted, got = whole(given, target, **options), fused(given, target, **options)
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)
    wanted_slopes, slopes = gradients(given, 3 * wanted), gradients(given, 3 * got)
    torch.testing.assert_close(slopes, wanted_slopes, rtol=1e-9, atol=1e-12)
    assert not slopes["student_hidden"][3].any()


def test_tokens_of_several_sequences_are_so_many_rows() -> None:
    given, target = heads(), torch.arange(ROWS)
    flat = fused(given, target, alpha=1.0)
    folded = given | {
        name: given[name].reshape(4, 5, -1) for name in ("student_hidden", "teacher_hidden")
    }
    torch.testing.assert_close(fused(folded, target.reshape(4, 5), alpha=1.0), flat)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_types_lose_no_more_than_the_whole_logits_do(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "_ELEMENTS", 3 * CLASSES)
    target = torch.arange(ROWS)
    exact = {name: tensor.to(dtype).double().requires_grad_() for name, tensor in heads().items()}
    wanted = gradients(exact, whole(exact, target, alpha=1.0))
    given = {name: tensor.requires_grad_() for name, tensor in heads(dtype).items()}
    slopes = gradients(given, fused(given, target, alpha=1.0))
    usual = gradients(given, whole(given, target, alpha=1.0))
    for name, slope in slopes.items():
        assert slope.dtype == dtype
        error, its_error = (
            (each[name].double() - wanted[name]).norm() / wanted[name].norm()
            for each in (slopes, usual)
        )
        assert error <= 1.2 * its_error + 1e-6


def test_a_gradient_scaler_saves_what_float16_would_round_to_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    features, change = torch.randn(2, 1024, 8, generator=generator)
    weight = torch.randn(10_000, 8, generator=generator) / 2
    problem = [each.half() for each in (features, weight, features + change / 5, weight)]
    kinds = {torch.float64: 1.0, torch.float16: 2.0**16}
    slopes = []
    for dtype, scale in kinds.items():
        own, heads, *its = (each.to(dtype, copy=True) for each in problem)
        loss = scale * linear_kd_loss(own.requires_grad_(), heads.requires_grad_(), *its)
        slopes.append([slope.double() / scale for slope in torch.autograd.grad(loss, [own, heads])])
    for exact, slope in zip(*slopes, strict=True):
        assert (slope - exact).norm() < 0.01 * exact.norm()  # without the lift 0.1 and 0.5


def test_autocast_narrows_the_products_as_it_does_those_of_the_whole_logits() -> None:
    given = {name: tensor.requires_grad_() for name, tensor in heads(torch.float32).items()}
    target = torch.arange(ROWS)
    with torch.autocast("cpu", torch.bfloat16):
        got, wanted = (loss(given, target, alpha=1.0) for loss in (fused, whole))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    slopes = gradients(given, got)
    assert {slope.dtype for slope in slopes.values()} == {torch.float32}
    for name, slope in gradients(given, wanted).items():
        assert (slopes[name] - slope).norm() < 0.02 * slope.norm()


def test_function_transforms_see_the_whole_logits() -> None:
    given, target = heads(), torch.arange(ROWS)

    def loss(hidden: Tensor) -> Tensor:
        return fused(given | {"student_hidden": hidden}, target, alpha=1.0)

    wanted = value_and_slope(lambda hidden, *_: loss(hidden), given["student_hidden"])[1]
    torch.testing.assert_close(torch.func.grad(loss)(given["student_hidden"]), wanted)


def test_compiled_code_has_no_break() -> None:
    given, target = heads(), torch.arange(ROWS)
    compiled: Any = torch.compile(linear_dkd_loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(
        compiled(**given, target=target), fused(given, target, alpha=1.0), rtol=1e-9, atol=1e-9
    )


def test_a_class_ruled_out_by_the_teachers_bias_adds_nothing() -> None:
    given, target = heads(), torch.arange(ROWS)
    given["teacher_bias"][600:] = -torch.inf
    given["student_hidden"].requires_grad_()
    loss = fused(given, target, alpha=1.0)
    torch.testing.assert_close(loss, whole(given, target, alpha=1.0))
    assert torch.autograd.grad(loss, given["student_hidden"])[0].isfinite().all()


def test_what_does_not_fit_is_refused() -> None:
    given, target = heads(), torch.arange(ROWS)
    with pytest.raises(ShapeError, match=r"student_weight must be \[classes, features\]"):
        fused(given | {"student_weight": given["teacher_weight"]}, target, alpha=1.0)
    with pytest.raises(ShapeError, match="same classes"):
        fused(given | {"teacher_weight": given["teacher_weight"][:5]} | {"teacher_bias": None},
              target, alpha=1.0)  # fmt: skip
    with pytest.raises(ShapeError, match=r"teacher_bias must be \[classes\]"):
        fused(given | {"teacher_bias": given["teacher_bias"][:5]}, target, alpha=1.0)
    with pytest.raises(ConfigError, match="mean or sum"):
        fused(given, target, alpha=1.0, reduction="none")
    with pytest.raises(RangeError, match=f"from 0 to {CLASSES - 1}"):
        fused(given, target + CLASSES, alpha=1.0)
    with pytest.raises(RangeError, match="temperature"):
        fused(given, target, temperature=0.0)
