"""Recipes go in and out without loss, and every mistake is told where it was made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import (
    MethodConfig,
    OptimizerConfig,
    RunConfig,
    ScheduleConfig,
    StudentConfig,
    TrainConfig,
    checked,
    dumps,
    from_mapping,
    load,
    loads,
    merge,
    override,
    to_mapping,
)
from tutelage.errors import ConfigError

RECIPE = """\
[student]
name = "resnet8x4"

[method]
name = "dkd"
beta = 8.0
temperature = 4
"""

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.booleans() | st.integers() | finite | st.text()
options = st.dictionaries(
    st.text(min_size=1).filter(lambda key: key != "name"),
    scalars | st.lists(scalars | st.lists(scalars, max_size=2), max_size=3),
    max_size=4,
)
configs = st.builds(
    RunConfig,
    student=st.builds(StudentConfig, name=st.text(min_size=1), weights=st.text()),
    method=st.builds(MethodConfig, name=st.text(min_size=1), options=options),
    optimizer=st.builds(
        OptimizerConfig,
        lr=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        weight_decay=st.floats(min_value=0, allow_infinity=False),
    ),
    schedule=st.builds(
        ScheduleConfig,
        milestones=st.sets(st.integers(1, 9999)).map(lambda epochs: tuple(sorted(epochs))),
    ),
    train=st.builds(TrainConfig, seed=st.integers(0, 2**40), compile=st.booleans()),
)


def same_types(one: Any, other: Any) -> bool:
    if isinstance(one, dict | list):
        if isinstance(one, dict):
            one, other = list(one.values()), list(other.values())
        return all(same_types(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other)


@given(configs)
def test_a_run_survives_toml_exactly(config: RunConfig) -> None:
    again = loads(dumps(config))
    assert again == config
    # Python takes True, 1 and 1.0 for equal; a recipe does not.
    assert same_types(to_mapping(again), to_mapping(config))


@given(configs)
def test_a_run_survives_the_check_of_python_values(config: RunConfig) -> None:
    assert checked(config) == config


def test_toml_of_a_run_spells_out_every_key() -> None:
    tables = to_mapping(loads(dumps(loads(RECIPE))))
    assert len(tables) == 9
    assert sum(map(len, tables.values())) == len(dumps(loads(RECIPE)).split(" = ")) - 1
    assert tables["optimizer"]["lr"] == 0.05
    assert tables["method"] == {"name": "dkd", "beta": 8.0, "temperature": 4}


def test_the_defaults_are_the_published_cifar_recipe() -> None:
    # Zhao et al. 2022, appendix: 240 epochs, SGD 0.05, drops at 150, 180, 210, batch 64, decay 5e-4
    config = loads("[student]\nname = 'resnet8x4'")
    assert (config.train.epochs, config.train.batch_size) == (240, 64)
    assert (config.optimizer.lr, config.optimizer.momentum) == (0.05, 0.9)
    assert config.optimizer.weight_decay == 5e-4
    assert (config.schedule.milestones, config.schedule.gamma) == ((150, 180, 210), 0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[optimizer]\nlr = -1", "r.toml: [optimizer] lr: wanted a number above 0, got -1."),
        (
            "[optimizer]\nname = 'adam'",
            "r.toml: [optimizer] name: wanted 'sgd', 'adamw', 'dot' or 'deepkd', got 'adam'. "
            "Did you mean 'adamw'?",
        ),
        (
            "[optimiser]\nlr = 1",
            "r.toml: [optimiser]: no such section; there is data, teacher, student, method, "
            "optimizer, schedule, train, fabric, run. Did you mean 'optimizer'?",
        ),
        (
            "[train]\nepochs = 0",
            "r.toml: [train] epochs: wanted a whole number of at least 1, got 0.",
        ),
        (
            "[teacher]\nnome = 'x'",
            "r.toml: [teacher] nome: no such key; there is name, weights, recipe, train, taps, "
            "others, shares, combine, compile, confidence, cache, form, image_size, mean, std. "
            "Did you mean 'name'?",
        ),
        (
            "[method]\nbeta = { a = 1 }",
            "r.toml: [method] beta: wanted a number, text, true or false, or a list of these, got "
            "{'a': 1}.",
        ),
        ("[method]\nname = ''", "r.toml: [method] name: wanted text that is not empty, got ''."),
        ("[method]\nname = 3", "r.toml: [method] name: wanted text that is not empty, got 3."),
        (
            "[schedule]\nmilestones = [180, 150]",
            "r.toml: [schedule] milestones: wanted epochs in rising order, got [180, 150].",
        ),
        (
            "[optimizer]\nnesterov = true\nmomentum = 0",
            "r.toml: [optimizer] nesterov: wanted a momentum above 0 beside it, got momentum = 0.",
        ),
        (
            "[train]\nbatch_size = 3\n[fabric]\ndevices = 2\nnodes = 2",
            "r.toml: [train] batch_size: wanted at least 1 picture for each of 4 parts "
            "(fabric.devices * fabric.nodes * train.accumulate), got 3.",
        ),
        (
            "[run]\nname = '../up'",
            "r.toml: [run] name: wanted the name of one folder, of letters, digits and '.', '_', "
            "'-', got '../up'.",
        ),
    ],
)
def test_each_mistake_in_a_file_names_file_section_and_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(f"[student]\nname = 's'\n{text}", where="r.toml")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.toml: [student] name: wanted text that is not empty, got nothing."),
        ("student = 's'", "r.toml: [student]: wanted a table of keys, got 's'."),
        (
            "lr = 0.1\n[student]\nname = 's'",
            "r.toml: lr: wanted every key in a section, got 0.1. Did you mean 'optimizer.lr'?",
        ),
    ],
)
def test_a_key_outside_its_section_is_told(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(text, where="r.toml")
    assert str(caught.value) == message


def test_broken_toml_is_told_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"^r\.toml: not TOML: .*line 2"):
        loads("[student]\nname = \nlr", where="r.toml")


def test_mistakes_of_all_sections_and_overrides_come_together() -> None:
    with pytest.raises(ConfigError) as caught:
        loads("[optimizer]\nlr = 0\n[zebra]\n", ["train.epochs=none"], where="r.toml")
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "r.toml",
        "r.toml",
        "r.toml",
        "override train.epochs=none",
    ]


@pytest.mark.parametrize(
    ("assignment", "section", "key", "value"),
    [
        ("method.beta=6", "method", "beta", 6),
        ("method.beta=6.0", "method", "beta", 6.0),
        ("method.beta = -1e-3", "method", "beta", -1e-3),
        ("method.standardise=true", "method", "standardise", True),
        ("method.mode=fast", "method", "mode", "fast"),
        ('method.mode="2"', "method", "mode", "2"),
        ("method.stages=['a', 'b']", "method", "stages", ["a", "b"]),
        ("method.mode=a=b", "method", "mode", "a=b"),
        ("method.mode=1\nname=2", "method", "mode", "1\nname=2"),
        ("method.mode=", "method", "mode", ""),
        ("data.name=cifar100", "data", "name", "cifar100"),
        ("data.root=/data/2024", "data", "root", "/data/2024"),
        ("run.name=007", "run", "name", "007"),
        ("run.name=12", "run", "name", "12"),
        ("run.name=2024-01-02", "run", "name", "2024-01-02"),
        ("train.precision=bf16-mixed", "train", "precision", "bf16-mixed"),
        ("schedule.milestones=[30,60]", "schedule", "milestones", [30, 60]),
        ("schedule.milestones=[]", "schedule", "milestones", []),
    ],
)
def test_an_override_is_read_as_toml_or_as_plain_text(
    assignment: str, section: str, key: str, value: object
) -> None:
    found = override({}, [assignment])[section][key]
    assert found == value
    assert type(found) is type(value)


@given(finite)
def test_an_override_keeps_every_bit_of_a_float(number: float) -> None:
    assert override({}, [f"method.beta={number!r}"])["method"]["beta"] == number


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("beta", "override beta: wanted section.key=value, got 'beta'."),
        (
            "lr=3",
            "override lr=3: wanted section.key=value, got 'lr=3'. Did you mean 'optimizer.lr'?",
        ),
        (
            "optimizer.lr",
            "override optimizer.lr: wanted section.key=value, got 'optimizer.lr'. Did you mean "
            "'optimizer.lr'?",
        ),
        ("a.b.c=1", "override a.b.c=1: wanted section.key=value, got 'a.b.c=1'."),
        ("=1", "override =1: wanted section.key=value, got '=1'."),
        ("optimizer.lr=0", "override optimizer.lr=0: wanted a number above 0, got 0."),
        (
            "optimizer.lrr=1",
            "override optimizer.lrr=1: no such key; there is name, lr, momentum, delta, "
            "nesterov, weight_decay, betas, eps. Did you mean 'lr'?",
        ),
        (
            "optimiser.lr=1",
            "override optimiser.lr=1: no such section; there is data, teacher, student, method, "
            "optimizer, schedule, train, fabric, run. Did you mean 'optimizer'?",
        ),
    ],
)
def test_a_wrong_override_is_told_as_it_was_typed(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override(loads(RECIPE), [assignment])
    assert str(caught.value) == message


def test_overriding_leaves_the_given_run_as_it_was() -> None:
    config = loads(RECIPE)
    other = override(config, ["method.beta=6", "train.seed=3"])
    assert config == loads(RECIPE)
    assert other.method.options == {"beta": 6, "temperature": 4}
    assert other == replace(config, method=other.method, train=replace(config.train, seed=3))


def test_another_method_starts_from_its_own_options() -> None:
    other = loads(RECIPE, ["method.kd_weight=0.9", "method.name=kd"])
    assert other.method == MethodConfig(name="kd", options={"kd_weight": 0.9})
    same = loads(RECIPE, ["method.name=dkd"])
    assert same.method.options == {"beta": 8.0, "temperature": 4}
    # A recipe that names no method speaks of the default one.
    unnamed = loads("[student]\nname='s'\n[method]\nbeta=2", ["method.name=kd"])
    assert unnamed.method.options == {}


def test_merging_changes_neither_side() -> None:
    base = {"a": {"x": [1], "y": 2}}
    changes = {"a": {"y": 3}, "b": {"z": [4]}}
    merged = merge(base, changes)
    merged["a"]["x"].append(9)
    merged["b"]["z"].append(9)
    assert base == {"a": {"x": [1], "y": 2}}
    assert changes == {"a": {"y": 3}, "b": {"z": [4]}}
    assert merged["a"]["y"] == 3


def test_values_given_in_python_are_checked_on_demand() -> None:
    config = RunConfig(student=StudentConfig(name="s"), optimizer=OptimizerConfig(lr=-1.0))
    with pytest.raises(ConfigError, match=r"^\[optimizer\] lr: wanted a number above 0, got -1\.0"):
        checked(config)


def test_tables_with_tuples_are_taken_as_lists() -> None:
    tables = {"student": {"name": "s"}, "schedule": {"milestones": (1, 2)}}
    assert from_mapping(tables).schedule.milestones == (1, 2)


def test_a_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b"\xef\xbb\xbf" + RECIPE.replace("\n", "\r\n").encode())
    assert load(path) == loads(RECIPE)


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("[train]\nepochs = 0\n[student]\nname = 's'\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: [train] epochs: ")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigError, match="wanted a text file in UTF-8"):
        load(path)
