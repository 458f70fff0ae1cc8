"""The composite example: filters, conversion, generator, and which part each answer earns."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from types import ModuleType
from typing import Any

import pytest

from proving_ground.dataset import sample_problem
from proving_ground.rewards import composite_reward
from proving_ground.stages.task import score

EXAMPLE = "composite_example"
Import = Callable[[str], ModuleType]

TESTS = [{"args": [3, 4], "expected": 7}, {"args": [1, 1], "expected": 2}]
ROW = {
    "question": " Ann has 3 eggs and gets 4 more. How many is that? ",
    "answer": "7",
    "program": "def f(a, b):\n    return a + b\n",
    "tests": json.dumps(TESTS),
}


@pytest.mark.parametrize(
    ("changed", "dropped_by"),
    [
        ({}, None),
        ({"answer": "-7", "tests": json.dumps([{"args": [], "expected": -7}, TESTS[0]])}, None),
        ({"question": "\n"}, "empty"),
        ({"program": ""}, "empty"),
        ({"answer": "seven"}, "no_number"),
        ({"answer": "7.0"}, "no_number"),
        ({"program": "def f(a, b)\n    return a"}, "bad_program"),
        ({"program": "def g(a, b):\n    return a"}, "bad_program"),
        ({"program": "f = max"}, "bad_program"),
        ({"program": "def f(a):\n    return \x00"}, "bad_program"),
        ({"tests": "[]"}, "bad_tests"),
        ({"tests": "["}, "bad_tests"),
        ({"tests": '[{"args": [3, 4]}]'}, "bad_tests"),
        ({"tests": '[{"args": 3, "expected": 7}]'}, "bad_tests"),
        ({"tests": json.dumps([TESTS[0], TESTS[0]])}, "bad_tests"),
        ({"answer": "8"}, "disagreement"),
        ({"tests": json.dumps(TESTS[::-1])}, "disagreement"),
    ],
)
def test_each_filter_drops_what_it_names(
    module_of: Import, changed: dict[str, str], dropped_by: str | None
) -> None:
    preparation = module_of("task").PREPARATION
    row = {**ROW, **changed}
    assert preparation.row_problem(row) is None
    assert next((f.name for f in preparation.filters if not f.keep(row)), None) == dropped_by


def test_a_sample_has_one_ground_truth_for_both(module_of: Import) -> None:
    sample = module_of("task").to_sample(ROW)
    assert sample_problem(sample) is None
    assert sample["messages"][0]["content"] == ROW["question"].strip()
    truth = json.loads(sample["ground_truth"])
    assert truth["math"] == "7"
    assert [(test["kind"], test["function"], test["args"], test["expected"]) for test in truth["code"]] == [
        ("call", "f", [3, 4], 7),
        ("call", "f", [1, 1], 2),
    ]
    assert sample["metadata"] == {"operation": "a + b", "answer": "below 10"}


def test_the_generator_has_something_for_every_filter_and_operation(module_of: Import) -> None:
    task = module_of("task")
    reasons, operations = Counter[str](), Counter[str]()
    for row in islice(module_of("builtin_rows").builtin_rows(3), 2000):
        assert task.PREPARATION.row_problem(row) is None
        reason = next((f.name for f in task.PREPARATION.filters if not f.keep(row)), "kept")
        reasons[reason] += 1
        if reason == "kept":
            operations[task.to_sample(row)["metadata"]["operation"]] += 1
    assert set(reasons) == {"kept", *(f.name for f in task.PREPARATION.filters)}
    assert set(operations) == set(task.OPERATIONS) and min(operations.values()) > 250


def test_builtin_rows_depend_on_the_seed_alone(module_of: Import) -> None:
    rows = module_of("builtin_rows").builtin_rows
    assert list(islice(rows(1), 50)) == list(islice(rows(1), 50)) != list(islice(rows(2), 50))


def test_reference_programs_compute_the_answer_of_their_question(module_of: Import) -> None:
    """The generated question, number, program and tests say the same thing."""
    for row in islice(module_of("builtin_rows").builtin_rows(4), 300):
        if all(f.keep(row) for f in module_of("task").PREPARATION.filters):
            namespace: dict[str, Any] = {}
            exec(row["program"], namespace)
            first, *others = json.loads(row["tests"])
            assert str(namespace["f"](*first["args"])) == row["answer"]
            assert all(str(number) in row["question"] for number in first["args"])
            assert all(namespace["f"](*test["args"]) == test["expected"] for test in others)


def test_the_parts_of_an_answer_earn_half_each(module_of: Import) -> None:
    task = module_of("task")
    sample = task.to_sample(ROW)
    demonstrations = task.demonstrations(sample)
    assert score(task.TASK, demonstrations, [sample] * 4) == [1.0, 0.0, 0.5, 0.5]
    columns = {"ground_truth": [sample["ground_truth"]] * 4}
    parts = composite_reward.parts
    assert dict(task.TASK.rewards) == parts
    assert parts["math"](demonstrations, **columns) == [1.0, 0.0, 0.0, 1.0]
    assert parts["code"](demonstrations, **columns) == [1.0, 0.0, 1.0, 0.0]
    wrong = task.wrong_answers(sample)
    assert score(task.TASK, wrong, [sample] * len(wrong)) == [0.0] * len(wrong)
    columns["reference"] = demonstrations[:1] * 4
    assert task.TASK.second_grader(demonstrations, **columns) == [1.0, 0.0, 0.0, 0.0], "both parts or nothing"


def test_the_weights_of_training_are_those_of_the_reward(module_of: Import) -> None:
    """TRL's ``reward_weights`` follow the order of the reward functions."""
    folder = module_of("task").TASK.folder
    configs = sorted(folder.glob("config*.json"))
    assert [path.name for path in configs] == ["config.gpu.json", "config.json"]
    for path in configs:
        weights = json.loads(path.read_text())["grpo"]["reward_weights"]
        assert dict(zip(composite_reward.parts, weights, strict=True)) == composite_reward.weights
