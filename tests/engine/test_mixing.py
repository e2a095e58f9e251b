"""A run on mixed pictures: what the terms are of them, and which methods cannot have them."""

import math
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.config import RunConfig, override
from tutelage.engine import Reporter, run
from tutelage.engine.build import build, complete
from tutelage.engine.loop import Loop
from tutelage.engine.run import make_fabric
from tutelage.engine.step import step
from tutelage.engine.watch import Watch
from tutelage.errors import ConfigError
from tutelage.methods import methods
from tutelage.methods.kd import KD
from tutelage.types import Batch, Output, Progress

MIXING = ["data.mixup=0.4", "data.cutmix=1.0"]
WARM = Progress(epoch=50, epochs=50, step=490, steps_per_epoch=10)


def first_batch(config: RunConfig) -> tuple[Loop, Batch]:
    """Return the first batch of a run, as its networks get it."""
    loop = Loop(build(config, make_fabric(config)), Path(config.run.dir), None, Reporter())
    return loop, next(loop.batches(loop.plan.epoch(1)[0]))


def two_labels(classes: int, batch: Batch) -> Tensor:
    """Return the mixed labels as probabilities ``[B, C]``."""
    assert batch.second is not None
    assert batch.share is not None
    first, second = (F.one_hot(label, classes).double() for label in (batch.target, batch.second))
    return batch.share.double()[:, None] * first + (1 - batch.share.double()[:, None]) * second


def test_the_terms_of_dkd_and_kd_are_those_of_two_targets(config: RunConfig) -> None:
    options = [*MIXING, "method.name=dkd", "method.label_smoothing=0.1"]
    loop, batch = first_batch(override(config, [*options, "teacher.name=glyph_teacher"]))
    generator = torch.Generator().manual_seed(0)
    count, classes, heat = len(batch.target), 5, 4.0
    logits = 3 * torch.randn(2, count, classes, generator=generator, dtype=torch.float64)
    student, teacher = map(Output, logits)
    terms = loop.room.method.terms(student, teacher, batch, WARM)

    labels = 0.9 * two_labels(classes, batch) + 0.1 / classes
    ce = -(labels * logits[0].log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(terms["ce"], ce, rtol=1e-6, atol=1e-6)

    q, p = (logits / heat).softmax(2)
    named = two_labels(classes, batch) > 0  # [B, C]: the one or two targets
    tckd = nckd = kd = 0.0
    for row in range(count):
        parts = [[c] for c in range(classes) if named[row, c]]
        parts.append([c for c in range(classes) if not named[row, c]])
        for part in parts:
            mass_p, mass_q = float(p[row, part].sum()), float(q[row, part].sum())
            tckd += mass_p * math.log(mass_p / mass_q)
        for c in parts[-1]:
            share_p, share_q = float(p[row, c]) / mass_p, float(q[row, c]) / mass_q
            nckd += share_p * math.log(share_p / share_q)
        kd += sum(float(p[row, c]) * math.log(p[row, c] / q[row, c]) for c in range(classes))
    scale = heat**2 / count
    assert float(terms["tckd"]) == pytest.approx(scale * tckd)
    assert float(terms["nckd"]) == pytest.approx(8 * scale * nckd)

    plain = KD(KD.Config(), {"logits": (classes,)}, {"logits": (classes,)})
    found = plain.terms(student, teacher, batch, WARM)
    assert float(found["kd"]) == pytest.approx(0.9 * scale * kd)


def test_only_training_pictures_are_mixed_and_both_networks_get_the_same(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    whole = Watch.__call__

    def call(self: Watch, images: Tensor) -> Output:
        seen.append(images)
        return whole(self, images)

    teacher = run(config)
    taught = override(config, [*MIXING, "method.name=dkd", f"teacher.weights={teacher.path}"])
    built = build(override(taught, ["teacher.name=glyph_student"]), make_fabric(taught))
    loop = Loop(built, Path(config.run.dir), None, Reporter())
    monkeypatch.setattr(Watch, "__call__", call)
    step(built.room, loop.batches(loop.plan.epoch(1)[0]), 32, WARM, observe=True)
    assert len(seen) == 2
    assert torch.equal(*seen)
    assert built.data.validation is not None
    loop.read(built.room.student, built.data.validation)
    plain = built.data.validation.batches([torch.arange(60)], augment=False, seed=0, epoch=0)
    assert torch.equal(seen[2], next(plain).images)


@pytest.mark.parametrize(("limit", "size"), [(41, 7), (4, 2)])
def test_it_runs_on_odd_batches_and_on_batches_of_two(
    config: RunConfig, limit: int, size: int
) -> None:
    options = [f"data.limit={limit}", f"train.batch_size={size}", "train.record_every=1"]
    done = run(override(config, [*MIXING, *options]))
    assert len(done.rows) == 2 * (limit // size + (limit % size > 1))
    assert all(math.isfinite(row.loss) for row in done.rows)


def test_a_method_of_one_label_is_refused_and_others_are_named(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hard(KD):
        name = "hard"
        mixes: ClassVar[bool] = False

    methods["dkd"]  # found before anything is added
    monkeypatch.setitem(methods._things, "hard", Hard)
    with pytest.raises(ConfigError, match=r"method hard wants one label.*choose.*\bdkd\b"):
        complete(override(config, [*MIXING, "method.name=hard"]))
    with pytest.raises(ConfigError, match=r"method dkd\+hard wants one label"):
        complete(override(config, [*MIXING, "method.name=dkd+hard"]))
    assert complete(override(config, ["method.name=hard"])).method.name == "hard"
