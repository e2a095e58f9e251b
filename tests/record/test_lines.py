"""Records survive JSON that any strict reader takes."""

import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.record import Evaluation, Machine, Result, Row
from tutelage.record.lines import decode, encode

ROW = Row(
    epoch=1,
    step=50,
    lr=0.05,
    seconds=1.5,
    images_per_second=2133.3,
    loss=4.6,
    terms={"ce": 4.0, "tckd": 0.1, "nckd": 0.5},
)

numbers = st.floats(allow_nan=False, allow_infinity=False)
named = st.dictionaries(st.text(), numbers, max_size=3)
rows = st.builds(
    Row,
    lr=numbers,
    loss=numbers,
    seconds=numbers,
    images_per_second=numbers,
    terms=named,
    gradient_share=named,
    gradient_norm=st.none() | numbers,
    teacher_target_probability=st.none() | numbers,
    teacher_rest_probability=st.none() | numbers,
)
evaluations = st.builds(
    Evaluation, top1=numbers, top5=numbers, loss=numbers, calibration_error=numbers, seconds=numbers
)
results = st.builds(
    Result,
    seconds=numbers,
    images_per_second=numbers,
    best_validation=st.none() | evaluations,
    last_validation=evaluations,
    best_test=st.none() | evaluations,
    last_test=st.none(),
    teacher=st.none() | evaluations,
    machine=st.builds(Machine),
)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@given(rows | evaluations | results)
def test_a_record_survives_json_exactly(record: Any) -> None:
    line = encode(record)
    assert "\n" not in line
    assert line.isascii()
    assert decode(type(record), line) == record
    assert decode(type(record), encode(record, indent=2)) == record


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_null_for_json_and_nan_for_python(number: float) -> None:
    line = encode(replace(ROW, loss=number, gradient_norm=number, terms={"ce": number}))
    plain = json.loads(line, parse_constant=no_constant)
    assert plain["loss"] is plain["gradient_norm"] is plain["terms"]["ce"] is None
    row = decode(Row, line)
    assert math.isnan(row.loss)
    assert math.isnan(row.terms["ce"])
    assert row.gradient_norm is not None
    assert math.isnan(row.gradient_norm)


def test_what_was_not_measured_is_left_out_and_comes_back_as_none() -> None:
    assert "gradient_norm" not in json.loads(encode(ROW))
    assert decode(Row, encode(ROW)).gradient_norm is None


def test_a_whole_float_stays_a_float() -> None:
    assert type(decode(Row, encode(ROW).replace("0.05", "1")).lr) is float


def test_a_key_of_a_later_version_is_passed_over() -> None:
    assert decode(Row, encode(ROW).replace("{", '{"later": 1, ', 1)) == ROW


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epoch", 1.5, "Row.epoch: wanted int, got 1.5"),
        ("epoch", True, "Row.epoch: wanted int, got True"),
        ("epoch", None, "Row.epoch: wanted int, got None"),
        ("lr", "0.1", "Row.lr: wanted float, got '0.1'"),
        ("terms", [1], r"Row.terms: wanted dict\[str, float\], got \[1\]"),
        ("terms", {"ce": "x"}, "Row.terms.ce: wanted float, got 'x'"),
    ],
)
def test_a_value_of_another_type_is_refused(key: str, value: object, message: str) -> None:
    plain = json.loads(encode(ROW)) | {key: value}
    with pytest.raises(ValueError, match=message):
        decode(Row, json.dumps(plain))


def test_a_missing_value_and_a_foreign_line_are_refused() -> None:
    with pytest.raises(ValueError, match=r"missing.*'epoch'"):
        decode(Row, '{"step": 1}')
    with pytest.raises(ValueError, match="wanted Row, got 3"):
        decode(Row, "3")


def test_a_result_can_only_be_complete() -> None:
    (status,) = [field for field in fields(Result) if field.name == "status"]
    assert status.default == "complete"
    with pytest.raises(ValueError, match="Machine"):
        decode(Result, '{"status": "complete", "machine": 3}')
    with pytest.raises(ValueError, match=r"status: wanted .*'complete'.*, got 'failed'"):
        decode(Result, '{"status": "failed"}')
