"""Broken tests raise and name the row; they never become a score."""

import json
from functools import partial
from typing import Any

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.code import code_reward
from proving_ground.rewards.code_tests import AssertTest, CallTest, StdioTest, parse_tests

STDIO = {"kind": "stdio", "stdin": "", "stdout": "1"}
CALL = {"kind": "call", "function": "f", "args": [], "expected": None}


ASSERT = {"kind": "assert", "function": "f", "source": "assert f() == 1"}


def test_all_kinds() -> None:
    assert parse_tests(json.dumps([STDIO, CALL, ASSERT]), "row 0") == [
        StdioTest("", "1"),
        CallTest("f", [], None),
        AssertTest("f", "assert f() == 1"),
    ]


def test_an_error_shows_a_test_that_is_none() -> None:
    with pytest.raises(InfrastructureError) as error:
        parse_tests('[{"kind": "unit"}]', "row 0")
    example = str(error.value).partition("such as ")[2].partition("; fix")[0]
    assert parse_tests(example, "the example")


@pytest.mark.parametrize(
    ("ground_truth", "problem"),
    [
        (None, "NoneType"),
        ([STDIO], "list"),
        ("", "not JSON"),
        ("42", "list"),
        ("{}", "list"),
        ("[]", "one or more"),
        ("[" * 100_000, "not JSON"),
        ("[NaN]", "NaN"),
        (json.dumps([1]), "test 1"),
        (json.dumps([STDIO, {}]), "test 2"),
        (json.dumps([STDIO, {**STDIO, "kind": "regex"}]), "test 2: kind 'regex'"),
        (json.dumps([{**STDIO, "kind": ["stdio"]}]), "kind"),
        (json.dumps([{"kind": "stdio", "stdin": ""}]), "keys"),
        (json.dumps([{**STDIO, "weight": 2}]), "keys"),
        (json.dumps([{**STDIO, "stdin": None}]), "stdin must be a str"),
        (json.dumps([{**STDIO, "stdout": 1}]), "stdout must be a str"),
        (json.dumps([{**STDIO, "stdout": ""}]), "expects no output"),
        (json.dumps([{**STDIO, "stdout": " \n\n"}]), "expects no output"),
        (json.dumps([{**CALL, "args": {}}]), "args must be a list"),
        (json.dumps([{**CALL, "function": None}]), "function must be a str"),
        (json.dumps([{**CALL, "function": "a.b"}]), "not the name of a function"),
        (json.dumps([{**CALL, "function": ""}]), "not the name of a function"),
        ('[{"kind": "call", "function": "f", "args": [], "expected": 1e999}]', "not finite"),
        (json.dumps([{**ASSERT, "source": "assert f( == 1"}]), "not Python"),
        (json.dumps([{**ASSERT, "source": "f()"}]), "asserts nothing"),
        (json.dumps([{**ASSERT, "source": "f()\nassert True, 'fine'"}]), "asserts nothing"),
        (json.dumps([{**ASSERT, "source": "assert g() == 1"}]), "does not call f"),
        (json.dumps([{**ASSERT, "function": "f()"}]), "not the name of a function"),
        (json.dumps([{**ASSERT, "source": "assert eval(f()) == 1"}]), "eval"),
        (json.dumps([{**ASSERT, "source": "assert f().__class__ is int"}]), "__class__"),
        (json.dumps([{**ASSERT, "source": "import os\nassert os.system(f()) == 0"}]), "imports os"),
        (json.dumps([{**ASSERT, "source": "from os import path\nassert f() == path"}]), "imports os"),
        (json.dumps([{**ASSERT, "source": "from . import x\nassert f() == x"}]), "imports"),
        ('[{"kind": "call", "function": "f", "args": [{"a": [-1e999]}], "expected": 1}]', "not finite"),
        ('[{"kind": "call", "function": "f", "args": [], "expected": Infinity}]', "Infinity"),
    ],
)
def test_broken_ground_truth(ground_truth: Any, problem: str) -> None:
    class Untouched:
        workers = 1

    good = json.dumps([STDIO])
    reward = partial(code_reward, sandbox=Untouched())  # type: ignore[arg-type] # a row is refused before any program runs
    with pytest.raises(InfrastructureError) as error:
        reward(["```python\n1\n```"] * 2, [good, ground_truth], id=["a-1", "a-2"])
    message = str(error.value)
    assert "row 1 (id a-2)" in message and problem in message and "\n" not in message
