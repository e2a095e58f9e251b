"""Sums of methods: the terms of each, by name, with weights."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tutelage import Distiller
from tutelage.config import check, dumps, loads, override, with_method_options
from tutelage.errors import ConfigError
from tutelage.lab import make_arms
from tutelage.methods import methods
from tutelage.types import Progress

LATE = Progress(epoch=50, epochs=50, step=490, steps_per_epoch=10)


def terms(method: str, progress: Progress = LATE, **options: Any) -> dict[str, Tensor]:
    torch.manual_seed(0)
    student, teacher = (nn.Sequential(nn.Flatten(), nn.Linear(12, 7)) for _ in range(2))
    distiller = Distiller(student, teacher, method, image_shape=(3, 2, 2), **options)
    told: dict[str, Tensor] = distiller(torch.randn(16, 3, 2, 2), torch.arange(16) % 7, progress)
    return told


def test_a_sum_has_the_terms_of_its_parts_times_their_weights_and_the_labels_once() -> None:
    whole = terms("dkd+kd", weights=(1.0, 0.5), dkd={"beta": 3.0}, kd={"temperature": 2.0})
    dkd, kd = terms("dkd", beta=3.0), terms("kd", temperature=2.0, ce_weight=1.0)
    assert list(whole) == ["ce", "tckd", "nckd", "kd"]
    for name, value in (dkd | {"kd": 0.5 * kd["kd"]}).items():
        torch.testing.assert_close(whole[name], value)


def test_each_part_keeps_its_own_warm_up() -> None:
    early = Progress(epoch=1, epochs=50, step=9, steps_per_epoch=10)
    options: dict[str, Any] = {"dkd": {"warmup_epochs": 2.0}, "kd": {"warmup_epochs": 0.0}}
    half, full = terms("dkd+kd", early, **options), terms("dkd+kd", LATE, **options)
    torch.testing.assert_close(half["tckd"], 0.5 * full["tckd"])
    assert torch.equal(half["kd"], full["kd"])


def test_the_control_of_a_sum_weighs_what_its_parts_weigh_together() -> None:
    kind = methods["dkd+kd"]
    config = check(kind.Config, {"weights": [1, 2], "dkd": {"alpha": 1, "beta": 7}})
    assert config.matched_kd_weight == 1 * 4 + 2 * 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dkd": {"beat": 6}}, "dkd.beat: no such key.*Did you mean 'beta'"),
        ({"dkd": {"ce_weight": 1}}, "dkd.ce_weight: no such key"),
        ({"dkd": {"temperature": 0}}, "dkd: temperature wants a number above 0"),
        ({"dkd": {"beta": "six"}}, "dkd.beta: wanted a number, got 'six'"),
        ({"weights": [1]}, r"weights wants 2 numbers, got \[1.0\]"),
    ],
)
def test_a_mistake_in_a_part_is_told_by_its_key(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(methods["dkd+kd"].Config, options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dkd+dkd", "wants different methods"),
        ("dkd+ce", "methods that have a teacher.*dkd\\+ce has ce"),
        ("dkd+kdd", "no method is named 'kdd'"),
    ],
)
def test_what_is_no_sum_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        methods[name]


def test_a_recipe_of_a_sum_survives_being_written_and_read() -> None:
    config = loads(
        "[student]\nname = 'resnet8'\n[method]\nname = 'dkd+kd'\n[method.dkd]\nbeta = 6\n",
        ["method.kd.temperature=2", "method.dkd.alpha=3"],
    )
    options = check(methods["dkd+kd"].Config, config.method.options)
    whole = with_method_options(config, options)
    assert loads(dumps(whole)) == whole
    assert whole.method.options["dkd"]["beta"] == 6  # type: ignore[index,call-overload]
    assert override(whole, ["method.dkd.beta=2"]).method.options["dkd"]["alpha"] == 3  # type: ignore[index,call-overload]


def test_an_arm_of_a_comparison_may_be_a_sum_with_options_of_its_parts() -> None:
    config = loads("[student]\nname = 'resnet8'\n")
    arm, control = make_arms(config, ["dkd+kd:dkd.beta=3:kd.kd_weight=2"])
    assert arm.matched_kd_weight == (1 + 3) / 2 + 2
    assert control.method.options["kd_weight"] == 4
