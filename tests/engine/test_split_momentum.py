"""A momentum for each kind of loss term: DOT and DeepKD."""

import math
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from tutelage.config import RunConfig, override
from tutelage.engine import run
from tutelage.engine.build import build
from tutelage.engine.run import make_fabric
from tutelage.engine.split_momentum import SIGNS, SplitMomentum
from tutelage.errors import ConfigError
from tutelage.record import STUDENT

LR, MOMENTUM, DECAY = 0.02, 0.8, 0.01


def losses(weight: Tensor) -> dict[str, Tensor]:
    return {
        "ce": weight.square().sum(),
        "dkd/tckd": (weight - 1).square().sum(),
        "nckd": weight.cos().sum(),
    }


def one_step(optimizer: SplitMomentum, terms: dict[str, Tensor]) -> None:
    optimizer.zero_grad()
    for kind, parcel in optimizer.parcels(terms).items():
        torch.stack([*parcel.values()]).sum().backward(retain_graph=True)
        optimizer.put_aside(kind)
    optimizer.join(lambda gradient: gradient)
    optimizer.step()


def made(name: str, delta: float, *parameters: nn.Parameter) -> SplitMomentum:
    return SplitMomentum(
        parameters, SIGNS[name], lr=LR, momentum=MOMENTUM, delta=delta, weight_decay=DECAY
    )


def fresh(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))


@pytest.mark.parametrize("name", ["dot", "deepkd"])
def test_without_a_delta_it_is_sgd(name: str) -> None:
    ours, theirs = fresh(0.3, -0.7), fresh(0.3, -0.7)
    split = made(name, 0.0, ours)
    plain = torch.optim.SGD([theirs], lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    for _ in range(20):
        one_step(split, losses(ours))
        plain.zero_grad()
        torch.stack([*losses(theirs).values()]).sum().backward()
        plain.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("name", "momenta"),
    [("dot", (0.7, 0.9, 0.9)), ("deepkd", (0.9, 0.7, 0.9))],
)
def test_each_kind_of_term_has_its_own_momentum(
    name: str, momenta: tuple[float, float, float]
) -> None:
    """The recursion written out in plain numbers, its derivatives by hand."""
    weight = fresh(0.3)
    optimizer = made(name, 0.1, weight)
    theta, velocities = 0.3, [0.0, 0.0, 0.0]
    for _ in range(10):
        one_step(optimizer, losses(weight))
        gradients = (2 * theta + DECAY * theta, 2 * (theta - 1), -math.sin(theta))
        velocities = [m * v + g for m, v, g in zip(momenta, velocities, gradients, strict=True)]
        theta -= LR * sum(velocities)
        assert float(weight.detach()) == pytest.approx(theta, rel=1e-12)


def test_what_terms_of_one_kind_alone_move_has_plain_momentum() -> None:
    both, alone, theirs = fresh(0.3), fresh(0.5), fresh(0.5)
    optimizer = made("dot", 0.15, both, alone)
    plain = torch.optim.SGD([theirs], lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    for _ in range(5):
        terms = {"ce": both.square().sum(), "kd": both.sin().sum() + alone.pow(4).sum()}
        one_step(optimizer, terms)
        plain.zero_grad()
        theirs.pow(4).sum().backward()
        plain.step()
    torch.testing.assert_close(alone, theirs, rtol=1e-12, atol=0)


def test_the_velocities_are_saved_and_loaded() -> None:
    one, other = fresh(0.3, 0.2), fresh(0.3, 0.2)
    first, second = made("deepkd", 0.1, one), made("deepkd", 0.1, other)
    one_step(first, losses(one))
    other.data = one.detach().clone()
    second.load_state_dict(deepcopy(first.state_dict()))
    one_step(first, losses(one))
    one_step(second, losses(other))
    assert torch.equal(one, other)


def test_a_kind_without_a_term_is_told() -> None:
    weight = fresh(1.0)
    with pytest.raises(ConfigError, match="has ce, kd, none of tckd"):
        made("deepkd", 0.1, weight).parcels({"ce": weight.sum(), "kd": weight.sum()})


@pytest.fixture
def taught(config: RunConfig) -> RunConfig:
    """One epoch of a DKD run whose teacher is there."""
    teacher = run(config)
    return override(
        config, ["method.name=dkd", "train.epochs=1", f"teacher.weights={teacher.path}"]
    )


def weights(config: RunConfig, *options: str) -> dict[str, Tensor]:
    return load_file(run(override(config, options)).path / STUDENT)


def assert_near(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("clip_norm", [0.0, 0.5])
def test_a_run_without_a_delta_is_one_by_sgd(taught: RunConfig, clip_norm: float) -> None:
    clip = f"train.clip_norm={clip_norm}"
    plain = run(override(taught, [clip]))
    split = run(override(taught, [clip, "optimizer.name=deepkd", "optimizer.delta=0"]))
    assert_near(load_file(plain.path / STUDENT), load_file(split.path / STUDENT))
    for one, other in zip(plain.rows, split.rows, strict=True):
        assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=1e-2)


def test_a_delta_changes_the_run_and_bfloat16_hardly_does(taught: RunConfig) -> None:
    plain = weights(taught)
    wide = weights(taught, "optimizer.name=dot")
    narrow = weights(taught, "optimizer.name=dot", "train.precision=bf16-mixed")
    apart = max(float((wide[name] - plain[name]).abs().max()) for name in plain)
    rounded = max(float((wide[name] - narrow[name]).abs().max()) for name in plain)
    assert apart > 1e-3
    assert rounded < 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["optimizer.name=dot"], "method ce has the labels' alone; set optimizer.name=sgd"),
        (["optimizer.name=dot", "optimizer.momentum=0.95"], "momentum \\+ delta below 1"),
        (["optimizer.name=dot", "optimizer.nesterov=true"], "optimizer.nesterov"),
        (["optimizer.name=dot", "train.precision=16-mixed"], "gradient scaler"),
        (["optimizer.name=dot", "train.compile=true"], "one backward pass a step"),
    ],
)
def test_what_it_cannot_do_is_told_before_a_folder_is_made(
    config: RunConfig, options: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(override(config, options))
    assert not Path(config.run.dir).exists()


def test_a_strategy_that_shards_is_refused(
    config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric = make_fabric(config)
    monkeypatch.setattr(type(fabric), "strategy", property(lambda _: object()))
    options = ["method.name=dkd", "teacher.name=glyph_teacher", "optimizer.name=dot"]
    with pytest.raises(ConfigError, match="several backward passes"):
        build(override(config, options), fabric)
