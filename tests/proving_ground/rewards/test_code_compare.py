"""When a printed text or a returned value is the expected one."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proving_ground.rewards.code_compare import parse_result, same_output, same_value

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("1\n", "1"),
        ("1", "1\n"),
        ("1\n\n\n", "1\n"),
        ("1  \n2\t\r\n", "1\n2\n"),
        ("  1\n", "  1"),
        ("\n1", "\n1"),
    ],
)
def test_white_space_that_nobody_sees_does_not_count(printed: str, expected: str) -> None:
    assert same_output(printed, expected)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("", "1\n"),
        ("1\n", "1\n2\n"),
        ("1\n2\n", "1\n"),
        ("1\n2\n", "2\n1\n"),
        (" 1\n", "1\n"),
        ("\n1\n", "1\n"),
        ("1\n\n2\n", "1\n2\n"),
        ("1 2\n", "1  2\n"),
        ("yes\n", "YES\n"),
        ("1.0\n", "1\n"),
        ("12\n", "1\n2\n"),
        ("1\u20282\n", "1\n2\n"),
        ("1\x0b2\n", "1\n2\n"),
    ],
)
def test_everything_else_counts(printed: str, expected: str) -> None:
    assert not same_output(printed, expected)


@settings(deadline=None)
@given(JSON_VALUES)
def test_a_value_equals_itself_after_the_journey(value: Any) -> None:
    assert same_value(json.loads(json.dumps(value)), value)


@settings(deadline=None)
@given(JSON_VALUES, JSON_VALUES)
def test_equal_is_what_json_writes_alike(left: Any, right: Any) -> None:
    """Up to rounding, which random pairs do not meet, and the two zeros."""
    written = [json.dumps(value, sort_keys=True).replace("-0.0", "0.0") for value in (left, right)]
    if written[0] == written[1]:
        assert same_value(left, right)
    elif not any(char in "".join(written) for char in ".e"):
        assert not same_value(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (False, 0),
        (1, 1.0),
        (0, False),
        (None, False),
        ("1", 1),
        ("", None),
        ([], {}),
        ([1], [True]),
        ([1, 2], [1]),
        ([1], [1, 2]),
        ([1, 2], [2, 1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"b": 1}),
        ([[[1]]], [[["1"]]]),
        (0.1, 0.1001),
        (1.0, 1.0000001),
        (1e-9, 0.0),
        (1.0, -1.0),
        (math.inf, math.inf),
        (math.nan, math.nan),
        (10**30, 10**30 + 1),
    ],
)
def test_different(left: Any, right: Any) -> None:
    assert not same_value(left, right)
    assert not same_value(right, left)


def test_the_order_of_a_sum_does_not_count() -> None:
    assert same_value(0.1 + 0.2, 0.3)
    assert same_value({"b": 1, "a": [0.1 + 0.2]}, {"a": [0.3], "b": 1})


@pytest.mark.parametrize(("line", "value"), [('{"value": null}', None), ('{"value": [1, "a"]}', [1, "a"])])
def test_a_result_line(line: str, value: Any) -> None:
    assert parse_result(line) == (True, value)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "PASS",
        "1",
        "null",
        "[]",
        "{}",
        '{"error": "ValueError"}',
        '{"value": 1, "passed": true}',
        '{"value": NaN}',
        '{"value": -Infinity}',
        '{"value": 1',
        '{"value": 1} {"value": 2}',
        "[" * 100_000,
        '{"value": ' + "[" * 70 + "]" * 70 + "}",
        '{"value": 1, "value": 2}',
        '{"value": ' + "9" * 5000 + "}",
        "\udcff",
    ],
)
def test_what_is_not_a_result_line(line: str) -> None:
    assert parse_result(line) == (False, None)
