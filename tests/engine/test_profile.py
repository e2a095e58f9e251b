"""A profile takes a run's real steps, tells where their time goes, and leaves nothing behind."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tutelage.config import RunConfig, override
from tutelage.engine.build import build
from tutelage.engine.loop import Loop, unrecorded
from tutelage.engine.pace import forward_flops
from tutelage.engine.profile import profile
from tutelage.engine.report import Reporter
from tutelage.engine.run import make_fabric, prepare
from tutelage.engine.stopwatch import Stopwatch
from tutelage.losses import _compiled
from tutelage.models import build as build_network

TAUGHT = ["method.name=dkd", "teacher.name=glyph_teacher"]
CACHED = "teacher.cache=auto data.views=4"
STAGES = ["data", "teacher", "student", "loss", "backward", "clipping", "optimizer", "rest"]


@pytest.mark.parametrize(
    ("name", "channels", "size", "billions"),
    # Multiplications and additions of one picture, by torch.utils.flop_counter of the same network;
    # the first is Table 1 of He et al. 2016 (arXiv:1512.03385): 1.8 billion, counted as one.
    [("torchvision/resnet18", 3, 224, 2 * 1.8), ("resnet56", 3, 32, 0.25)],
)
def test_the_arithmetic_of_a_network_is_the_published_one(
    name: str, channels: int, size: int, billions: float
) -> None:
    network = build_network(name, num_classes=1000 if size == 224 else 10)
    found = forward_flops(network, (channels, size, size))
    assert found / 1e9 == pytest.approx(billions, rel=0.02)


def test_the_arithmetic_is_what_torch_counts_itself() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    network = build_network("shufflenetv1", num_classes=10).eval()
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    assert forward_flops(network, (3, 32, 32)) == counted.get_total_flops()


def test_the_stages_make_up_the_whole_and_the_run_folder_stays_away(
    config: RunConfig, tmp_path: Path
) -> None:
    before = torch.get_rng_state()
    found = profile(override(config, TAUGHT), steps=4)
    assert torch.equal(torch.get_rng_state(), before)
    assert not (tmp_path / "runs").exists()
    assert [stage.name for stage in found.stages] == STAGES
    assert sum(stage.share for stage in found.stages) == pytest.approx(1)
    assert found.steps == 4
    assert found.images_per_second == pytest.approx(32000 / found.milliseconds.median)
    assert "a fresh one stands in" in found.notes[0]
    assert "5 of its 5 batch norms are folded" in found.notes[1]
    assert (found.precision, found.channels_last) == ("32-true", True)


def test_losses_that_could_be_quicker_are_told_with_the_reason(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_compiled, "_library", lambda: (None, "there is no C compiler"))
    found = profile(override(config, TAUGHT), steps=2)
    assert found.notes[-1].endswith("computed by torch: there is no C compiler.")


def test_labels_alone_have_no_teacher_and_no_cache_to_recommend(config: RunConfig) -> None:
    found = profile(config, steps=2)
    teacher = next(stage for stage in found.stages if stage.name == "teacher")
    assert teacher.share < 0.05
    assert not [hint for hint in found.hints if "cache" in hint.change]


class _Slow(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(144, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        time.sleep(0.03)
        logits: torch.Tensor = self.linear(images.flatten(1))
        return logits


def test_a_slow_teacher_is_told_and_its_cache_recommended(
    config: RunConfig, own_network: Callable[[Callable[..., nn.Module]], str]
) -> None:
    slow = override(config, ["method.name=kd", f"teacher.name={own_network(_Slow)}"])
    found = profile(slow, steps=3)
    teacher = next(stage for stage in found.stages if stage.name == "teacher")
    assert teacher.milliseconds.low >= 30
    hint = next(hint for hint in found.hints if hint.change == CACHED)
    assert hint.times == pytest.approx(1 / (1 - teacher.share))
    tapped = profile(override(slow, ["method.name=rkd"]), steps=2)
    assert not [hint for hint in tapped.hints if "cache" in hint.change]


def test_a_step_that_is_timed_is_the_same_step(config: RunConfig) -> None:
    taught = prepare(override(config, TAUGHT))
    weights = []
    for timed in (False, True):
        loop = unrecorded(taught, make_fabric(taught))
        if timed:
            loop.room = replace(loop.room, stage=Stopwatch(loop.fabric.device))
        assert sum(loop.trial(10)) == 7 * 32 + 16 + 2 * 32  # 240 pictures, then the next epoch
        weights.append(loop.built.network.state_dict())
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


def test_a_trial_is_what_the_run_would_do(config: RunConfig, tmp_path: Path) -> None:
    fabric = make_fabric(config)
    ran, tried = (
        Loop(build(config, fabric), tmp_path, None, Reporter()),
        unrecorded(config, fabric),
    )
    ran.run()
    assert len([*tried.trial(2 * tried.plan.steps)]) == 16
    own, its = (one.built.network.state_dict() for one in (ran, tried))
    assert all(torch.equal(tensor, its[name]) for name, tensor in own.items())
