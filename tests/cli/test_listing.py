"""`tutelage list`."""

import pytest
from typer.testing import CliRunner

from tutelage.cli.main import app
from tutelage.errors import ConfigError
from tutelage.methods import methods

WIDE = {"COLUMNS": "400"}


def listed(*words: str) -> str:
    told = CliRunner(env=WIDE).invoke(app, ["list", *words], catch_exceptions=False)
    assert told.exit_code == 0
    return told.output


def test_every_method_is_a_line_with_its_paper_and_what_it_does() -> None:
    lines = [line.split() for line in listed("methods").splitlines()]
    assert {line[1] for line in lines if len(line) > 1} >= set(methods)
    assert "Zhao et al., 2022" in listed("methods")


def test_the_options_of_one_method_are_told_with_defaults_and_ranges() -> None:
    told = listed("methods", "dkd+reviewkd")
    assert "weights" in told
    told = listed("methods", "dkd")
    assert all(word in told for word in ("beta", "8.0", "weight of the other-classes term, NCKD"))
    assert "reviewkd_weight" not in told


def test_a_name_that_is_no_method_or_goes_with_no_other_list_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'dkd'"):
        listed("methods", "dkdd")
    with pytest.raises(ConfigError, match="a name goes with methods alone"):
        listed("data", "dkd")
