import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from tutelage.losses import margin_distance, negative_responses
from tutelage.methods.ofd import OFD
from tutelage.types import Batch, Output, Progress

WARM = Progress(epoch=2, epochs=2, step=9, steps_per_epoch=5)
MEAN, DEVIATION = (0.5, -1.0, 0.0, 2.0), (1.0, 0.5, 2.0, 1.5)


def gaussian(seed: int, batch: int = 16) -> Tensor:
    noise = torch.randn(batch, 4, 32, 32, generator=torch.Generator().manual_seed(seed))
    return noise * torch.tensor(DEVIATION)[:, None, None] + torch.tensor(MEAN)[:, None, None]


def output(preactivation: Tensor) -> Output:
    return Output(torch.zeros(len(preactivation), 3), {"preactivation1": preactivation})


def batch(size: int) -> Batch:
    return Batch(torch.zeros(size, 3, 8, 8), torch.zeros(size).long(), torch.arange(size))


def test_of_gaussian_responses_the_accumulated_margin_is_the_truncated_normals_mean() -> None:
    """What the official code computes from batch norm's bias and weight."""
    shapes = {"logits": (3,), "preactivation1": (4, 32, 32)}
    method = OFD(OFD.Config(), shapes, shapes)
    for seed in range(6):
        responses = gaussian(seed)
        method.distill(output(responses), output(responses), batch(16), WARM)
        method.learn(method.noticed())
    margin = method.get_buffer("sum1") / method.get_buffer("count1")
    for channel, (mean, deviation) in enumerate(zip(MEAN, DEVIATION, strict=True)):
        normal = stats.truncnorm(-float("inf"), -mean / deviation, loc=mean, scale=deviation)
        assert float(margin[channel]) == pytest.approx(normal.mean(), rel=0.02)


def test_learned_in_two_processes_the_margin_is_that_of_all_pictures() -> None:
    responses = gaussian(0)
    shapes = {"logits": (3,), "preactivation1": (4, 32, 32)}
    whole, dealt = (OFD(OFD.Config(), shapes, shapes) for _ in range(2))
    whole.distill(output(responses), output(responses), batch(16), WARM)
    whole.learn(whole.noticed())
    for part in responses.split([10, 6]):  # each process notices its own; all learn of both
        dealt.distill(output(part), output(part), batch(len(part)), WARM)
    dealt.learn(dealt.noticed())
    total, count = negative_responses(responses)
    for method in (whole, dealt):
        torch.testing.assert_close(method.get_buffer("sum1"), total)
        torch.testing.assert_close(method.get_buffer("count1"), count)


def test_the_distance_is_the_papers_written_case_by_case() -> None:
    """d_p(T, S) = 0 where S <= T <= 0, else (T - S)^2, with T = max(t, m)."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    margin = torch.tensor([-0.5, -0.1, 0.0], dtype=torch.float64)
    expected = 0.0
    for (_, channel, *_), own, its in zip(
        torch.cartesian_prod(*map(torch.arange, student.shape)).tolist(),
        student.flatten().tolist(),
        teacher.flatten().tolist(),
        strict=True,
    ):
        target = max(its, float(margin[channel]))
        if not own <= target <= 0:
            expected += (target - own) ** 2
    assert float(margin_distance(student, teacher, margin)) == pytest.approx(expected / 2)


def test_a_stage_weighs_half_of_the_next() -> None:
    shapes = {"logits": (3,), "preactivation1": (2, 4, 4), "preactivation2": (2, 4, 4)}
    method = OFD(OFD.Config(ofd_weight=1.0), shapes, shapes)
    method.connectors = nn.ModuleList([nn.Identity(), nn.Identity()])
    one, zero = torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)

    def loss(first: Tensor, second: Tensor) -> float:
        teacher = Output(torch.zeros(1, 3), {"preactivation1": first, "preactivation2": second})
        student = Output(torch.zeros(1, 3), {"preactivation1": zero, "preactivation2": zero})
        return float(method.distill(student, teacher, batch(1), WARM)["ofd"])

    assert (loss(one, zero), loss(zero, one)) == (16.0, 32.0)
