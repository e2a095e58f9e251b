"""What each form of a teacher's answer keeps exactly, and how far off the rest may be."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp
from scipy.stats import chisquare
from torch import Tensor

from tutelage.errors import ConfigError, TeacherError
from tutelage.losses import decoupled_kd
from tutelage.teachers import make_form
from tutelage.types import Batch

CLASSES = 30
Array = NDArray[np.float64]


def asked(count: int, *, scale: float = 6.0, seed: int = 0) -> tuple[Tensor, Batch]:
    """Logits of a standard deviation of `scale`, and the batch they are of."""
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(count, CLASSES, generator=generator)
    target = torch.randint(CLASSES, (count,), generator=generator)
    return logits, Batch(torch.empty(count, 0), target, torch.arange(count), view=1)


def again(name: str, logits: Tensor, batch: Batch, temperature: float = 4.0) -> Tensor:
    """What comes back of logits that were kept in a form."""
    form = make_form(name, tuple(logits.shape[1:]), temperature=temperature, seed=7)
    return form.unpack(form.pack(logits, batch), batch)


def log_odds(logits: Tensor, batch: Batch, temperature: float) -> Array:
    """log p_t - log (1 - p_t), by numpy in float64: all that TCKD knows of the teacher."""
    scaled = logits.double().numpy() / temperature
    rows, target = np.arange(len(scaled)), batch.target.numpy()
    own = scaled[rows, target].copy()
    scaled[rows, target] = -np.inf
    odds: Array = own - logsumexp(scaled, axis=1)
    return odds


def test_fp32_keeps_every_bit() -> None:
    logits, batch = asked(40, scale=1e4)
    logits[0, :3] = torch.tensor([-0.0, 1e-45, 3e38])
    back = again("fp32", logits, batch)
    assert torch.equal(back.view(torch.int32), logits.view(torch.int32))


def test_fp16_rounds_as_numpy_does_and_refuses_what_it_would_make_infinite() -> None:
    logits, batch = asked(40)
    expected = logits.numpy().astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(again("fp16", logits, batch).numpy(), expected)
    logits[3, 3] = -70_000
    with pytest.raises(TeacherError, match="up to 65504, and the teacher's reach 70000"):
        again("fp16", logits, batch)


@pytest.mark.parametrize("scale", [1e-3, 6.0, 1e5])
def test_int8_is_off_by_half_a_step_of_255_at_most(scale: float) -> None:
    logits, batch = asked(200, scale=scale)
    logits[0] = 5.0  # a row without a range
    back, exact = (tensor.double().numpy() for tensor in (again("int8", logits, batch), logits))
    steps = (exact.max(1) - exact.min(1)) / 255
    rounding = np.abs(exact).max(1) * 4 * np.finfo(np.float32).eps
    assert (np.abs(back - exact).max(1) <= steps / 2 + rounding).all()
    assert (back[0] == 5).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
@pytest.mark.parametrize("scale", [0.01, 6.0, 300.0])
@pytest.mark.parametrize("name", ["top1", "top4", "top28", "draws1", "draws16"])
def test_tckd_loses_nothing_where_the_target_is_kept_apart(
    name: str, scale: float, temperature: float
) -> None:
    logits, batch = asked(100, scale=scale)
    back = again(name, logits, batch, temperature)
    found, exact = (log_odds(each, batch, temperature) for each in (back, logits))
    size = np.abs(logits.double().numpy()).max() / temperature
    np.testing.assert_allclose(found, exact, rtol=0, atol=4e-7 * max(size, 4))
    hit = (torch.arange(100), batch.target)
    assert torch.equal(back[hit], logits[hit])


def test_top_keeps_the_likeliest_and_spreads_what_is_left_evenly() -> None:
    logits, batch = asked(100)
    back = again("top4", logits, batch)
    exact, found = (log_softmax(each.double().numpy() / 4, axis=1) for each in (logits, back))
    rows = np.arange(100)
    exact[rows, batch.target], found[rows, batch.target] = -np.inf, -np.inf
    order = np.argsort(-exact, axis=1)
    top, rest = order[:, :4], order[:, 4:-1]
    kept = np.take_along_axis(exact, top, 1), np.take_along_axis(found, top, 1)
    np.testing.assert_allclose(kept[1], kept[0], atol=0.01)  # half precision of log shares
    left = [np.take_along_axis(each, rest, 1) for each in (exact, found)]
    np.testing.assert_allclose(left[1], left[1][:, :1].repeat(25, 1), atol=1e-5)
    np.testing.assert_allclose(logsumexp(left[1], axis=1), logsumexp(left[0], axis=1), atol=0.01)


def rest_shares(logits: Tensor, target: int, temperature: float) -> Array:
    scaled = logits.double().numpy() / temperature
    scaled[target] = -np.inf
    shares: Array = np.exp(log_softmax(scaled))
    return shares


def test_single_draws_follow_the_shares_of_the_rest() -> None:
    logits, _ = asked(1, scale=3.0)
    count, target = 20_000, 3
    batch = Batch(torch.empty(0), torch.full((count,), target), torch.arange(count), view=2)
    back = again("draws1", logits.expand(count, -1).clone(), batch)
    back[:, target] = -torch.inf
    drawn = np.bincount(back.argmax(1).numpy(), minlength=CLASSES)
    expected = np.delete(rest_shares(logits[0], target, 4.0), target) * count
    assert drawn[target] == 0
    assert chisquare(np.delete(drawn, target), expected).pvalue > 1e-3


def test_each_class_is_drawn_as_often_as_its_share_says_or_once_more_or_less() -> None:
    logits, batch = asked(500)
    back = again("draws16", logits, batch)
    back[torch.arange(500), batch.target] = -torch.inf
    found = 16 * np.exp(log_softmax(back.double().numpy() / 4, axis=1))
    exact = 16 * np.stack(
        [rest_shares(row, int(own), 4.0) for row, own in zip(logits, batch.target, strict=True)]
    )
    assert (np.abs(found - exact) < 1 + 1e-4).all()


def test_the_gradient_of_nckd_under_draws_is_right_on_average() -> None:
    logits, _ = asked(1, scale=4.0)
    student, _ = asked(1, scale=4.0, seed=1)
    count, target = 4000, 3
    batch = Batch(torch.empty(0), torch.full((count,), target), torch.arange(count), view=1)

    def gradient(teacher: Tensor) -> Array:
        own = student.double().expand(len(teacher), -1).clone().requires_grad_()
        target = batch.target[: len(teacher)]
        _, nckd = decoupled_kd(own, teacher.double(), target, temperature=4.0, reduction="sum")
        nckd.backward()
        assert own.grad is not None
        found: Array = own.grad.numpy()
        return found

    exact = gradient(logits)[0]
    drawn = gradient(again("draws5", logits.expand(count, -1).clone(), batch))
    error = drawn.std(0) / np.sqrt(count)
    assert (drawn.std(0) > 0).sum() >= 5  # it does scatter
    assert (np.abs(drawn.mean(0) - exact) <= 4.5 * error + 1e-6).all()


def test_what_is_drawn_depends_on_seed_view_and_picture_alone() -> None:
    logits, batch = asked(64)
    form = make_form("draws4", (CLASSES,), seed=7)
    whole = form.pack(logits, batch)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(3))[:20]
    part = Batch(batch.images, batch.target[order], batch.index[order], view=1)
    torch.rand(3)
    assert form.pack(logits[order], part).tobytes() == whole[order.numpy()].tobytes()
    other = Batch(batch.images, batch.target, batch.index, view=2)
    assert form.pack(logits, other).tobytes() != whole.tobytes()
    assert make_form("draws4", (CLASSES,), seed=8).pack(logits, batch).tobytes() != whole.tobytes()


@pytest.mark.parametrize("name", ["fp32", "fp16", "int8"])
def test_logits_of_pixels_come_back_in_their_shape(name: str) -> None:
    logits = torch.randn(3, 5, 4, 6)
    batch = Batch(torch.empty(0), torch.zeros(3, 4, 6), torch.arange(3))
    back = again(name, logits, batch)
    torch.testing.assert_close(back, logits, atol=0.02, rtol=1e-3)


@pytest.mark.parametrize("name", ["fp64", "top", "top0", "draws", "draws01", "fp3216", "int88", ""])
def test_a_form_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"fp32, fp16, int8, top<k> and draws<k>"):
        make_form(name, (CLASSES,))


def test_a_form_that_cannot_hold_these_logits_says_so() -> None:
    with pytest.raises(ConfigError, match="top29 wants a count of 1 to 28"):
        make_form("top29", (CLASSES,))
    with pytest.raises(ConfigError, match="keep one target a picture"):
        make_form("draws4", (CLASSES, 8, 8))
    logits, batch = asked(4)
    logits[2, 2] = torch.nan
    with pytest.raises(TeacherError, match="must be finite"):
        again("top4", logits, batch)
