import math
from typing import Literal

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from tutelage.errors import RangeError
from tutelage.methods.vid import LEAST_VARIANCE, VID
from tutelage.types import Batch, Output, Progress

WARM = Progress(epoch=2, epochs=2, step=9, steps_per_epoch=5)
STUDENT = {"logits": (5,), "stage1": (4, 8, 8), "stage2": (6, 4, 4)}
TEACHER = {"logits": (5,), "stage1": (8, 4, 4), "stage2": (3, 4, 4)}


def outputs(batch: int = 2) -> tuple[Output, Output, Batch]:
    generator = torch.Generator().manual_seed(0)

    def draw(shapes: dict[str, tuple[int, ...]]) -> Output:
        drawn = {
            name: torch.randn(batch, *shape, generator=generator, dtype=torch.float64)
            for name, shape in shapes.items()
        }
        return Output(drawn.pop("logits"), drawn)

    one = Batch(torch.zeros(batch, 3, 8, 8), torch.zeros(batch).long(), torch.arange(batch))
    return draw(STUDENT), draw(TEACHER), one


def test_it_is_scipys_gaussian_log_likelihood_without_its_constant() -> None:
    """-log N(t; m(s), v) - log(2 pi) / 2, the mean over a map, the sum over stages."""
    student, teacher, batch = outputs()
    method = VID(VID.Config(vid_weight=3.0, initial_variance=2.0), STUDENT, TEACHER).double()
    expected = 0.0
    for stage, its in enumerate(teacher.stages):
        own = student.stages[stage]
        if stage == 0:  # 8x8 against 4x4
            own = own.reshape(2, 4, 4, 2, 4, 2).mean((3, 5))
        mean = method.regressors[stage](own).detach().numpy()
        likely = stats.norm.logpdf(its.numpy(), loc=mean, scale=math.sqrt(2.0))
        expected += -likely.mean() - math.log(2 * math.pi) / 2
    loss = method.distill(student, teacher, batch, WARM)["vid"]
    assert float(loss.detach()) == pytest.approx(3 * expected, rel=1e-6)


def test_a_variance_is_learned_until_it_is_the_mean_squared_error_of_its_channel() -> None:
    """The maximum of a Gaussian likelihood: there, and not before, its gradient is 0."""
    student, teacher, batch = outputs()
    method = VID(VID.Config(), STUDENT, TEACHER).double()
    error = (method.regressors[1](student.stages[1]) - teacher.stages[1]) ** 2
    best = (error.mean((0, 2, 3)) - LEAST_VARIANCE).detach()

    def slope(variance: Tensor) -> Tensor:
        method.raw_variances[1].data = variance.expm1().log()  # undoes softplus
        loss = method.distill(student, teacher, batch, WARM)["vid"]
        (gradient,) = torch.autograd.grad(loss, [method.raw_variances[1]])
        return gradient

    torch.testing.assert_close(slope(best), torch.zeros_like(best))
    assert (slope(best / 2) < -1e-3).all()
    assert (slope(best * 2) > 1e-3).all()


@pytest.mark.parametrize(("fidelity", "trained"), [("paper", True), ("mdistiller", False)])
def test_only_mdistillers_variance_is_constant(
    fidelity: Literal["paper", "mdistiller"], trained: bool
) -> None:
    method = VID(VID.Config(fidelity=fidelity), STUDENT, TEACHER).double()
    method.distill(*outputs(), WARM)["vid"].backward()
    variances = list(method.raw_variances)
    assert [each.grad is not None for each in variances] == [trained] * 2
    for each in variances:
        torch.testing.assert_close(
            F.softplus(each.detach()) + LEAST_VARIANCE, torch.full_like(each.detach(), 5.0)
        )


def test_a_variance_that_nothing_can_reach_is_refused() -> None:
    with pytest.raises(RangeError, match="initial_variance wants a number above 1e-05, got 0"):
        VID.Config(initial_variance=0.0)
