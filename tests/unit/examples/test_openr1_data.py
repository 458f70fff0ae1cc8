"""The OpenR1 example's filters, answer types and generator, one table each."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from types import ModuleType
from typing import Any

import pytest

from common.messages import reference_of
from common.preparation import FILES, Wanted, prepare
from common.rewards import math_reward
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


TYPES = {
    "integer": [
        "4",
        "-17",
        "+3",
        "1,000",
        "12{,}345",
        "$7$",
        r"\(7\)",
        r"5\text{ cm}",
        r"90^\circ",
        r"45^{\circ}",
        r"12\%",
        "12%",
        r"3 \mathrm{~m}^2",
        "2019.",
    ],
    "decimal": ["4.5", "-0.25", ".5", "1,234.5", r"2.5\text{ kg}", r"12.5\%"],
    "fraction": [r"\frac{1}{2}", r"-\frac{3}{4}", r"\dfrac{5}{6}", r"\tfrac12", "3/4", r"1\frac{1}{2}"],
    "expression": [
        "2x + 6",
        r"\sqrt{2}",
        r"2\pi",
        r"\frac{a}{b}",
        "x^2",
        r"\frac{1+\sqrt{5}}{2}",
        "2^{10}",
        "n!",
        "ab",
        r"\log_2 3",
        "(x - 2)(x + 2)",
    ],
    "equation": ["y = 2x + 3", "x=5", "x^2 + y^2 = 4", "a = 1, b = 2", r"f(x) = x"],
    "set": [
        r"\{2, 3\}",
        "(1, 2)",
        "(1, 2, 3)",
        "2, 3",
        "2 and 3",
        r"2 \text{ or } 3",
        r"\pm 3",
        r"\mathbb{R}",
        r"\emptyset",
        r"\left\{1, 2\right\}",
        "-1; 4",
    ],
    "interval": [
        "[1, 2]",
        "[1, 2)",
        "(1, 2]",
        r"(-\infty, 3]",
        r"(2, \infty)",
        r"(1, 2) \cup (3, 4)",
        "x > 3",
        r"1 \le x < 2",
        r"x \in (1, 2)",
        r"x \geq 0",
        r"[0, +\infty)",
    ],
    "text": [
        r"\text{even}",
        "Tuesday",
        r"\text{Yes}",
        "no",
        r"\text{no solution}",
        "Ann",
        r"\mathrm{isosceles}",
        "team Blue",
    ],
}


@pytest.mark.parametrize(("kind", "answer"), [(kind, a) for kind, answers in TYPES.items() for a in answers])
def test_the_answer_type(module_of: Import, kind: str, answer: str) -> None:
    assert module_of("answer_type").answer_type(answer) == kind


def test_every_template_makes_its_answer_type(module_of: Import) -> None:
    import random

    problems, answer_type = module_of("problems"), module_of("answer_type")
    assert len(problems.PROBLEMS) == 8
    for problem_type, templates in problems.PROBLEMS.items():
        assert tuple(templates) == answer_type.ANSWER_TYPES
        for kind in templates:
            for seed in range(20):
                problem, answer = problems.draw(random.Random(seed), problem_type, kind)
                assert answer_type.answer_type(answer) == kind, answer
                assert "@" not in problem + answer and len(problem.split()) <= 25


@pytest.mark.parametrize(
    ("problem_type", "kind", "pattern", "value"),
    [
        ("Algebra", "integer", r"\w if \w \+ (\d+) = (\d+)", lambda a, s: s - a),
        ("Number Theory", "integer", r"when (\d+) is divided by (\d+)", lambda n, b: n % b),
        ("Geometry", "integer", r"sides (\d+) and (\d+)", lambda a, b: a * b),
        ("Other", "integer", r"(\d+) \* (\d+) \+ (\d+)", lambda a, b, c: a * b + c),
        ("Calculus", "integer", r"\w\^2 \+ (\d+)\w at \w = (\d+)", lambda b, a: 2 * a + b),
        ("Inequalities", "integer", r"> (\d+) \+ (\d+)", lambda a, b: a + b + 1),
        ("Combinatorics", "integer", r"one of (\d+) \w+ and one of (\d+)", lambda a, b: a * b),
        ("Logic and Puzzles", "integer", r"has (\d+) \w+ and \w+ has (\d+) more", lambda a, c: a + c),
        ("Calculus", "fraction", r"\^(\d) from 0 to 1", lambda k: rf"\frac{{1}}{{{k + 1}}}"),
        ("Calculus", "decimal", r"\+ (\d+) from 0 to 1", lambda a: a + 0.5),
        ("Algebra", "text", r"Is (\d+) a root of \w\^2 - (\d+)", lambda a, g: "yes" if a * a == g else "no"),
        ("Number Theory", "text", r"(\d+) \+ (\d+)", lambda s, c: "odd" if (s + c) % 2 else "even"),
        (
            "Inequalities",
            "text",
            r"(\d+) \+ (\d+) greater or less than (\d+)",
            lambda a, b, h: "greater" if a + b > h else "less",
        ),
        ("Calculus", "text", r"Is (-?\d+)\w", lambda s: "increasing" if s > 0 else "decreasing"),
        (
            "Calculus",
            "equation",
            r"y = x\^2 at x = (\d+)",
            lambda a: f"y = {2 * a}x - {a * a}",
        ),
    ],
)
def test_generated_answers_are_right(
    module_of: Import, problem_type: str, kind: str, pattern: str, value: Callable[..., Any]
) -> None:
    """Computed again from the text of the problem."""
    import random

    for seed in range(30):
        problem, answer = module_of("problems").draw(random.Random(seed), problem_type, kind)
        found = re.search(pattern, problem)
        assert found, problem
        expected = value(*map(int, found.groups()))
        assert answer in (str(expected), rf"\text{{{expected}}}"), problem


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
    import random

    builtin = module_of("builtin_rows")
    rng = random.Random(5)
    for _ in range(800):
        row = builtin._good_row(rng)
        assert reason(module_of, row) is None, row


def test_every_cell_of_the_declared_coverage_is_met() -> None:
    manifest = json.loads((FOLDER / "dataset.manifest.json").read_text())
    cells = manifest["coverage"]["cells"]
    assert len(cells) == 64
    assert all(cell["rows"] >= cell["quota"] >= 1 for cell in cells)
    assert len(manifest["coverage"]["within"]["source"]) == 6
    assert all(count > 0 for name, count in manifest["dropped"].items() if name != "near_duplicate")


def test_wrong_answers_are_wrong_for_every_answer_type(module_of: Import) -> None:
    import random

    task = module_of("task")
    for problem_type, templates in module_of("problems").PROBLEMS.items():
        for kind in templates:
            problem, answer = module_of("problems").draw(random.Random(1), problem_type, kind)
            row = {**GOOD, "problem": problem, "answer": answer, "solution": rf"$\boxed{{{answer}}}$."}
            sample = task.to_sample({**row, "problem_type": problem_type})
            wrong = task.wrong_answers(sample)
            right, *others = task.phrasings(sample)
            texts = [right, *wrong, *others]
            scores = math_reward(texts, ground_truth=[answer] * len(texts))
            assert scores == [1.0] + [0.0] * (len(texts) - 1), (answer, texts, scores)


@pytest.mark.parametrize(
    "unit", [r"\text{", "$", "(A", "(A) ", "A. ", "if a, ", "what ", "{", "(1) ", "x, y and ", "0,0"]
)
def test_filters_take_no_time_on_hostile_text(module_of: Import, unit: str) -> None:
    row = {**GOOD, "problem": (unit * 2000)[:2000], "solution": (unit * 9000)[:9000] + r"\boxed{4}"}
    reason(module_of, row)  # first call: imports
    start = time.perf_counter()
    reason(module_of, row)
    assert time.perf_counter() - start < 1.0


def test_every_gold_answer_scores_one(module_of: Import) -> None:
    """All rows of all three files, not only those that step 1 reads."""
    preparation = module_of("task").PREPARATION
    result = prepare(EXAMPLE, preparation, Wanted("builtin", 0, 100, 100, 4000))
    samples = [json.loads(line) for name in FILES for line in result.contents[name].splitlines()]
    assert len(samples) == 4200
    scores = math_reward(
        [reference_of(s) for s in samples], ground_truth=[s["ground_truth"] for s in samples]
    )
    assert scores == [1.0] * len(samples)
