"""Generated rows in the raw schema of GSM8K: ``question``, and ``answer`` with ``<<3+4=7>>`` and ``#### 7``.

The world is small on purpose (few words, results from 0 to 20), so that a policy of a million weights
can learn it in a minute. About one row in nine is bad: each filter finds something to drop.
"""

import random
from collections.abc import Iterator

NAMES = ("Ann", "Ben", "Eva", "Max", "Mia", "Tom")
THINGS = ("apples", "books", "cards", "eggs", "pens", "shells")

ONE_STEP = {
    "+": (
        "{name} has {a} {things}. {name} gets {b} more. How many {things} does {name} have now?",
        "{name} has {a} {things} and finds {b} more. How many {things} is that?",
    ),
    "-": (
        "{name} has {a} {things}. {name} gives away {b}. How many {things} are left?",
        "{name} has {a} {things} and loses {b}. How many {things} are left?",
    ),
    "*": (
        "{name} has {a} bags with {b} {things} each. How many {things} is that?",
        "There are {a} bags. {name} puts {b} {things} in each. How many {things} is that?",
    ),
    "/": (
        "{name} puts {a} {things} in {b} bags, the same in each. How many {things} are in each bag?",
        "{name} has {a} {things} for {b} bags, the same in each. How many {things} are in each bag?",
    ),
}
TWO_STEPS = {
    "++": "{name} has {a} {things}. {name} gets {b} more and finds {c} more. How many {things} is that?",
    "--": "{name} has {a} {things}. {name} gives away {b} and loses {c}. How many {things} are left?",
    "+-": "{name} has {a} {things}. {name} gets {b} more and gives away {c}. How many {things} are left?",
    "*-": "{name} has {a} bags with {b} {things} each and gives away {c}. How many {things} are left?",
}


def builtin_rows(seed: int) -> Iterator[dict[str, str]]:
    """An endless stream of raw rows; the same for the same seed."""
    rng = random.Random(seed)
    good = _good_row(rng)
    while True:
        kind = rng.random()
        if kind < 0.89:
            good = _good_row(rng)
            yield good
        else:
            yield _bad_row(rng, good)


def _good_row(rng: random.Random) -> dict[str, str]:
    if rng.random() < 0.55:
        operator = rng.choice([*ONE_STEP])
        a, b = _operands(rng, operator)
        return _row(rng, rng.choice(ONE_STEP[operator]), operator, [a, b])
    operators = rng.choice([*TWO_STEPS])
    while True:
        a, b = _operands(rng, operators[0])
        c = rng.randint(1, 5)
        between = _value(a, operators[0], b)
        if 0 <= _value(between, operators[1], c) <= 20:
            return _row(rng, TWO_STEPS[operators], operators, [a, b, c])


def _operands(rng: random.Random, operator: str) -> tuple[int, int]:
    if operator == "+":
        return rng.randint(2, 9), rng.randint(2, 9)
    if operator == "-":
        a = rng.randint(3, 12)
        return a, rng.randint(1, a)
    a, b = rng.randint(2, 5), rng.randint(2, 4)
    return (a, b) if operator == "*" else (a * b, b)


def _value(a: int, operator: str, b: int) -> int:
    return {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[operator]


def _row(rng: random.Random, template: str, operators: str, numbers: list[int]) -> dict[str, str]:
    name, things = rng.choice(NAMES), rng.choice(THINGS)
    question = template.format(name=name, things=things, **dict(zip("abc", numbers, strict=False)))
    value, lines = numbers[0], []
    for operator, number in zip(operators, numbers[1:], strict=True):
        result = _value(value, operator, number)
        lines.append(
            f"{value} {operator} {number} = <<{value}{operator}{number}={result}>>{result} {things}."
        )
        value = result
    return {"question": question, "answer": "\n".join([*lines, f"#### {value}"])}


def _bad_row(rng: random.Random, good: dict[str, str]) -> dict[str, str]:
    """A row that must be dropped, or a duplicate of the last good one."""
    fresh = _good_row(rng)
    question, answer = fresh["question"], fresh["answer"]
    return rng.choice(
        [
            {"question": question, "answer": answer.replace("####", "Answer:")},
            {"question": question, "answer": answer.replace(">>", "1>>", 1)},
            {"question": "  ", "answer": answer},
            {"question": question, "answer": ""},
            {"question": good["question"].upper(), "answer": good["answer"]},
            dict(good),
        ]
    )
