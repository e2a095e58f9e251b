import torch
from scipy.stats import zscore
from torch import Tensor

from tutelage.losses import kd_loss
from tutelage.methods.lskd import LSKD
from tutelage.types import Batch, Output, Progress

EARLY = Progress(epoch=1, epochs=240, step=0, steps_per_epoch=10)


def loss(student: Tensor, teacher: Tensor) -> Tensor:
    shapes = {"logits": student.shape[1:]}
    batch = Batch(
        torch.zeros(len(student), 1, 1, 1),
        torch.zeros(len(student), dtype=torch.int64),
        torch.arange(len(student)),
    )
    method = LSKD(LSKD.Config(), shapes, shapes)
    return method.terms(Output(student), Output(teacher), batch, EARLY)["kd"]


def test_it_is_nine_times_kd_of_scipys_z_scores_at_temperature_2() -> None:
    student, teacher = (4 * torch.randn(32, 100, dtype=torch.float64) for _ in range(2))
    scores = (torch.from_numpy(zscore(z.numpy(), axis=1, ddof=1)) for z in (student, teacher))
    wanted = 9 * kd_loss(*scores, temperature=2.0)
    torch.testing.assert_close(loss(student, teacher), wanted, rtol=1e-12, atol=0)


def test_it_leaves_the_scale_and_the_offset_of_the_student_free() -> None:
    student, teacher = (4 * torch.randn(32, 100, dtype=torch.float64) for _ in range(2))
    torch.testing.assert_close(loss(30 * student - 7, teacher), loss(student, teacher))


def test_of_two_classes_only_the_order_is_left() -> None:
    student = torch.tensor([[0.1, 0.0], [0.0, 9.0]], dtype=torch.float64)
    teacher = torch.tensor([[9.0, 0.0], [0.0, 0.2]], dtype=torch.float64)
    torch.testing.assert_close(loss(student, teacher), torch.zeros((), dtype=torch.float64))
