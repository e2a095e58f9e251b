"""DKD against the paper's equations, the official formula, its own gradient and its limits."""

import shutil
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import rel_entr, softmax
from torch import Tensor

from tutelage.losses import (
    TwoClassesWarning,
    decoupled_kd,
    dkd_loss,
    kd_loss,
    target_probability,
)
from tutelage.losses.dkd import _warn_of_two_classes

Array = NDArray[np.float64]
TEMPERATURES = [0.5, 1.0, 4.0, 20.0]
LARGEST = 1e4  # the largest logit for which finite results are promised
two_classes = pytest.mark.filterwarnings("ignore::tutelage.losses.TwoClassesWarning")


def logits(*shape: int, seed: int = 0, scale: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, dtype=torch.float64, generator=generator)


def paper(student: Tensor, teacher: Tensor, target: Tensor, temperature: float) -> list[Array]:
    """TCKD, NCKD and KD of each sample as Eqs. 1-4 define them, without the temperature^2."""
    parts = []
    for row_s, row_t, label in zip(student.numpy(), teacher.numpy(), target.tolist(), strict=True):
        p_s, p_t = softmax(row_s / temperature), softmax(row_t / temperature)
        others = [i for i in range(len(row_s)) if i != label]
        b_s, b_t = [p_s[label], p_s[others].sum()], [p_t[label], p_t[others].sum()]  # Eq. 1
        q_s, q_t = (softmax(row[others] / temperature) for row in (row_s, row_t))  # Eq. 2
        parts.append([rel_entr(b_t, b_s).sum(), rel_entr(q_t, q_s).sum(), rel_entr(p_t, p_s).sum()])
    return list(np.array(parts).T)


def gradient(loss: Tensor, student: Tensor) -> Tensor:
    return torch.autograd.grad(loss, student, retain_graph=True)[0]


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("classes", [3, 10, 100])
def test_both_parts_equal_the_papers_equations(classes: int, temperature: float) -> None:
    student, teacher = logits(6, classes), logits(6, classes, seed=1)
    target = torch.arange(6) % classes
    tckd, nckd = decoupled_kd(student, teacher, target, temperature=temperature, reduction="none")
    wanted = paper(student, teacher, target, temperature)
    np.testing.assert_allclose(tckd, temperature**2 * wanted[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(nckd, temperature**2 * wanted[1], rtol=1e-12, atol=1e-12)


def test_the_loss_equals_the_official_formula_and_its_batch_mean() -> None:
    """The formula of mdistiller in numpy: masked softmaxes, -1000 at the target, log, mean."""
    student, teacher, target = logits(64, 100), logits(64, 100, seed=1), torch.arange(64)
    alpha, beta, temperature = 1.0, 8.0, 4.0
    is_target = np.eye(100)[target.numpy()]
    masses, shares = [], []
    for z in (student.numpy() / temperature, teacher.numpy() / temperature):
        p = softmax(z, axis=1)
        masses.append(np.stack([(p * is_target).sum(1), (p * (1 - is_target)).sum(1)], 1))
        shares.append(softmax(z - 1000 * is_target, axis=1))
    tckd = (masses[1] * (np.log(masses[1]) - np.log(masses[0]))).sum() * temperature**2 / 64
    nckd = rel_entr(shares[1], shares[0]).sum() * temperature**2 / 64
    loss = dkd_loss(student, teacher, target, alpha=alpha, beta=beta, temperature=temperature)
    np.testing.assert_allclose(loss, alpha * tckd + beta * nckd, rtol=1e-12)
    assert dkd_loss(student, teacher, target).item() == loss.item()  # the authors' are the defaults


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_gradients_are_the_papers_closed_forms(temperature: float) -> None:
    student, teacher, target = logits(5, 7).requires_grad_(), logits(5, 7, seed=1), torch.arange(5)
    tckd, nckd = decoupled_kd(student, teacher, target, temperature=temperature, reduction="sum")
    rows, others = np.arange(5), 1 - np.eye(7)[:5]
    p_s = softmax(student.detach().numpy() / temperature, axis=1)
    p_t = softmax(teacher.numpy() / temperature, axis=1)
    share_s, share_t = (p * others / (p * others).sum(1, keepdims=True) for p in (p_s, p_t))
    excess = (p_s - p_t)[rows, rows][:, None]
    wanted_tckd = temperature * excess * np.where(others, -share_s, 1)
    wanted_nckd = temperature * (share_s - share_t)
    np.testing.assert_allclose(gradient(tckd, student), wanted_tckd, atol=1e-13)
    np.testing.assert_allclose(gradient(nckd, student), wanted_nckd, atol=1e-13)
    assert not gradient(decoupled_kd(student, teacher, target)[1], student)[rows, rows].any()


@pytest.mark.parametrize("coupling", [0.0, 0.5, 1.0, 2.0])
def test_first_and_second_derivatives_agree_with_finite_differences(coupling: float) -> None:
    student, teacher = logits(3, 4).requires_grad_(), logits(3, 4, seed=1)
    target = torch.tensor([0, -100, 3])

    def loss(student: Tensor) -> Tensor:
        return dkd_loss(student, teacher, target, temperature=2.0, coupling=coupling)

    assert torch.autograd.gradcheck(loss, student)
    assert torch.autograd.gradgradcheck(loss, student)


@pytest.mark.parametrize("coupling", [0.0, 0.3, 1.0, 2.0])
def test_coupling_weighs_nckd_of_every_sample_by_its_own_teacher(coupling: float) -> None:
    student, teacher, target = logits(6, 9), logits(6, 9, seed=1), torch.arange(6)
    tckd, nckd, _ = paper(student, teacher, target, 2.0)
    p_t = softmax(teacher.numpy() / 2.0, axis=1)[np.arange(6), np.arange(6)]
    wanted = 4.0 * (0.7 * tckd + 3.0 * (1 - p_t) ** coupling * nckd)
    options: dict[str, Any] = {"alpha": 0.7, "beta": 3.0, "temperature": 2.0, "coupling": coupling}
    loss = dkd_loss(student, teacher, target, **options, reduction="none")
    np.testing.assert_allclose(loss, wanted, rtol=1e-12)
    np.testing.assert_allclose(dkd_loss(student, teacher, target, **options), wanted.mean())


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_full_coupling_with_equal_weights_is_classical_distillation(temperature: float) -> None:
    student, teacher, target = (
        logits(8, 20).requires_grad_(),
        logits(8, 20, seed=1),
        torch.arange(8),
    )
    coupled = dkd_loss(
        student, teacher, target, alpha=1, beta=1, coupling=1, temperature=temperature
    )
    classical = kd_loss(student, teacher, temperature=temperature)
    torch.testing.assert_close(coupled, classical, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        gradient(coupled, student), gradient(classical, student), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("coupling", [0.0, 1e-300, 0.5, 1.0])
def test_a_teacher_without_doubt_gives_a_finite_loss_at_any_coupling(coupling: float) -> None:
    teacher = torch.full((1, 4), -LARGEST).index_fill(1, torch.tensor([2]), LARGEST)
    student = torch.zeros(1, 4, requires_grad=True)
    loss = dkd_loss(student, teacher, torch.tensor([2]), coupling=coupling, temperature=0.5)
    assert loss.isfinite()
    assert gradient(loss, student).isfinite().all()


def test_the_weight_of_a_sure_teacher_is_taken_in_log_space() -> None:
    """1 - p_t is e^-40, where float32 has long rounded p_t to one."""
    teacher = torch.tensor([[40.0, 0.0, -30.0]])
    student = torch.tensor([[40.0, -30.0, 0.0]])
    loss = dkd_loss(student, teacher, torch.tensor([0]), alpha=0, beta=1, coupling=1, temperature=1)
    np.testing.assert_allclose(loss, np.exp(-40) * 30, rtol=1e-5)


def test_a_sure_sample_keeps_the_digits_of_its_small_gradient_in_float32() -> None:
    """Both targets have probability 1 in float32; what the rest should give up is 5e-11."""
    student, teacher = torch.tensor([[30.0, 0.0, 1.0]]), torch.tensor([[25.0, 1.0, 0.0]])
    tckd, _ = decoupled_kd(student.requires_grad_(), teacher, torch.tensor([0]))
    excess = np.exp(-25) * (1 + np.e) - np.exp(-30) * (1 + np.e)  # of the student's target
    wanted = -excess * softmax([0, 1])
    np.testing.assert_allclose(gradient(tckd, student)[0, 1:], wanted, rtol=1e-5)


# Properties

RANGE = st.floats(-30, 30)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, float]:
    """Draw student, teacher, target and temperature."""
    samples, classes = draw(st.integers(1, 4)), draw(st.integers(3, 8))
    student, teacher = (
        torch.from_numpy(draw(arrays(np.float64, (samples, classes), elements=RANGE)))
        for _ in range(2)
    )
    target = torch.from_numpy(draw(arrays(np.int64, samples, elements=st.integers(0, classes - 1))))
    return student, teacher, target, draw(st.floats(0.5, 20))


properties = settings(deadline=None, max_examples=40)


@properties
@given(problems())
def test_kd_is_tckd_plus_the_rest_times_nckd(
    problem: tuple[Tensor, Tensor, Tensor, float],
) -> None:
    student, teacher, target, temperature = problem
    tckd, nckd = decoupled_kd(student, teacher, target, temperature=temperature, reduction="none")
    p_t = target_probability(teacher, target, temperature=temperature)
    kd = kd_loss(student, teacher, temperature=temperature, reduction="none")
    torch.testing.assert_close(tckd + (1 - p_t) * nckd, kd, rtol=1e-10, atol=1e-10)


@properties
@given(problems())
def test_both_parts_are_never_negative_and_zero_at_equality(
    problem: tuple[Tensor, Tensor, Tensor, float],
) -> None:
    student, teacher, target, temperature = problem
    for part in decoupled_kd(student, teacher, target, temperature=temperature, reduction="none"):
        assert (part >= -1e-11).all()
    for part in decoupled_kd(teacher, teacher, target, temperature=temperature, reduction="none"):
        assert not part.any()


@properties
@given(problems(), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_neither_part_sees_a_constant_added_to_every_logit(
    problem: tuple[Tensor, Tensor, Tensor, float], student_shift: float, teacher_shift: float
) -> None:
    student, teacher, target, temperature = problem
    here = decoupled_kd(student, teacher, target, temperature=temperature)
    there = decoupled_kd(
        student + student_shift, teacher + teacher_shift, target, temperature=temperature
    )
    torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-9)


@properties
@given(problems(), st.floats(-1e3, 1e3))
def test_nckd_does_not_see_the_target_logit(
    problem: tuple[Tensor, Tensor, Tensor, float], other: float
) -> None:
    student, teacher, target, temperature = problem
    moved = student.scatter(1, target[:, None], other)
    nckd = decoupled_kd(student, teacher, target, temperature=temperature)[1]
    after = decoupled_kd(moved, teacher, target, temperature=temperature)[1]
    torch.testing.assert_close(nckd, after, rtol=1e-9, atol=1e-9)


@properties
@given(problems(), st.randoms(use_true_random=False))
def test_the_names_of_the_classes_do_not_matter(
    problem: tuple[Tensor, Tensor, Tensor, float], random: Any
) -> None:
    student, teacher, target, temperature = problem
    order = torch.tensor(random.sample(range(student.shape[1]), student.shape[1]))
    here = decoupled_kd(student, teacher, target, temperature=temperature)
    there = decoupled_kd(
        student[:, order], teacher[:, order], order.argsort()[target], temperature=temperature
    )
    torch.testing.assert_close(here, there, rtol=1e-9, atol=1e-9)


@properties
@given(problems())
def test_every_row_of_the_gradient_sums_to_zero(
    problem: tuple[Tensor, Tensor, Tensor, float],
) -> None:
    student, teacher, target, temperature = problem
    student.requires_grad_()
    loss = dkd_loss(student, teacher, target, temperature=temperature, reduction="sum")
    rows = gradient(loss, student).sum(1)
    torch.testing.assert_close(rows, torch.zeros_like(rows), atol=1e-11 * temperature, rtol=0)


# Precision and extremes

HUGE = st.floats(-LARGEST, LARGEST, width=16)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float32, (2, 5), elements=HUGE),
    arrays(np.float32, (2, 5), elements=HUGE),
    st.floats(0.5, 20),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_no_logit_up_to_ten_thousand_overflows(
    dtype: torch.dtype, student: Any, teacher: Any, temperature: float, coupling: float
) -> None:
    student, teacher = (torch.from_numpy(z).to(dtype) for z in (student, teacher))
    student.requires_grad_()
    loss = dkd_loss(
        student, teacher, torch.tensor([0, 3]), temperature=temperature, coupling=coupling
    )
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert gradient(loss, student).isfinite().all()


def cliffs(classes: int) -> dict[str, Tensor]:
    target_ahead = torch.full((1, classes), -LARGEST)
    target_ahead[:, 0] = LARGEST
    one_hot = torch.zeros(1, classes)
    one_hot[:, 0] = LARGEST
    return {
        "target ahead": target_ahead,
        "target behind": -target_ahead,
        "one-hot": one_hot,
        "another ahead": one_hot.roll(1, 1),
        "all equal": torch.full((1, classes), LARGEST),
        "all equal and low": torch.full((1, classes), -LARGEST),
        "ramp": torch.linspace(-LARGEST, LARGEST, classes)[None],
    }


@two_classes
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [2, 100])
def test_every_pair_of_cliffs_gives_a_finite_loss_and_gradient(
    classes: int, dtype: torch.dtype, temperature: float
) -> None:
    rows = torch.cat(list(cliffs(classes).values())).to(dtype)
    student = rows.repeat_interleave(len(rows), 0).requires_grad_()
    teacher = rows.repeat(len(rows), 1)  # every row with every row, so opposites too
    target = torch.zeros(len(teacher), dtype=torch.int64)
    for coupling in (0.0, 1.0):
        losses = dkd_loss(
            student, teacher, target, temperature=temperature, coupling=coupling, reduction="none"
        )
        assert losses.isfinite().all()
        assert (losses >= 0).all()
        assert gradient(losses.sum(), student).isfinite().all()


def test_opposite_certainty_costs_the_whole_gap() -> None:
    """-log sigmoid(-20000) is 20000; log(softmax) has lost it at 104 in float32."""
    ahead = cliffs(100)["target ahead"]
    tckd, nckd = decoupled_kd(-ahead, ahead, torch.tensor([0]))
    np.testing.assert_allclose(tckd, 2 * LARGEST + np.log(99), rtol=1e-6)
    assert nckd == 0


def test_large_logits_close_together_keep_their_digits() -> None:
    student, teacher = logits(4, 10).round(), logits(4, 10, seed=1).round()
    target = torch.arange(4)
    wanted = decoupled_kd(student, teacher, target)
    got = decoupled_kd((student + 9000).float(), (teacher - 9000).float(), target)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6, check_dtype=False)


@pytest.mark.parametrize(
    ("student_dtype", "teacher_dtype", "wanted"),
    [
        (torch.float16, torch.float16, torch.float32),
        (torch.bfloat16, torch.float16, torch.float32),
        (torch.float32, torch.bfloat16, torch.float32),
        (torch.float64, torch.float16, torch.float64),
        (torch.float32, torch.float64, torch.float64),
    ],
)
def test_narrow_logits_are_widened_before_anything_is_computed(
    student_dtype: torch.dtype, teacher_dtype: torch.dtype, wanted: torch.dtype
) -> None:
    student, teacher = logits(8, 10).to(student_dtype), logits(8, 10, seed=1).to(teacher_dtype)
    target = torch.arange(8)
    loss = dkd_loss(student, teacher, target)
    assert loss.dtype == wanted
    exact = dkd_loss(student.double(), teacher.double(), target)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("narrow", [torch.bfloat16, torch.float16])
def test_autocast_changes_no_bit(narrow: torch.dtype) -> None:
    student, teacher, target = logits(8, 10).float(), logits(8, 10, seed=1).float(), torch.arange(8)
    student.requires_grad_()
    wanted = dkd_loss(student, teacher, target, coupling=0.5)
    with torch.autocast("cpu", dtype=narrow):
        loss = dkd_loss(student, teacher, target, coupling=0.5)
    assert loss.dtype == torch.float32
    assert loss.item() == wanted.item()
    assert torch.equal(gradient(loss, student), gradient(wanted, student))


# Teachers, two classes, probabilities, compiled code


def test_no_gradient_flows_to_the_teacher() -> None:
    teacher = logits(4, 5, seed=1).requires_grad_()
    student = logits(4, 5).requires_grad_()
    dkd_loss(student, teacher, torch.arange(4), coupling=1.0).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_two_classes_have_no_nckd_and_one_warning_says_so() -> None:
    _warn_of_two_classes.cache_clear()
    student, teacher, target = logits(3, 2).requires_grad_(), logits(3, 2, seed=1), torch.arange(3)
    target = target % 2
    with pytest.warns(TwoClassesWarning, match="two classes") as caught:
        tckd, nckd = decoupled_kd(student, teacher, target, reduction="none")
    assert caught[0].filename == __file__  # it points at the caller
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = dkd_loss(student, teacher, target, alpha=0.0)
    assert not nckd.any()
    assert not gradient(nckd.sum(), student).any()
    assert not gradient(loss, student).any()
    torch.testing.assert_close(
        tckd, kd_loss(student, teacher, temperature=1.0, reduction="none"), rtol=1e-12, atol=1e-12
    )


def test_target_probability_is_the_softmax_at_the_temperature() -> None:
    teacher, target = logits(6, 9).requires_grad_(), torch.tensor([0, 1, 2, 3, 4, -100])
    p_t = target_probability(teacher, target, temperature=4.0)
    wanted = softmax(teacher.detach().numpy() / 4.0, axis=1)[np.arange(5), np.arange(5)]
    np.testing.assert_allclose(p_t, [*wanted, 0.0], rtol=1e-12)
    mean = target_probability(teacher, target, temperature=4.0, reduction="mean")
    np.testing.assert_allclose(mean, wanted.mean(), rtol=1e-12)
    assert not p_t.requires_grad


def test_target_probability_has_its_digits_where_it_is_tiny() -> None:
    p_t = target_probability(torch.tensor([[-50.0, 0.0]]), torch.tensor([0]))
    np.testing.assert_allclose(p_t, [np.exp(-50)], rtol=1e-5)


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++")
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:torch")
def test_compiled_without_a_break_it_is_the_same_loss_and_still_refuses_a_wrong_label() -> None:
    compiled = torch.compile(dkd_loss, fullgraph=True)
    student = logits(8, 10).float().requires_grad_()
    teacher, target = (
        logits(8, 10, seed=1).float(),
        torch.arange(8).index_fill(0, torch.tensor([2]), -100),
    )
    for temperature in (4.0, 1.0):
        loss = compiled(student, teacher, target, temperature=temperature, coupling=0.5)
        wanted = dkd_loss(student, teacher, target, temperature=temperature, coupling=0.5)
        torch.testing.assert_close(loss, wanted)
        torch.testing.assert_close(gradient(loss, student), gradient(wanted, student))
    with pytest.raises(RuntimeError, match="out of bounds"):
        compiled(student, teacher, target - 1, temperature=4.0, coupling=0.5)


def test_every_form_of_target_is_one_graph() -> None:
    student, teacher, first = logits(8, 10), logits(8, 10, seed=1), torch.arange(8)
    for target in (first, (first, first.flip(0)), logits(8, 10, seed=2).softmax(1)):
        compiled = torch.compile(decoupled_kd, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(
            compiled(student, teacher, target), decoupled_kd(student, teacher, target)
        )


def test_compiled_code_takes_two_classes_without_a_word() -> None:
    _warn_of_two_classes.cache_clear()
    compiled = torch.compile(dkd_loss, fullgraph=True, backend="aot_eager")
    loss = compiled(logits(4, 2), logits(4, 2, seed=1), torch.arange(4) % 2)
    torch.testing.assert_close(loss, kd_loss(logits(4, 2), logits(4, 2, seed=1)))
