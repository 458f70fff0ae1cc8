"""Several rewards in one: declared weights exactly, parts left out, the gate, failures passed through."""

import json
import pickle
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proving_ground.errors import InfrastructureError
from proving_ground.rewards import composite_reward
from proving_ground.rewards.code import code_reward
from proving_ground.rewards.composite import make_composite_reward
from proving_ground.rewards.contract import report_failures
from proving_ground.rewards.math import math_reward
from proving_ground.sandbox import RunResult

TESTS = [{"kind": "call", "function": "f", "args": [a, 2], "expected": a + 2} for a in (1, 5)]
TRUTH = json.dumps({"math": "7", "code": TESTS})
RIGHT, WRONG = "return a + b", "return a - b"


def answer(number: int, program: str) -> str:
    return f"```python\ndef f(a, b):\n    {program}\n```\n\\boxed{{{number}}}"


def fixed(*scores: float | None) -> Callable[..., list[float | None]]:
    """A reward that says what it was told to, row by row."""

    def reward(completions: Sequence[str], ground_truth: Sequence[str], **columns: Any) -> list[float | None]:
        return [scores[int(truth)] for truth in ground_truth]

    return reward


def truths(*rows: dict[str, int]) -> list[str]:
    return [json.dumps({name: str(index) for name, index in row.items()}) for row in rows]


@pytest.mark.parametrize(
    ("number", "program", "expected"),
    [(7, RIGHT, 1.0), (7, WRONG, 0.3), (8, RIGHT, 0.7), (8, WRONG, 0.0), (7, "return 3", 0.3 + 0.7 / 2)],
)
def test_each_part_earns_exactly_its_weight(number: int, program: str, expected: float) -> None:
    reward = make_composite_reward({"math": math_reward, "code": code_reward}, {"math": 0.3, "code": 0.7})
    assert reward([answer(number, program)], [TRUTH]) == [expected]


def test_a_constant_program_earns_nothing_for_the_tests_that_it_happens_to_pass() -> None:
    assert composite_reward([answer(8, "return 3"), answer(8, RIGHT)], [TRUTH, TRUTH]) == [0.0, 0.5]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((1.0, 1.0, 1.0), 1.0),
        ((1.0, None, None), 1.0),
        ((None, 0.0, 1.0), 3 / 5),
        ((0.0, None, 1.0), 3 / 4),
        ((0.5, None, 0.0), 1 / 8),
        ((None, None, 0.0), 0.0),
        ((None, None, None), None),
    ],
)
def test_a_part_that_does_not_apply_is_left_out(
    scores: tuple[float | None, ...], expected: float | None
) -> None:
    parts = dict(zip("abc", map(fixed, scores), strict=True))
    reward = make_composite_reward(parts, {"a": 1, "b": 2, "c": 3})
    assert reward(["x"], truths(dict.fromkeys("abc", 0))) == [expected]
    present = [name for name, score in zip("abc", scores, strict=True) if score is not None]
    if present:  # missing from the row is the same as None
        assert reward(["x"], truths(dict.fromkeys(present, 0))) == [expected]


def test_a_part_that_failed_costs_only_the_rows_that_have_it() -> None:
    def failing(completions: Any, ground_truth: Any, **columns: Any) -> list[float | None]:
        report_failures(columns, "launch", 1)
        return [None] * len(completions)

    reward = make_composite_reward({"a": fixed(1.0, 1.0), "b": failing}, {"a": 0.5, "b": 0.5})
    logged: list[Any] = []
    asked = ["", ""], truths({"a": 0, "b": 0}, {"a": 1})
    assert reward(*asked, log_metric=lambda *entry: logged.append(entry)) == [None, 1.0]
    assert logged


def test_each_row_gets_its_own_columns() -> None:
    seen: dict[str, Any] = {}

    def reward(completions: Sequence[str], ground_truth: Sequence[str], **columns: Any) -> list[float]:
        seen.update(completions=completions, ground_truth=ground_truth, **columns)
        return [1.0] * len(completions)

    parts = make_composite_reward({"a": reward, "b": fixed(0.0)}, {"a": 1, "b": 1})
    rows = truths({"b": 0}, {"a": 4, "b": 0}, {"a": 5})
    assert parts(["x", "y", "z"], rows, id=["i", "j", "k"], trainer_state="state") == [0.0, 0.5, 1.0]
    assert seen == {
        "completions": ["y", "z"], "ground_truth": ["4", "5"], "id": ["j", "k"], "trainer_state": "state"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "other", "expected"),
    [(1.0, 0.5, 0.75), (1.0, None, 1.0), (0.99, 1.0, 0.495), (0.0, 1.0, 0.0), (None, 0.5, 0.5)],
)
def test_behind_a_gate_the_rest_counts_only_for_right_answers(
    gate: float | None, other: float | None, expected: float
) -> None:
    parts = {"answer": fixed(gate), "format": fixed(other)}
    reward = make_composite_reward(parts, {"answer": 1, "format": 1}, gate="answer")
    assert reward(["x"], truths({"answer": 0, "format": 0})) == [pytest.approx(expected)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1) | st.none()), min_size=1, max_size=5))
def test_the_score_stays_between_those_of_its_parts(rows: list[tuple[float, float | None]]) -> None:
    names = [str(index) for index in range(len(rows))]
    reward = make_composite_reward(
        dict(zip(names, (fixed(score) for _, score in rows), strict=True)),
        dict(zip(names, (weight for weight, _ in rows), strict=True)),
    )
    (score,) = reward(["x"], truths(dict.fromkeys(names, 0)))
    present = [part for _, part in rows if part is not None]
    if not present:
        assert score is None
    else:
        assert score is not None
        assert min(present) - 1e-12 <= score <= min(1.0, max(present) + 1e-12)


class BrokenSandbox:
    workers = 1

    def run(self, *arguments: Any, **options: Any) -> RunResult:
        raise InfrastructureError("the sandbox is gone")

    def run_each(self, *arguments: Any, **options: Any) -> Generator[RunResult]:
        raise InfrastructureError("the sandbox is gone")


def test_a_sandbox_failure_is_no_low_score() -> None:
    reward = make_composite_reward(
        {"math": math_reward, "code": partial(code_reward, sandbox=BrokenSandbox())},
        {"math": 0.5, "code": 0.5},
    )
    with pytest.raises(InfrastructureError, match="the sandbox is gone"):
        reward([answer(7, RIGHT)], [TRUTH])


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (None, "expected a JSON string, found NoneType"),
        ("7", "expected a JSON object"),
        ("{}", "one or more parts"),
        ("{", "Expecting property name"),
        ('{"math": "7", "code": NaN}', "NaN is not JSON"),
        (json.dumps({"maths": "7"}), "unknown part 'maths'; the parts are math, code"),
        (json.dumps({"math": "seven ("}), "ground_truth"),
        (json.dumps({"code": []}), "row 0 (id b)"),
    ],
)
def test_a_broken_ground_truth_is_no_wrong_answer(truth: Any, words: str) -> None:
    with pytest.raises(InfrastructureError) as raised:
        composite_reward(["x", "y"], [json.dumps({"math": "7"}), truth], id=["a", "b"])
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("weights", "gate"), [({"a": 1}, None), ({"a": 1, "b": 0}, None), ({"a": 1, "b": -1}, None),
                          ({"a": 1, "b": float("nan")}, None), ({"a": 1, "b": 1}, "c")]
)  # fmt: skip
def test_weights_and_gate_must_fit_the_parts(weights: dict[str, float], gate: str | None) -> None:
    with pytest.raises(ValueError, match=r"weights|gate"):
        make_composite_reward({"a": fixed(1.0), "b": fixed(1.0)}, weights, gate)


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(InfrastructureError, match="2 completions"):
        composite_reward(["x", "y"], [TRUTH])


def test_parts_are_named_as_trl_will_log_them() -> None:
    assert {name: part.__name__ for name, part in composite_reward.parts.items()} == {
        "math": "math",
        "code": "code",
    }
    assert pickle.loads(pickle.dumps(composite_reward)).weights == composite_reward.weights
