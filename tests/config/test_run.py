"""The fingerprint sees what determines a result, and nothing else."""

import re
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import (
    DataConfig,
    MethodConfig,
    RunConfig,
    RunPlace,
    StudentConfig,
    TeacherConfig,
    checked,
    dumps,
    fingerprint,
    loads,
    override,
    run_id,
    to_mapping,
    with_method_options,
)
from tutelage.config.run import INDIFFERENT
from tutelage.config.toml import KEYS

# With a cache, since only of one can there be another form.
CONFIG = RunConfig(student=StudentConfig(name="resnet8x4"), teacher=TeacherConfig(cache="auto"))
OTHER = {
    "data.channels": "3",
    "data.validation": "0.25",
    "data.unlabelled": "0.5",
    "optimizer.name": "adamw",
    "optimizer.betas": "[0.8, 0.9]",
    "schedule.name": "cosine",
    "schedule.milestones": "[1]",
    "student.mean": "[0.5]",
    "student.std": "[0.5]",
    "student.taps": "['a']",
    "teacher.mean": "[0.5]",
    "teacher.std": "[0.5]",
    "teacher.taps": "['a']",
    "teacher.others": "['a']",
    "teacher.shares": "[2]",
    "teacher.combine": "logits",
    "train.channels_last": "true",
    "train.precision": "bf16-mixed",
    "fabric.accelerator": "cpu",
    "run.imports": "['a.py']",
}


def another_value(key: str) -> str:
    section, _, name = key.partition(".")
    value = to_mapping(CONFIG)[section][name]
    if key in OTHER:
        return OTHER[key]
    if isinstance(value, bool):
        return str(not value).lower()
    if isinstance(value, str):
        return "other"
    return str(value / 2 if isinstance(value, float) and value else value + 1)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_fingerprint_sees_a_key_exactly_if_it_determines_the_result(key: str) -> None:
    other = override(CONFIG, [f"{key}={another_value(key)}"])
    assert other != CONFIG
    assert (fingerprint(other) == fingerprint(CONFIG)) == (key in INDIFFERENT)


def test_every_indifferent_key_is_a_key() -> None:
    assert set(KEYS) >= INDIFFERENT


def test_the_fingerprint_takes_6_and_6_point_0_for_the_same_and_6_point_1_for_another() -> None:
    whole, point, other = (
        fingerprint(replace(CONFIG, method=MethodConfig(options={"beta": beta})))
        for beta in (6, 6.0, 6.1)
    )
    assert whole == point != other
    assert re.fullmatch("[0-9a-f]{12}", whole)


def test_the_fingerprint_takes_true_and_1_for_different_things() -> None:
    true, one = (
        fingerprint(replace(CONFIG, method=MethodConfig(options={"mode": mode})))
        for mode in (True, 1)
    )
    assert true != one


def test_the_fingerprint_does_not_see_the_order_of_options() -> None:
    one, other = (
        fingerprint(replace(CONFIG, method=MethodConfig(options=options)))
        for options in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert one == other


def test_the_fingerprint_is_the_same_in_every_process_and_version() -> None:
    # A change here means that every run ever made gets another id: do it knowingly.
    assert fingerprint(loads(dumps(CONFIG))) == fingerprint(CONFIG) == FINGERPRINT


def test_a_run_is_named_by_what_it_is() -> None:
    assert run_id(CONFIG) == f"glyphs100-resnet8x4-dkd-s0-{FINGERPRINT[:8]}"
    assert run_id(override(CONFIG, ["run.name=mine"])) == "mine"


def test_a_name_with_slashes_and_colons_becomes_one_folder() -> None:
    student = StudentConfig(name="../my.package:" + "x" * 300)
    name = run_id(replace(CONFIG, student=student))
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,120}", name)
    assert name.startswith("glyphs100-.._my.package_xxx")


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_a_run_may_be_given_the_name_that_is_made_for_it(data: str, student: str, m: str) -> None:
    config = RunConfig(
        data=DataConfig(name=data), student=StudentConfig(name=student), method=MethodConfig(name=m)
    )
    named = replace(config, run=RunPlace(name=run_id(config)))
    assert checked(named) == named


def test_the_options_of_a_method_are_completed_from_its_own_class() -> None:
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Options:
        beta: float = 8.0
        stages: tuple[str, ...] = ("stage1",)
        limit: float | None = None

    complete = with_method_options(CONFIG, Options(beta=6.0))
    assert complete.method == MethodConfig(name="dkd", options={"beta": 6.0, "stages": ["stage1"]})
    assert loads(dumps(complete)) == complete
    with pytest.raises(TypeError, match="instance of a dataclass"):
        with_method_options(CONFIG, Options)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CONFIG.train.epochs = 3  # type: ignore[misc]


FINGERPRINT = "5b6036920dbc"
