"""A word problem whose answer needs two things: the number, and a program that works for any numbers.

A raw row (``tests`` is JSON text; the first test has the numbers of the question)::

    {"question": "Ann has 3 eggs and gets 4 more. How many is that?",
     "answer": "7", "program": "def f(a, b):\\n    return a + b",
     "tests": "[{\\"args\\": [3, 4], \\"expected\\": 7}, …]"}

and the sample it becomes (one reward per key of ``ground_truth``)::

    {"id": "both-…", "messages": [{"role": "user", "content": "Ann has 3 eggs …"},
     {"role": "assistant", "content": "```python\\ndef f(a, b):\\n    return a + b\\n```\\n\\\\boxed{7}"}],
     "ground_truth": "{\\"math\\":\\"7\\",\\"code\\":[{\\"kind\\":\\"call\\",…}]}",
     "metadata": {"operation": "a + b", "answer": "below 10"}}
"""

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from examples.composite_example.builtin_rows import builtin_rows
from proving_ground.dataset import Sample
from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion, reference_of
from proving_ground.preparation import Filter, Generator, Preparation, Row, content_id
from proving_ground.rewards import composite_reward
from proving_ground.rewards.code import DEFAULT
from proving_ground.rewards.code_tests import parse_tests
from proving_ground.rewards.second import hidden_tests, math_verify_strict
from proving_ground.sandbox import SandboxSettings
from proving_ground.stages.task import Task

FUNCTION = "f"
OPERATIONS = ("a + b", "a - b", "a * b", "a // b", "max(a, b)")


def has_text(row: Row) -> bool:
    """Every column holds something."""
    return all(row[column].strip() for column in ("question", "answer", "program", "tests"))


def has_number(row: Row) -> bool:
    """The answer is a whole number."""
    return re.fullmatch(r"-?\d{1,9}", row["answer"]) is not None


def defines_function(row: Row) -> bool:
    """The program is Python, and defines the function that the tests call."""
    try:
        tree = ast.parse(row["program"])
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == FUNCTION for node in tree.body)


def has_telling_tests(row: Row) -> bool:
    """The tests can be run, and no constant passes them all."""
    try:
        parse_tests(json.dumps(_tests(row)), "this row")
    except (InfrastructureError, ValueError, TypeError, KeyError):
        return False
    return len({json.dumps(test["expected"]) for test in _tests(row)}) > 1


def agrees(row: Row) -> bool:
    """The answer is what the first test, which has the question's numbers, expects."""
    return bool(str(_tests(row)[0]["expected"]) == row["answer"])


def _tests(row: Row) -> list[dict[str, Any]]:
    return [
        {"kind": "call", "function": FUNCTION, "args": test["args"], "expected": test["expected"]}
        for test in json.loads(row["tests"])
    ]


def to_sample(row: Row) -> Sample:
    """The reference answer is the program in a fence and the number in a box."""
    question = row["question"].strip()
    answer = f"{fenced(row['program'])}\n\\boxed{{{row['answer']}}}"
    truth = {"math": row["answer"], "code": _tests(row)}
    expression = row["program"].rpartition("return ")[2].strip()
    return {
        "id": content_id("both", question),
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
        "ground_truth": json.dumps(truth, separators=(",", ":")),
        "metadata": {
            "operation": expression if expression in OPERATIONS else "other",
            "answer": "below 10" if abs(int(row["answer"])) < 10 else "10 and more",
        },
    }


def fenced(program: str) -> str:
    """The program as an answer shows it."""
    return f"```python\n{program.strip()}\n```"


def parts(sample: Sample) -> tuple[str, str]:
    """Program and number of the reference answer."""
    number = json.loads(sample["ground_truth"])["math"]
    program = reference_of(sample).removeprefix("```python\n").partition("\n```")[0]
    return program, number


def demonstrations(sample: Sample) -> Sequence[str]:
    """The first is rewarded in both parts, the second in none, the others in one."""
    program, number = parts(sample)
    return (
        reference_of(sample),
        f"{program}\nThe answer is {number}.",
        f"{fenced(program)}\nThe answer is {number}.",
        f"{program}\n\\boxed{{{number}}}",
    )


def wrong_answers(sample: Sample) -> Sequence[str]:
    """Answers that must score nothing at all: each is wrong in both parts."""
    program, number = parts(sample)
    spoilt, other = program.replace("return ", "return 1 + "), str(int(number) + 1)
    return (
        f"{fenced(spoilt)}\n\\boxed{{{other}}}",
        f"{fenced(spoilt)}\nThe answer is {number}.",
        f"{program}\n\\boxed{{{other}}}",
        f"{fenced(spoilt)}\n\\boxed{{{number}",
        f"```python\n{program}\n\\boxed{{{other}}}",
        "",
    )


def both_in_other_ways(
    completions: Sequence[Completion],
    ground_truth: Sequence[str],
    reference: Sequence[str],
    *,
    sandbox: SandboxSettings = DEFAULT,
    **columns: Any,
) -> list[float | None]:
    """The second grader: math-verify of the number, and inputs of the program that are in no test."""
    truths = [json.loads(truth) for truth in ground_truth]
    numbers = math_verify_strict(completions, [truth["math"] for truth in truths])
    tests = [json.dumps(truth["code"]) for truth in truths]
    programs = hidden_tests(completions, tests, reference, sandbox=sandbox)
    return [
        None if program is None else min(number or 0.0, program)
        for number, program in zip(numbers, programs, strict=True)
    ]


class RawRow(BaseModel):
    """``tests`` is JSON text."""

    question: str
    answer: str
    program: str
    tests: str


PREPARATION = Preparation(
    schema=RawRow,
    generator=Generator(rows=builtin_rows, quotas={(operation,): 0.15 for operation in OPERATIONS}),
    origin="this example: problems with both a number and a tested program are generated here only",
    filters=(
        Filter("empty", "a column is blank", has_text),
        Filter("no_number", "the answer is not a whole number", has_number),
        Filter("bad_program", "the program is not Python or does not define `f`", defines_function),
        Filter("bad_tests", "the tests are broken, or a constant would pass them", has_telling_tests),
        Filter("disagreement", "the answer is not what the first test expects", agrees),
    ),
    to_sample=to_sample,
    prompt_column="question",
    strata=("operation",),
    substrata=("answer",),
    limits=(
        "Programs of one line and two arguments: enough to show two rewards at work, no test of programming.",
        "Five kinds of problem, one sentence each; they teach no model English.",
    ),
)

TASK = Task(
    folder=Path(__file__).resolve().parent,
    preparation=PREPARATION,
    reward=composite_reward,
    training_rewards=composite_reward.parts,
    wrong_answers=wrong_answers,
    demonstrations=demonstrations,
    second_grader=both_in_other_ways,
    evaluator_requirements=("math-verify",),
)
