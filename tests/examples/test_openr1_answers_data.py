"""The OpenR1 example's answer types, and the answers of its generated problems."""

import random
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = "math_example_openr1"
Import = Callable[[str], ModuleType]

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
    for seed in range(30):
        problem, answer = module_of("problems").draw(random.Random(seed), problem_type, kind)
        found = re.search(pattern, problem)
        assert found, problem
        expected = value(*map(int, found.groups()))
        assert answer in (str(expected), rf"\text{{{expected}}}"), problem
