"""Assertions of public sets to tests: what converts, to what, and what is left out rather than guessed."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = "coding_example"
Import = Callable[[str], ModuleType]

CONVERTED = [
    ("candidate(1, 2) == 3", [1, 2], 3),
    ("candidate([1, [2.5]], 'a') == [True, None]", [[1, [2.5]], "a"], [True, None]),
    ("candidate(-4) == -2", [-4], -2),
    ("candidate('x') is True", ["x"], True),
    ("candidate('x') is None", ["x"], None),
    ("candidate() == 0", [], 0),
    ("add(1, 2) == 3", [1, 2], 3),
    ("3 == candidate(1, 2)", [1, 2], 3),
    ("candidate(2) == (1, (2, 3))", [2], [1, [2, 3]]),
    ("candidate('ab') == {'a': 1, 'b': 2}", ["ab"], {"a": 1, "b": 2}),
    ("candidate([3]) == {3: 1}", [[3]], {"3": 1}),
    ("candidate({'a': [1]}) == 'é\\n'", [{"a": [1]}], "é\n"),
    ("candidate(1) == 2, 'a message'", [1], 2),
]
LEFT_OUT = [
    "candidate(x) == 3",
    "candidate(1) == x",
    "candidate(1 + 1) == 3",
    "candidate(1)",
    "not candidate(1)",
    "candidate(1) != 2",
    "candidate(1) < 2",
    "abs(candidate(1) - 0.5) < 1e-6",
    "candidate(a=1) == 2",
    "candidate(*[1]) == 2",
    "candidate((1, 2)) == 3",
    "candidate([(1, 2)]) == 3",
    "candidate({1, 2}) == 3",
    "candidate({1: 2}) == 3",
    "candidate(1e999) == 3",
    "candidate(b'a') == 3",
    "candidate(1) == {1, 2}",
    "candidate(1) == 1j",
    "candidate(1) == 1e999",
    "other(1) == 2",
    "candidate(1) == 2 == 2",
    "list(candidate(1)) == [2]",
    "self.candidate(1) == 2",
]


@pytest.mark.parametrize(("condition", "args", "expected"), CONVERTED)
def test_an_assertion_on_literals_becomes_a_test(
    module_of: Import, condition: str, args: list[Any], expected: Any
) -> None:
    converted = module_of("asserts").convert(f"def check(candidate):\n    assert {condition}\n", "add")
    assert converted.tests == [{"kind": "call", "function": "add", "args": args, "expected": expected}]
    assert repr(converted.tests[0]["expected"]) == repr(expected), "types included"
    assert converted.left_out == 0


@pytest.mark.parametrize("condition", LEFT_OUT)
def test_any_other_assertion_is_counted_and_left_out(module_of: Import, condition: str) -> None:
    converted = module_of("asserts").convert(f"assert {condition}\nassert candidate(1) == 2", "add")
    assert len(converted.tests) == converted.left_out == 1


def test_tests_keep_the_order_of_the_source(module_of: Import) -> None:
    source = "if True:\n    assert candidate(1) == 1\nassert candidate(2) == 2\nassert True, 'nothing'\n"
    converted = module_of("asserts").convert(source, "f")
    assert [test["args"] for test in converted.tests] == [[1], [2]]
    assert converted.left_out == 0


def test_a_whole_program_is_tested_by_what_it_prints(module_of: Import) -> None:
    source = "assert run('3\\n') == '9\\n'\nassert run(3) == '9'\nassert candidate('3') == '9'"
    converted = module_of("asserts").convert(source, "")
    assert converted.tests == [{"kind": "stdio", "stdin": "3\n", "stdout": "9\n"}]
    assert converted.left_out == 2


@pytest.mark.parametrize("source", ["", "assert (", "def check(candidate):\n    pass\n", "\0"])
def test_a_source_without_assertions_gives_none(module_of: Import, source: str) -> None:
    assert module_of("asserts").convert(source, "f").tests == []


MBPP = {
    "task_id": 601,
    "text": "Write a function to add two numbers.",
    "code": "def helper(a):\r\n\treturn a\r\ndef add(a, b=1):\r\n\treturn helper(a) + b",
    "test_list": ["assert add(1, 2) == 3", "assert add(5) == 6"],
}


@pytest.mark.parametrize("question", ["text", "prompt"])
def test_a_row_of_mbpp_becomes_a_sample(module_of: Import, question: str) -> None:
    row = {question if key == "text" else key: value for key, value in MBPP.items()}
    preparation = module_of("task").PREPARATION
    adapted = preparation.adapt(row)
    assert preparation.row_problem(adapted) is None
    assert all(each.keep(adapted) for each in preparation.filters)
    sample = preparation.to_sample(adapted)
    assert sample["messages"][0]["content"] == ("Write a function to add two numbers. Define `add(a, b=1)`.")
    assert "\r" not in sample["messages"][1]["content"] and "    return helper(a)" in str(sample)
    assert sample["metadata"] == {"difficulty": "easy", "topic": "numbers", "tests": "2", "left_out": "0"}


HUMAN_EVAL = {
    "task_id": "HumanEval/999",
    "prompt": 'import math\n\n\ndef half(x):\n    """ Half of x.\n    """\n',
    "entry_point": "half",
    "canonical_solution": "    return math.floor(x / 2)\n",
    "test": "def check(candidate):\n    assert candidate(4) == 2\n    assert candidate(7) == 3\n",
}


def test_a_row_of_humaneval_becomes_a_sample(module_of: Import) -> None:
    preparation = module_of("task").PREPARATION
    assert preparation.adapt(HUMAN_EVAL) is HUMAN_EVAL
    assert all(each.keep(HUMAN_EVAL) for each in preparation.filters)
    question, answer = preparation.to_sample(HUMAN_EVAL)["messages"]
    assert question["content"].startswith("Complete this function:\n\n```python\nimport math")
    assert "return math.floor" not in question["content"]
    program = answer["content"].removeprefix("```python\n").removesuffix("\n```")
    namespace: dict[str, Any] = {}
    exec(program, namespace)
    assert namespace["half"](9) == 4


LOOP = """
def check(candidate):
    for x in range(3):
        assert candidate(twice(x)) == x
"""


def test_what_is_no_literal_is_judged_as_a_whole(module_of: Import) -> None:
    """With the helpers that the row's own program defines; a wrong program fails."""
    helper = "def twice(x):\n    return 2 * x\n\n\n"
    row = HUMAN_EVAL | {"prompt": helper + HUMAN_EVAL["prompt"], "test": LOOP}
    task = module_of("task")
    assert all(each.keep(row) for each in task.PREPARATION.filters)
    sample = task.PREPARATION.to_sample(row)
    (test,) = json.loads(sample["ground_truth"])
    assert test["kind"] == "assert" and "def twice" in test["source"]
    assert sample["metadata"]["left_out"] == "0"
    completions = [task.reference_of(sample), *task.wrong_answers(sample)]
    scores = task.TASK.reward(completions, [sample["ground_truth"]] * len(completions))
    assert scores == [1.0] + [0.0] * (len(completions) - 1)


def test_a_whole_source_does_not_bring_the_function_that_it_tests(module_of: Import) -> None:
    """MBPP's sources name the function itself: the reference's own, in the source, would pass for any."""
    source = "def check(f):\n    assert f([1]) == (1,)\n\ncheck(last)\nassert last(one()) == (2,)"
    program = "def one():\n    return [1, 2]\n\ndef last(x):\n    return (x[-1],)"
    test = module_of("asserts").whole(source, "last", program)
    wrong = f"```python\n{program.replace('-1', '0')}\n```"
    right = f"```python\n{program}\n```"
    reward = module_of("task").TASK.reward
    assert reward([right, wrong], [json.dumps([test])] * 2) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"prompt": " "}, "empty"),
        ({"canonical_solution": "    return (\n"}, "bad_program"),
        ({"entry_point": "third"}, "bad_program"),
        ({"test": "def check(candidate):\n    assert abs(candidate(4) - 2) < 1\n"}, "no_literal_tests"),
        ({"test": "assert candidate(4) == 2"}, "no_literal_tests"),
        ({"test": "assert candidate(4) == 2\nassert candidate(5) == 2"}, "weak_tests"),
    ],
)
def test_a_bad_row_is_dropped_by_the_right_filter(
    module_of: Import, change: dict[str, str], reason: str | None
) -> None:
    filters = module_of("task").PREPARATION.filters
    row = HUMAN_EVAL | change
    assert next((each.name for each in filters if not each.keep(row)), None) == reason
