"""The OpenR1 example's filters, one table for all, its generator and its wrong answers."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from types import ModuleType
from typing import Any

import pytest

from proving_ground.config import DataConfig
from proving_ground.messages import reference_of
from proving_ground.preparation import FILES, prepare
from proving_ground.rewards import math_reward
from tests.conftest import ROOT

EXAMPLE = "math_example_openr1"
FOLDER = ROOT / "examples" / EXAMPLE
Import = Callable[[str], ModuleType]

GOOD: dict[str, Any] = {
    "problem": "Find x if x + 2 = 6.",
    "solution": r"Take 2 away: $x = 4$. The answer is $\boxed{4}$.",
    "answer": "4",
    "problem_type": "Algebra",
    "question_type": "math-word-problem",
    "source": "olympiads",
    "uuid": "0",
    "is_reasoning_complete": [True, False],
    "generations": ["<think>…", "<think>…"],
    "correctness_math_verify": [True, False],
    "correctness_llama": None,
    "correctness_count": 1,
}

DROPPED: list[tuple[str, dict[str, Any]]] = [
    ("empty", {"problem": ""}),
    ("empty", {"problem": " \n"}),
    ("empty", {"solution": ""}),
    ("empty", {"solution": None}),
    ("empty", {"answer": ""}),
    ("empty", {"answer": None}),
    ("not_found", {"answer": "notfound"}),
    ("not_found", {"answer": "Not Found"}),
    ("not_found", {"answer": "$notfound$"}),
    ("not_found", {"answer": "N/A"}),
    ("overlong", {"problem": "Find x. " * 300}),
    ("overlong", {"solution": "x" * 10_001 + r"\boxed{4}"}),
    ("overlong", {"answer": "4" * 121}),
    ("proof", {"question_type": "proof"}),
    ("proof", {"question_type": "Proof"}),
    ("proof", {"answer": "proof"}),
    ("proof", {"problem": "Prove that 2 + 2 = 4."}),
    ("proof", {"problem": "Let x > 0. Show that x + 1 > 1."}),
    ("proof", {"problem": "If a = b, then prove that b = a."}),
    ("multiple_choice", {"question_type": "MCQ"}),
    ("multiple_choice", {"answer": "B"}),
    ("multiple_choice", {"problem": "What is 2 + 2? (A) 3 (B) 4 (C) 5"}),
    ("incomplete_reasoning", {"is_reasoning_complete": [False, False]}),
    ("incomplete_reasoning", {"is_reasoning_complete": []}),
    ("unverified", {"correctness_math_verify": [False, False]}),
    # complete and correct, but never the same trace
    ("unverified", {"correctness_math_verify": [False, True]}),
    ("unverified", {"correctness_math_verify": None}),
    ("unverified", {"correctness_math_verify": [], "correctness_llama": []}),
    ("answer_coverage", {"problem": "Find the maximum and minimum of f."}),
    ("answer_coverage", {"problem": "What are the largest and the smallest value?"}),
    ("answer_coverage", {"problem": "Find the least and greatest values of x on [0, 4]."}),
    ("answer_coverage", {"problem": "(1) Find a. (2) Find b."}),
    ("answer_coverage", {"problem": "Let f(x) = x.\n(a) What is f(1)?\n(b) What is f(4)?"}),
    ("answer_coverage", {"problem": "(i) Determine x. (ii) Prove it is unique. (iii) Find y."}),
    ("answer_coverage", {"problem": "Find x and y if x + y = 5 and x - y = 3."}),
    ("answer_coverage", {"problem": "Find the values of $a$, $b$ and $c$."}),
    ("answer_coverage", {"problem": "Determine a and b."}),
    ("answer_coverage", {"problem": "What is 2 + 2? What is 3 + 3?"}),
    ("answer_coverage", {"problem": "How many pens are there, and how many books?"}),
    ("answer_coverage", {"problem": "What is the area and what is the perimeter of a square of side 1?"}),
    ("no_final_box", {"solution": "The answer is 4."}),
    ("no_final_box", {"solution": r"First \boxed{4}. Then \boxed{4"}),
    ("unparseable_answer", {"answer": r"\frac{1}{", "solution": r"\boxed{4}"}),
    ("unparseable_answer", {"answer": "(1, 2", "solution": r"\boxed{4}"}),
    ("box_disagrees", {"solution": r"\boxed{5}"}),
    ("box_disagrees", {"solution": r"First \boxed{4}, no: \boxed{5}"}),
    ("box_disagrees", {"answer": r"\frac{1}{2}", "solution": r"\boxed{\frac{2}{1}}"}),
    ("box_disagrees", {"answer": r"\{2, 3\}", "solution": r"\boxed{\{2, 4\}}"}),
]
KEPT: list[dict[str, Any]] = [
    {},
    {"question_type": None},
    {"problem_type": None},
    {"answer": " 4 "},
    {"answer": "4.0"},
    {"answer": "None of the numbers", "solution": r"\boxed{\text{none of the numbers}}"},
    {"problem": "Prove that x exists and find it."},
    {"problem": "Find x such that we can prove that it is prime."},
    {"problem": "How should one show a clock at 4?"},
    {"problem": "Conditions: (1) x > 0; (2) x < 5; (3) x is a square and even. Find x."},
    {"is_reasoning_complete": [False, True], "correctness_math_verify": [False, True]},
    {"correctness_math_verify": [False, False], "correctness_llama": [True, False]},
    {"correctness_math_verify": None, "correctness_llama": [True, False]},
    {"is_reasoning_complete": [True], "correctness_math_verify": [True]},
    {"problem": "Find the sum of the maximum and minimum of f."},
    {"problem": "Find the difference between the largest and smallest value."},
    {"problem": "What is the ratio of the greatest and the least side?"},
    {"problem": "Find the maximum and minimum of f.", "answer": "4, 1", "solution": r"\boxed{4, 1}"},
    {"problem": "Find x and y.", "answer": "(4, 1)", "solution": r"\boxed{(4, 1)}"},
    {"problem": "Find a and b.", "answer": "a = 4, b = 1", "solution": r"\boxed{a = 4, b = 1}"},
    {"problem": "Find the sum of x and y."},
    {"problem": "Numbers a and b add up to 8. Find a if a = b."},
    {"problem": "Find the maximum of f. It has a minimum at 0."},
    {"problem": "Do you know this? Find x if x + 2 = 6."},
    {"answer": "1,000", "solution": r"\boxed{1000}"},
    {"answer": r"\frac{1}{2}", "solution": r"Half: $\boxed{0.5}$"},
    {"answer": r"\{2, 3\}", "solution": r"\boxed{\{3, 2\}}"},
    {"answer": "2x + 6", "solution": r"\boxed{2(x+3)}"},
    {"answer": r"\text{even}", "solution": r"\boxed{\text{Even}}"},
]


def reason(module_of: Import, changes: dict[str, Any]) -> str | None:
    row = {**GOOD, **changes}
    return next((each.name for each in module_of("filters").FILTERS if not each.keep(row)), None)


@pytest.mark.parametrize(("name", "changes"), DROPPED)
def test_a_row_goes_by_the_filter_that_names_its_fault(
    module_of: Import, name: str, changes: dict[str, Any]
) -> None:
    assert reason(module_of, changes) == name


@pytest.mark.parametrize("changes", KEPT, ids=str)
def test_a_good_row_stays(module_of: Import, changes: dict[str, Any]) -> None:
    assert reason(module_of, changes) is None


def test_the_generator_has_the_real_columns_and_something_for_every_filter(module_of: Import) -> None:
    rows = list(islice(module_of("builtin_rows").builtin_rows(3), 3000))
    assert {tuple(row) for row in rows} == {tuple(GOOD)}
    preparation = module_of("task").PREPARATION
    assert [preparation.row_problem(row) for row in rows] == [None] * len(rows)
    counts = Counter(
        next((each.name for each in preparation.filters if not each.keep(row)), "kept") for row in rows
    )
    for each in preparation.filters:
        assert counts[each.name] >= 20, each.name
    assert counts["kept"] > 1800


def test_good_generated_rows_are_never_dropped(module_of: Import) -> None:
    """Each spoiled row is dropped, so what the filters drop beyond them would be their mistake."""
    builtin = module_of("builtin_rows")
    rng = random.Random(5)
    for _ in range(800):
        row = builtin._good_row(rng)
        assert reason(module_of, row) is None, row


def test_every_cell_of_the_declared_coverage_is_met() -> None:
    manifest = json.loads((FOLDER / "dataset.manifest.json").read_text())
    strata = manifest["coverage"]["strata"]
    assert len(strata) == 64
    assert all(each["rows"]["dataset"] >= each["quota"]["dataset"] >= 1 for each in strata)
    assert len(manifest["coverage"]["substrata"]["source"]) == 6
    assert all(count > 0 for name, count in manifest["dropped"].items() if name != "near_duplicate")


def test_wrong_answers_are_wrong_for_every_answer_type(module_of: Import) -> None:
    task = module_of("task")
    for problem_type, templates in module_of("problems").PROBLEMS.items():
        for kind in templates:
            problem, answer = module_of("problems").draw(random.Random(1), problem_type, kind)
            row = {**GOOD, "problem": problem, "answer": answer, "solution": rf"$\boxed{{{answer}}}$."}
            sample = task.to_sample({**row, "problem_type": problem_type})
            wrong = task.wrong_answers(sample)
            right, *others = task.demonstrations(sample)
            texts = [right, *wrong, *others]
            scores = math_reward(texts, ground_truth=[answer] * len(texts))
            assert scores == [1.0] + [0.0] * (len(texts) - 1), (answer, texts, scores)


@pytest.mark.parametrize(
    "unit", [r"\text{", "$", "(A", "(A) ", "A. ", "if a, ", "what ", "{", "(1) ", "x, y and ", "0,0"]
)
def test_filters_take_no_time_on_hostile_text(module_of: Import, unit: str) -> None:
    row = {**GOOD, "problem": (unit * 2000)[:2000], "solution": (unit * 9000)[:9000] + r"\boxed{4}"}
    reason(module_of, row)  # first call: imports
    start = time.process_time()
    reason(module_of, row)
    assert time.process_time() - start < 1.0


def test_every_gold_answer_scores_one(module_of: Import) -> None:
    """All rows of all three files, not only those that step 1 reads."""
    preparation = module_of("task").PREPARATION
    result = prepare(EXAMPLE, preparation, DataConfig(warm_start=4000))
    samples = [json.loads(line) for name in FILES for line in result.contents[name].splitlines()]
    assert len(samples) == 4200
    scores = math_reward(
        [reference_of(s) for s in samples], ground_truth=[s["ground_truth"] for s in samples]
    )
    assert scores == [1.0] * len(samples)
