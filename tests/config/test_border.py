"""The border refuses what does not fit, in words a user can act on."""

import datetime
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import check
from tutelage.errors import ConfigError, RangeError


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    weight: float = 1.0
    temperature: Annotated[float, Gt(0)] = 4.0
    count: Annotated[int, Ge(1), Le(9)] = 1
    share: Annotated[float, Ge(0), Lt(1)] = 0.5
    name: Annotated[str, MinLen(1)] = "x"
    kind: Literal["sum", "mean"] = "mean"
    channels: Literal[0, 1, 3] = 0
    stages: tuple[str, ...] = ()
    pair: tuple[float, float] = (0.0, 1.0)
    names: list[str] | None = None
    normalise: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Needy:
    layers: int
    width: float = 1.0

    def __post_init__(self) -> None:
        if self.layers > 3:
            raise RangeError(f"layers must be at most 3, got {self.layers}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Heir(Needy):
    depth: int = 0


def test_values_arrive_in_the_types_that_the_class_declares() -> None:
    given = {"weight": 2, "stages": ["a", "b"], "pair": [1, 2.5], "names": ["n"], "count": 3}
    options = check(Options, given)
    assert options == Options(weight=2.0, stages=("a", "b"), pair=(1.0, 2.5), names=["n"], count=3)
    assert isinstance(options.weight, float)
    assert isinstance(options.stages, tuple)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_bit_of_a_float_is_lost_at_the_border(number: float) -> None:
    found = check(Options, {"weight": number}).weight
    assert found.hex() == number.hex()


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_no_digit_of_an_int_is_lost_at_the_border(number: int) -> None:
    assert check(Needy, {"layers": min(number, 3)}).layers == min(number, 3)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("weight", True, "weight: wanted a number, got true."),
        ("weight", "1.0", "weight: wanted a number, got '1.0'."),
        ("weight", math.nan, "weight: wanted finite numbers only, got nan."),
        ("weight", math.inf, "weight: wanted finite numbers only, got inf."),
        ("pair", [0.0, math.inf], "pair: wanted finite numbers only, got [0.0, inf]."),
        ("temperature", 0, "temperature: wanted a number above 0, got 0."),
        ("count", 2.0, "count: wanted a whole number of at least 1 and of at most 9, got 2.0."),
        ("count", 10, "count: wanted a whole number of at least 1 and of at most 9, got 10."),
        ("count", False, "count: wanted a whole number of at least 1 and of at most 9, got false."),
        ("share", 1, "share: wanted a number of at least 0 and below 1, got 1."),
        ("name", "", "name: wanted text that is not empty, got ''."),
        ("name", 3, "name: wanted text that is not empty, got 3."),
        (
            "name",
            datetime.date(2024, 1, 2),
            "name: wanted text that is not empty, got datetime.date(2024, 1, 2).",
        ),
        ("kind", "meen", "kind: wanted 'sum' or 'mean', got 'meen'. Did you mean 'mean'?"),
        ("kind", 1, "kind: wanted 'sum' or 'mean', got 1."),
        ("channels", 2, "channels: wanted 0, 1 or 3, got 2."),
        ("channels", True, "channels: wanted 0, 1 or 3, got true."),
        ("stages", "a", "stages: wanted a list, each text, got 'a'."),
        ("stages", ["a", 1], "stages: wanted a list, each text, got ['a', 1]."),
        ("pair", [1.0], "pair: wanted a list of 2, each a number, got [1.0]."),
        ("names", 1, "names: wanted a list, each text, got 1."),
        ("normalise", 1, "normalise: wanted true or false, got 1."),
        ("normalise", "True", "normalise: wanted true or false, got 'True'."),
        (
            "temprature",
            1,
            "temprature: no such key; there is weight, temperature, count, share, name, kind, "
            "channels, stages, pair, names, normalise. Did you mean 'temperature'?",
        ),
    ],
)
def test_each_mistake_is_told_with_key_wanted_and_got(
    key: str, value: object, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check(Options, {key: value})
    assert str(caught.value) == message


def test_all_mistakes_are_told_at_once_each_with_its_place() -> None:
    with pytest.raises(ConfigError) as caught:
        check(Options, {"weight": "a", "beta": 1, "count": 0}, where="my.toml: [method]")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("my.toml: [method] ") for line in lines)
    assert {line.split()[2] for line in lines} == {"weight:", "beta:", "count:"}


def test_a_key_without_default_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"^layers: wanted a whole number, got nothing\.$"):
        check(Needy, {})


def test_what_the_class_itself_refuses_is_told_in_its_words() -> None:
    with pytest.raises(ConfigError) as caught:
        check(Needy, {"layers": 4}, where="[method]")
    assert str(caught.value) == "[method]: layers must be at most 3, got 4."


def test_inherited_keys_are_known() -> None:
    assert check(Heir, {"layers": 2, "depth": 1}) == Heir(layers=2, depth=1)


def test_a_path_may_stand_for_text() -> None:
    assert check(Options, {"name": Path("a") / "b"}).name == str(Path("a") / "b")
