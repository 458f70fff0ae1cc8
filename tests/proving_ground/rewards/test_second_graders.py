"""The second graders: what the rewards may be fooled by, they are not; what is right, they know."""

import json
from typing import Any

import pytest

from proving_ground.rewards import code_reward
from proving_ground.rewards.second import _inputs, exact_calls, hidden_tests, math_verify_strict
from proving_ground.sandbox import RunFailedError, SandboxSettings
from proving_ground.sandbox.local import LocalSandbox

CALLS = [
    {"kind": "call", "function": "double", "args": [3], "expected": 6},
    {"kind": "call", "function": "double", "args": [0], "expected": 0},
]
STDIO = [
    {"kind": "stdio", "stdin": "3\n", "stdout": "6\n"},
    {"kind": "stdio", "stdin": "5\n", "stdout": "10\n"},
]
ASSERTS = [
    {
        "kind": "assert",
        "function": "double",
        "source": "def check(candidate):\n    assert candidate((3, 1)) == (6, 2)\n\ncheck(double)",
    }
]


def fenced(program: str) -> str:
    return f"```python\n{program}\n```"


def graded(tests: Any, reference: str, completion: str) -> tuple[float | None, float | None]:
    """What the reward says, and the second grader."""
    truth = [json.dumps(tests)]
    first = code_reward([completion], truth, all_or_nothing=True)
    return first[0], hidden_tests([completion], truth, [fenced(reference)])[0]


@pytest.mark.parametrize(
    ("tests", "reference", "by_heart", "another"),
    [
        (
            CALLS,
            "def double(x):\n    return 2 * x",
            "def double(x):\n    return {3: 6}.get(x, 0)",
            "return x + x",
        ),
        (STDIO, "print(2 * int(input()))", "print({'3': 6}.get(input(), 10))", "print(int(input()) * 2)"),
        (
            ASSERTS,
            "def double(x):\n    return tuple(2 * i for i in x)",
            "def double(x):\n    return (6, 2)",
            "return tuple(i + i for i in x)",
        ),
    ],
    ids=["call", "stdio", "assert"],
)
def test_tests_known_by_heart_are_not_programs(
    tests: Any, reference: str, by_heart: str, another: str
) -> None:
    """The grader asks what no test asks; another right program passes both."""
    right = another if tests is STDIO else f"def double(x):\n    {another}"
    assert graded(tests, reference, fenced(right)) == (1.0, 1.0)
    assert graded(tests, reference, fenced(by_heart)) == (1.0, 0.0)
    assert graded(tests, reference, "no program") == (0.0, 0.0)


def test_what_an_assertion_asks_is_no_hidden_input() -> None:
    """Nothing is near True: an input that is the test's own would let every program pass that knows it."""
    tests = [{"kind": "assert", "function": "negated", "source": "assert negated(True) is False"}]
    assert _inputs(json.dumps(tests)) == ([], [])
    reference = "def negated(x):\n    return not x"
    assert graded(tests, reference, fenced("def negated(x):\n    return False")) == (1.0, None)


def test_what_the_reference_cannot_answer_is_not_asked() -> None:
    raises = "def double(x):\n    return {3: 6, 0: 0}[x]"
    assert graded(CALLS, raises, fenced("def double(x):\n    return 2 * x")) == (1.0, None)


def test_a_program_that_could_not_be_run_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: Any, **__: Any) -> Any:
        raise RunFailedError("launch", "no room")

    monkeypatch.setattr(LocalSandbox, "run", lost)
    program = fenced("def double(x):\n    return 2 * x")
    assert hidden_tests([program], [json.dumps(CALLS)], [program]) == [None]


def test_programs_run_where_the_settings_say() -> None:
    """Two hundred MiB are more than these settings give, and less than the default."""
    program = fenced("def double(x):\n    bytearray(200 << 20)\n    return 2 * x")
    truth, reference = [json.dumps(CALLS)], [fenced("def double(x):\n    return 2 * x")]
    assert hidden_tests([program], truth, reference) == [1.0]
    assert hidden_tests([program], truth, reference, sandbox=SandboxSettings(memory_mb=100)) == [0.0]


def test_numbers_by_math_verify() -> None:
    answers = [
        "It is \\boxed{7}.",
        "\\boxed{7} or \\boxed{8}",
        "\\boxed{7}, no, \\boxed{8",
        "\\boxed{8}, no, \\boxed{7}",
        "7",
        "\\boxed{8}",
        "<think>\\boxed{7}</think>",
    ]
    assert math_verify_strict(answers, ["7"] * 7) == [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]


def test_calls_by_their_json() -> None:
    truth = json.dumps([{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}])
    call = '<tool_call>{"name": "f", "arguments": {"a": %s}}</tool_call>'
    other = '<tool_call>{"name": "g", "arguments": {}}</tool_call>'
    answers = [
        other + call % "1",
        call % "1",
        other + call % "1.0",
        other + call % "true",
        "<tool_call>{</tool_call>",
    ]
    assert exact_calls(answers, [truth] * 5) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert exact_calls(["None of these tools.", other], ["[]", "[]"]) == [1.0, 0.0]
