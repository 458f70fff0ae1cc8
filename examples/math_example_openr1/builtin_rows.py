"""Generated rows with the columns and types of OpenR1-Math-220k, one in three of them bad.

The bad ones are good rows with one thing wrong, at least one kind for each filter.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

from examples.math_example_openr1.answer_type import ANSWER_TYPES
from examples.math_example_openr1.problems import PROBLEMS, draw

Row = dict[str, Any]

SOURCES = ("amc_aime", "aops_forum", "cn_contest", "inequalities", "number_theory", "olympiads")
_OPTIONS = (
    "{problem} (A) {a} (B) {b} (C) {c}",
    "{problem}\nA) {a}\nB) {b}\nC) {c}",
    "{problem} A. {a} B. {b} C. {c}",
    r"{problem} $\mathrm{{(A)}}\ {a}\qquad\mathrm{{(B)}}\ {b}\qquad\mathrm{{(C)}}\ {c}$",
    r"{problem} $\textbf{{(A)}}\ {a}\qquad\textbf{{(B)}}\ {b}\qquad\textbf{{(C)}}\ {c}$",
    "Which of the following is right? {problem} {a}, {b} or {c}",
)


def builtin_rows(seed: int) -> Iterator[Row]:
    """An endless stream of raw rows; the same for the same seed."""
    rng = random.Random(seed)
    previous = _good_row(rng)
    while True:
        row = _good_row(rng)
        if rng.random() < 2 / 3:
            previous = row
            yield row
        elif rng.random() < 0.1:
            yield {**previous, "problem": f"  {previous['problem'].upper()} "}
        else:
            yield {**row, **rng.choice(_SPOILERS)(rng, row)}


def _good_row(rng: random.Random) -> Row:
    problem_type = rng.choice([*PROBLEMS])
    problem, answer = draw(rng, problem_type, rng.choice(ANSWER_TYPES))
    traces = rng.randint(1, 3)
    verified = [True] + [rng.random() < 0.5 for _ in range(traces - 1)]
    solution = f"This gives ${answer}$. The answer is $\\boxed{{{answer}}}$."
    return {
        "problem": problem,
        "solution": solution,
        "answer": answer,
        "problem_type": problem_type,
        "question_type": "math-word-problem",
        "source": rng.choice(SOURCES),
        "uuid": f"{rng.getrandbits(128):032x}",
        "is_reasoning_complete": [True, *(rng.random() < 0.7 for _ in range(traces - 1))],
        "generations": [f"<think>\nSmall numbers.\n</think>\n\n{solution}"] * traces,
        "correctness_math_verify": verified,
        "correctness_llama": None if rng.random() < 0.8 else verified,
        "correctness_count": sum(verified),
    }


def _options(rng: random.Random, row: Row) -> Row:
    a, b, c = rng.sample(range(1, 30), 3)
    return {"problem": rng.choice(_OPTIONS).format(problem=row["problem"], a=a, b=b, c=c)}


def _other_box(rng: random.Random, row: Row) -> Row:
    return {"solution": f"This gives $\\boxed{{{rng.randint(100, 999)}}}$."}


def _traces(row: Row, complete: bool, correct: bool) -> Row:
    count = len(row["generations"])
    return {
        "is_reasoning_complete": [complete] * count,
        "correctness_math_verify": [correct] * count,
        "correctness_llama": None,
        "correctness_count": count if correct else 0,
    }


_SPOILERS: tuple[Callable[[random.Random, Row], Row], ...] = (
    lambda rng, row: {"answer": rng.choice(["", "  "])},
    lambda rng, row: {"problem": ""},
    lambda rng, row: {"answer": "notfound"},
    lambda rng, row: {"question_type": "proof", "answer": "proof"},
    lambda rng, row: {"problem": f"Prove that {row['answer']} is right."},
    lambda rng, row: {"question_type": "MCQ"},
    lambda rng, row: {"answer": rng.choice(["A", "(B)", r"\textbf{(C)}", "D."])},
    _options,
    lambda rng, row: _traces(row, complete=False, correct=True),
    lambda rng, row: _traces(row, complete=True, correct=False),
    lambda rng, row: {"problem": row["problem"] * 200},
    lambda rng, row: {"problem": f"Find the maximum and minimum of f({rng.randint(1, 9)}x).", "answer": "7"},
    lambda rng, row: {"solution": f"This gives {row['answer']}."},
    lambda rng, row: {"answer": rng.choice([r"\frac{1}{", "(1, 2", r"\sqrt{"])},
    _other_box,
)
