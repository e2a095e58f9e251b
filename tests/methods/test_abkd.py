import pytest
import torch

from tutelage.methods.abkd import ABKD
from tutelage.methods.kd import KD
from tutelage.types import Batch, Output, Progress

SHAPES = {"logits": (10,)}
LATE = Progress(epoch=240, epochs=240, step=2399, steps_per_epoch=10)


def test_with_forward_kl_it_is_kd_of_the_weight_it_is_matched_by() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        Output(3 * torch.randn(16, 10, generator=generator, dtype=torch.float64)) for _ in range(2)
    )
    batch = Batch(torch.zeros(16, 1, 1, 1), torch.zeros(16, dtype=torch.long), torch.arange(16))
    config = ABKD.Config(alpha=1, beta=0, temperature=3)
    assert config.matched_kd_weight == pytest.approx(32 / 9)
    kd = KD.Config(ce_weight=1, kd_weight=config.matched_kd_weight, temperature=3)
    ours = ABKD(config, SHAPES, SHAPES).terms(student, teacher, batch, LATE)
    theirs = KD(kd, SHAPES, SHAPES).terms(student, teacher, batch, LATE)
    torch.testing.assert_close(ours["abkd"], theirs["kd"], rtol=1e-12, atol=0)
