"""Generated rows: a word problem, its answer, a program for any numbers, and tests of the program.

The first test has the numbers of the question. About one row in nine is bad: each filter finds
something to drop.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

NAMES = ("Ann", "Ben", "Eva", "Max", "Mia", "Tom")
THINGS = ("apples", "books", "cards", "eggs", "pens", "shells")


@dataclass(frozen=True)
class Kind:
    """One sort of problem: its question, the expression of the program, its value, and its numbers."""

    question: str
    expression: str
    value: Callable[[int, int], int]
    numbers: Callable[[random.Random], tuple[int, int]]


def _below(rng: random.Random) -> tuple[int, int]:
    a = rng.randint(4, 12)
    return a, rng.randint(1, a - 1)


def _small(rng: random.Random) -> tuple[int, int]:
    return rng.randint(2, 9), rng.randint(2, 9)


def _factors(rng: random.Random) -> tuple[int, int]:
    return rng.randint(2, 5), rng.randint(2, 4)


def _shares(rng: random.Random) -> tuple[int, int]:
    a, b = _factors(rng)
    return a * b, b


KINDS: Mapping[str, Kind] = {
    "add": Kind(
        "{name} has {a} {things} and gets {b} more. How many is that?", "a + b", lambda a, b: a + b, _small
    ),
    "subtract": Kind(
        "{name} has {a} {things} and loses {b}. How many are left?", "a - b", lambda a, b: a - b, _below
    ),
    "multiply": Kind(
        "{name} has {a} bags with {b} {things} each. How many is that?",
        "a * b",
        lambda a, b: a * b,
        _factors,
    ),
    "divide": Kind(
        "{name} puts {a} {things} in {b} bags, the same in each. How many are in each?",
        "a // b",
        lambda a, b: a // b,
        _shares,
    ),
    "larger": Kind(
        "{name} can have {a} or {b} {things} and takes the most. How many is that?", "max(a, b)", max, _small
    ),
}


def builtin_rows(seed: int) -> Iterator[dict[str, str]]:
    """An endless stream of raw rows; the same for the same seed."""
    rng = random.Random(seed)
    good = _row(rng)
    while True:
        if rng.random() < 0.89:
            good = _row(rng)
            yield good
        else:
            yield _row(rng) | _bad_row(rng, good)


def _row(rng: random.Random) -> dict[str, str]:
    kind = KINDS[rng.choice([*KINDS])]
    numbers = kind.numbers(rng)
    question = kind.question.format(
        name=rng.choice(NAMES), things=rng.choice(THINGS), a=numbers[0], b=numbers[1]
    )
    tests = [numbers, *((rng.randint(20, 90), rng.randint(2, 19)) for _ in range(3))]
    return {
        "question": question,
        "answer": str(kind.value(*numbers)),
        "program": f"def f(a, b):\n    return {kind.expression}",
        "tests": json.dumps([{"args": [*args], "expected": kind.value(*args)} for args in tests]),
    }


def _bad_row(rng: random.Random, good: dict[str, str]) -> dict[str, str]:
    """What makes a row one that must be dropped, or a duplicate of the last good one."""
    return rng.choice(
        [
            {"question": " "},
            {"answer": "some"},
            {"program": "def f(a, b)\n    return a"},
            {"program": "f = 1"},
            {"tests": "[]"},
            {"tests": '[{"args": [1, 2], "expected": 3}, {"args": [2, 1], "expected": 3}]'},
            {"answer": "99"},
            {**good, "question": good["question"].upper()},
            dict(good),
        ]
    )
