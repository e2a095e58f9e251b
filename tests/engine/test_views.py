"""Views through a whole run: a method that sees two at once, and epochs that show two in turn."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from tutelage.config import RunConfig, override
from tutelage.engine import Reporter, run
from tutelage.engine.build import build, complete
from tutelage.engine.loop import Loop
from tutelage.engine.run import make_fabric
from tutelage.errors import ConfigError
from tutelage.methods import Method, methods
from tutelage.record import STUDENT
from tutelage.types import Batch, Output, Progress, Terms


class Glance(Method):
    """Say of the stronger view what the teacher says of the plain one."""

    name = "glance"
    views: ClassVar[int] = 2

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(Method.Config):
        glance_weight: float = 1.0

    config: Config

    def distill(self, student: Output, teacher: Output, batch: Batch, progress: Progress) -> Terms:
        count = len(batch.target)
        assert len(batch.images) == len(student.logits) == len(teacher.logits) == 2 * count
        gap = F.mse_loss(student.logits[count:], teacher.logits[:count])
        return {"glance": self.config.glance_weight * gap}


class Interrupt(Reporter):
    """Stands for a crash after the eighth step."""

    steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == 8:
            raise InterruptedError


@pytest.fixture
def taught(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    methods["dkd"]  # found before anything is added
    monkeypatch.setitem(methods._things, "glance", Glance)
    teacher = run(config)
    options = ["method.name=glance", f"teacher.weights={teacher.path}", "train.batch_size=20"]
    return override(config, [*options, "run.name=undisturbed"])


def test_it_runs_and_a_crash_changes_no_bit(taught: RunConfig) -> None:
    undisturbed = run(taught)
    assert set(undisturbed.rows[-1].terms) == {"ce", "glance"}
    assert undisturbed.rows[-1].teacher_target_probability is not None
    again = override(taught, ["run.name=again"])
    with pytest.raises(InterruptedError):
        run(again, reporter=Interrupt())
    resumed = run(again, resume=True)
    assert [row.terms for row in resumed.rows] == [row.terms for row in undisturbed.rows]
    other = run(override(taught, ["run.name=other", "data.strong_augment=affine"]))
    first, second, third = ((a.path / STUDENT).read_bytes() for a in (undisturbed, resumed, other))
    assert first == second != third


def test_processes_see_the_views_that_one_would_see(taught: RunConfig) -> None:
    whole = replace(taught, teacher=replace(taught.teacher, name="glyph_student"))
    loop = Loop(build(whole, make_fabric(whole)), Path(taught.run.dir), None, Reporter())
    (index,) = loop.plan.epoch(1)[0]
    (both,) = loop.batches([index])
    shares = list(loop.batches([index[rank::2] for rank in range(2)]))
    for rank, share in enumerate(shares):
        for seen, wanted in zip(share.images.split(10), both.images.split(20), strict=True):
            assert torch.equal(seen, wanted[rank::2])
        assert torch.equal(share.target, both.target[rank::2])


def test_accumulated_parts_weigh_as_the_whole_batch(taught: RunConfig) -> None:
    own = Path(taught.run.dir).parent / "flat_net.py"
    own.write_text(
        "from torch import nn\n"
        "def plain(num_classes, channels):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(144 * channels, num_classes))\n"
    )
    options = [f"run.imports=[{json.dumps(str(own))}]", "student.name=flat_net:plain"]
    whole, parts = (
        load_file(run(override(taught, [*options, *more])).path / STUDENT)
        for more in (["run.name=whole"], ["run.name=parts", "train.accumulate=3"])
    )
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-4, atol=1e-5)


def test_two_views_and_mixed_pictures_do_not_go_together(taught: RunConfig) -> None:
    with pytest.raises(ConfigError, match=r"method glance sees several views.*\bdkd\b"):
        complete(override(taught, ["data.mixup=0.2"]))


def test_epochs_show_two_views_in_turn_to_runs_of_every_seed(config: RunConfig) -> None:
    def batch(epoch: int, *options: str) -> Batch:
        told = override(config, ["data.views=2", *options])
        loop = Loop(build(told, make_fabric(told)), Path(config.run.dir), None, Reporter())
        loop.clock.epoch = epoch
        return next(loop.batches([torch.arange(20)]))

    first, second, third = (batch(epoch) for epoch in (1, 2, 3))
    assert [one.view for one in (first, second, third)] == [1, 2, 1]
    assert torch.equal(third.images, first.images)
    assert not torch.equal(second.images, first.images)
    assert torch.equal(batch(1, "train.seed=1").images, first.images)
    # Partners and shares are drawn epoch by epoch, so that no mixture comes again.
    mixtures = [batch(epoch, "data.mixup=0.4") for epoch in (1, 3)]
    assert [one.view for one in mixtures] == [0, 0]
    assert not torch.equal(mixtures[0].images, mixtures[1].images)
