import numpy as np
import pytest
import torch
from scipy.special import rel_entr, softmax
from torch import Tensor

from tutelage.errors import ConfigError
from tutelage.losses import refined_kd
from tutelage.methods.dkd import DKD
from tutelage.methods.rld import RLD
from tutelage.types import Batch, Output, Progress

SHAPES = {"logits": (100,)}
LATE = Progress(epoch=21, epochs=240, step=209, steps_per_epoch=10)


def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        4 * torch.randn(32, 100, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return student, teacher


def test_where_the_teacher_is_right_it_is_dkd() -> None:
    student, teacher = pair()
    batch = Batch(torch.zeros(32, 1, 1, 1), teacher.argmax(1), torch.arange(32))
    methods = RLD(RLD.Config(), SHAPES, SHAPES), DKD(DKD.Config(), SHAPES, SHAPES)
    rld, dkd = (one.terms(Output(student), Output(teacher), batch, LATE) for one in methods)
    # Two ways to one number: the last bit depends on the vector width of the processor.
    torch.testing.assert_close(rld["scd"], dkd["tckd"], rtol=1e-14, atol=0)
    torch.testing.assert_close(rld["mcd"], dkd["nckd"], rtol=1e-14, atol=0)


def test_where_the_teacher_is_wrong_it_is_the_papers_formula_class_by_class() -> None:
    student, teacher = pair()
    labels = teacher.argsort(1)[torch.arange(32), torch.arange(32) * 3]  # ranks 0 to 93 of 99
    scd, mcd = refined_kd(student, teacher, labels, temperature=2.0, reduction="none")
    for row, label in enumerate(labels.tolist()):
        z_q, z_p = student[row].numpy() / 2, teacher[row].numpy() / 2
        sure_q, sure_p = softmax(z_q)[label], softmax(z_p).max()
        wanted = 4 * rel_entr([sure_p, 1 - sure_p], [sure_q, 1 - sure_q]).sum()
        assert float(scd[row]) == pytest.approx(wanted, rel=1e-10)
        below = np.flatnonzero(z_p < z_p[label])
        wanted = 4 * rel_entr(softmax(z_p[below]), softmax(z_q[below])).sum() if row else 0.0
        assert float(mcd[row]) == pytest.approx(wanted, rel=1e-10)


def test_what_the_teacher_ranks_above_the_label_is_not_heard() -> None:
    student = torch.randn(1, 10, requires_grad=True)
    teacher = torch.arange(10.0)[None]
    (gradient,) = torch.autograd.grad(refined_kd(student, teacher, torch.tensor([6]))[1], student)
    assert not gradient[0, 6:].any()
    assert gradient[0, :6].all()


def test_two_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="rld needs at least three classes, got 2"):
        RLD(RLD.Config(), {"logits": (2,)}, {"logits": (2,)})
