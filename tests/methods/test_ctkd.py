import math

import pytest
import torch
from torch import Tensor

from tutelage.errors import RangeError
from tutelage.losses import adversarial_kd, kd_loss
from tutelage.methods.ctkd import CTKD
from tutelage.types import Batch, Output, Progress

SHAPES = {"logits": (10,)}
LATE = Progress(epoch=240, epochs=240, step=2399, steps_per_epoch=10)


def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        5 * torch.randn(16, 10, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return student.requires_grad_(), teacher


def kd_gradient(method: CTKD, progress: Progress) -> tuple[Tensor, Tensor]:
    student, teacher = pair()
    batch = Batch(torch.zeros(16, 1, 1, 1), torch.arange(16) % 10, torch.arange(16))
    term = method.terms(Output(student), Output(teacher), batch, progress)["kd"]
    of_student, of_theta = torch.autograd.grad(term, (student, method.theta))
    return of_student, of_theta


def test_the_student_descends_kd_at_this_temperature_and_theta_ascends_it() -> None:
    """Theta's gradient against a difference quotient: through both softmaxes and the square."""
    student, teacher = pair()
    method = CTKD(CTKD.Config(kd_weight=2), SHAPES, SHAPES).double()

    def loss(theta: float) -> Tensor:
        temperature = 1 + 20 / (1 + math.exp(-theta))
        return 2 * kd_loss(student, teacher, temperature=temperature)

    of_student, of_theta = kd_gradient(method, LATE)
    torch.testing.assert_close(of_student, torch.autograd.grad(loss(1.0), student)[0])
    slope = float((loss(1 + 1e-5) - loss(1 - 1e-5)).detach()) / 2e-5
    assert slope != 0
    assert float(of_theta) == pytest.approx(-slope, rel=1e-6)
    with torch.no_grad():  # one step down its own gradient makes the task harder
        before = float(loss(float(method.theta)))
        method.theta.sub_(0.1 * of_theta.sign())
        assert float(loss(float(method.theta))) > before


def test_the_value_is_kd_at_the_learned_temperature_whatever_the_reversal() -> None:
    student, teacher = pair()
    for strength in (0.0, 0.3, 1.0):
        loss = adversarial_kd(student, teacher, torch.tensor(3.7).double(), strength=strength)
        torch.testing.assert_close(
            loss, kd_loss(student, teacher, temperature=3.7), rtol=1e-6, atol=0
        )


def test_the_reversal_grows_by_a_cosine_over_ten_epochs() -> None:
    method = CTKD(CTKD.Config(), SHAPES, SHAPES).double()
    whole = kd_gradient(method, LATE)[1]
    for epoch, share in [(1, (1 - math.cos(0.1 * math.pi)) / 2), (5, 0.5), (10, 1.0), (11, 1.0)]:
        found = kd_gradient(method, Progress(epoch, 240, 0, 10, by_epoch=True))[1]
        torch.testing.assert_close(found, share * whole)


def test_it_reports_the_temperature_it_has_learned() -> None:
    method = CTKD(CTKD.Config(), SHAPES, SHAPES)
    assert method.temperature == pytest.approx(1 + 20 / (1 + math.exp(-1)))
    with torch.no_grad():
        method.theta.fill_(-100)
    assert method.temperature == pytest.approx(1)
    assert dict(method.named_parameters()).keys() == {"theta"}


def test_a_lowest_temperature_of_0_is_refused() -> None:
    with pytest.raises(RangeError, match="temperature_start wants a number above 0"):
        CTKD(CTKD.Config(temperature_start=0), SHAPES, SHAPES)
