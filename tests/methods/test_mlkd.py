import numpy as np
import torch
from torch import Tensor

from tutelage.losses import kd_loss
from tutelage.methods.mlkd import MLKD
from tutelage.types import Batch, Output, Progress, Terms

SHAPES = {"logits": (6,)}
LATE = Progress(epoch=240, epochs=240, step=2399, steps_per_epoch=10)
TARGET = torch.tensor([0, 1, 1, 5, 0, 1, 3])


def logits(seed: int) -> Tensor:
    """Two views of seven pictures."""
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(14, 6, generator=generator, dtype=torch.float64)


def terms(student: Tensor, teacher: Tensor) -> Terms:
    batch = Batch(torch.zeros(14, 1, 1, 1), TARGET, torch.arange(7))
    method = MLKD(MLKD.Config(temperatures=(4.0,)), SHAPES, SHAPES)
    return method.terms(Output(student), Output(teacher), batch, LATE)


def test_of_the_ordinary_view_the_less_sure_half_counts_and_of_the_strong_one_all() -> None:
    student, teacher = logits(0), logits(1)
    said = terms(student, teacher)["instance"]
    kl = kd_loss(student, teacher, temperature=4.0, reduction="none")
    sure = teacher.softmax(1).amax(1)[:7].numpy()
    chosen = sure <= np.percentile(sure, 50)
    assert chosen.sum() == 4
    wanted = 0.9 * (kl[:7][torch.from_numpy(chosen)].sum() / 7 + kl[7:].mean())
    torch.testing.assert_close(said, wanted)


def test_each_level_hears_of_both_views() -> None:
    """The official code drops the strong view's terms between pictures and between classes."""
    student, teacher = logits(0), logits(1)
    for view in (slice(0, 7), slice(7, 14)):
        agreeing = teacher.clone()
        agreeing[view] = student[view]
        for level, value in terms(agreeing, teacher).items():
            assert level == "ce" or value > 1e-3


def test_labels_are_asked_of_both_views() -> None:
    student = logits(0)
    wanted = 0.2 * torch.nn.functional.cross_entropy(student, TARGET.repeat(2))
    torch.testing.assert_close(terms(student, logits(1))["ce"], wanted)
