import pytest
import torch

from tutelage import Distiller
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.methods.dkd import DKD
from tutelage.methods.kd import KD
from tutelage.types import Batch, Output, Progress

SHAPES = {"logits": (10,)}
EARLY = Progress(epoch=1, epochs=240, step=0, steps_per_epoch=10)


def pair() -> tuple[Output, Output, Batch]:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        Output(3 * torch.randn(16, 10, generator=generator, dtype=torch.float64)) for _ in range(2)
    )
    target = torch.randint(10, (16,), generator=generator)
    return student, teacher, Batch(torch.zeros(16, 1, 1, 1), target, torch.arange(16))


def test_fully_coupled_it_is_kd_of_the_same_weight() -> None:
    """KD = TCKD + (1 - p_t) NCKD, Eq. 6 of the paper, sample by sample."""
    student, teacher, batch = pair()
    coupled = DKD(DKD.Config(alpha=3, beta=3, coupling=1, warmup_epochs=0), SHAPES, SHAPES)
    plain = KD(KD.Config(ce_weight=1, kd_weight=3), SHAPES, SHAPES)
    ours = coupled.terms(student, teacher, batch, EARLY)
    theirs = plain.terms(student, teacher, batch, EARLY)
    torch.testing.assert_close(ours["tckd"] + ours["nckd"], theirs["kd"], rtol=1e-12, atol=0)
    assert coupled.config.matched_kd_weight == plain.config.matched_kd_weight == 3


def test_two_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least three classes, got 2"):
        DKD(DKD.Config(), {"logits": (2,)}, {"logits": (2,)})


def test_student_and_teacher_must_score_the_same_classes() -> None:
    student, teacher = (
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, n)) for n in (5, 6)
    )
    with pytest.raises(ConfigError, match="the student has 5, the teacher 6"):
        Distiller(student, teacher, "kd", image_shape=(1, 2, 2))


def test_a_distiller_is_fully_warm_unless_it_is_told_the_progress() -> None:
    torch.manual_seed(0)
    student, teacher = (
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 5)) for _ in range(2)
    )
    distiller = Distiller(student, teacher, "dkd", image_shape=(1, 2, 2))
    batch = torch.randn(8, 1, 2, 2), torch.randint(5, (8,))
    late = distiller(*batch, Progress(epoch=21, epochs=40, step=200, steps_per_epoch=10))
    assert distiller(*batch) == late


@pytest.mark.parametrize("name", list(methods))
def test_numbers_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        methods[name].Config(ce_weight=-1.0)


def test_the_official_warm_up_is_a_twentieth_in_the_first_epoch_and_whole_in_the_twentieth() -> (
    None
):
    student, teacher, batch = pair()
    method = DKD(DKD.Config(fidelity="mdistiller"), SHAPES, SHAPES)
    tckd = [
        float(method.terms(student, teacher, batch, Progress(epoch, 240, 0, 10, True))["tckd"])
        for epoch in (1, 19, 20, 21)
    ]
    assert [value / tckd[-1] for value in tckd] == pytest.approx([0.05, 0.95, 1.0, 1.0])
