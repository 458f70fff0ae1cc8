"""Programs scored by test cases.

A raw row (the columns of HumanEval; the prompt may also be the head of a function to complete)::

    {"task_id": "builtin/7", "prompt": "Write `double(x)`, which returns twice x.",
     "entry_point": "double", "canonical_solution": "def double(x):\\n    return 2 * x\\n",
     "test": "def check(candidate):\\n    assert candidate(3) == 6\\n    assert candidate(0) == 0\\n"}

and the sample it becomes::

    {"id": "code-…", "messages": [{"role": "user", "content": "Write `double(x)`, …"},
     {"role": "assistant", "content": "```python\\ndef double(x):\\n    return 2 * x\\n```"}],
     "ground_truth": "[{\\"kind\\": \\"call\\", \\"function\\": \\"double\\", \\"args\\": [3], …}, …]",
     "metadata": {"difficulty": "easy", "topic": "numbers", "tests": "2", "left_out": "0"}}
"""

import ast
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from examples.coding_example.asserts import Converted, convert, whole
from examples.coding_example.builtin_rows import builtin_rows
from examples.coding_example.mutations import one_of_each
from examples.coding_example.public_sets import MBPP_COLUMNS, SANITIZED_COLUMNS, adapt
from examples.coding_example.reading import difficulty_of, program_of, question_of, topic_of
from examples.coding_example.scoring import all_tests_pass
from proving_ground.dataset import Sample
from proving_ground.errors import InfrastructureError
from proving_ground.messages import reference_of
from proving_ground.preparation import Filter, Generator, HubSource, Preparation, Row, content_id
from proving_ground.rewards.code_extract import extract_program
from proving_ground.rewards.code_tests import parse_tests
from proving_ground.rewards.second import hidden_tests
from proving_ground.stages.task import Task


def has_text(row: Row) -> bool:
    """The prompt, the solution and the tests hold something."""
    return all(row[column].strip() for column in ("prompt", "canonical_solution", "test"))


def has_program(row: Row) -> bool:
    """The solution is Python, and defines the function that the tests call."""
    return program_of(row) is not None


def tests_of(row: Row) -> Converted:
    """The row's tests: of each assertion that can be one, and of the whole source where one cannot."""
    converted = convert(row["test"], row["entry_point"])
    if converted.left_out and row["entry_point"]:
        test = whole(row["test"], row["entry_point"], program_of(row) or "")
        return converted if test is None else Converted([*converted.tests, test], 0)
    return converted


def has_tests(row: Row) -> bool:
    """Two assertions are calls with literal arguments and a literal result, or all can be judged at once."""
    tests = tests_of(row).tests
    return len(tests) > 1 or any(test["kind"] == "assert" for test in tests)


def has_telling_tests(row: Row) -> bool:
    """The reward can read the tests, and no constant passes them all."""
    tests = tests_of(row).tests
    try:
        parse_tests(json.dumps(tests), "this row")
    except InfrastructureError:
        return False
    values = {json.dumps(test.get("expected", test.get("stdout"))) for test in tests}
    return len(values) > 1 or any(test["kind"] == "assert" for test in tests)


def to_sample(row: Row) -> Sample:
    """Assertions become tests; the reference answer is the whole program in a fence."""
    program = program_of(row)
    assert program is not None, "has_program let it through"
    converted = tests_of(row)
    question = question_of(row)
    return {
        "id": content_id("code", question),
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": fenced(program)},
        ],
        "ground_truth": json.dumps(converted.tests, ensure_ascii=False),
        "metadata": {
            "difficulty": row.get("difficulty") or difficulty_of(program),
            "topic": row.get("topic") or topic_of(program, converted.tests),
            "tests": str(len(converted.tests)),
            "left_out": str(converted.left_out),
        },
    }


def fenced(program: str) -> str:
    """The program as an answer shows it."""
    return f"```python\n{program.strip()}\n```"


def program_in(sample: Sample) -> str:
    """The reference program of a sample."""
    program = extract_program(reference_of(sample))
    assert program is not None, "to_sample fences it"
    return program


def demonstrations(sample: Sample) -> Sequence[str]:
    """The program in a fence, which is rewarded, and without one."""
    program = program_in(sample)
    return (fenced(program), program, f"Here it is: {program}", f"Use this:\n{program}")


def wrong_answers(sample: Sample) -> Sequence[str]:
    """Answers that look like the reference and must score nothing."""
    program, tests = program_in(sample), json.loads(sample["ground_truth"])
    first = tests[0]
    if first["kind"] != "stdio":
        spoilt = ast.unparse(_PrintsInstead().visit(ast.parse(program)))
        constant = f"def {first['function']}(*args):\n    return {first.get('expected')!r}"
    else:
        spoilt = f"{program}\nprint('That is all.')"
        constant = f"input()\nprint({first['stdout']!r}, end='')"
    return (
        fenced(spoilt),
        fenced(constant),
        program,
        f"```python\n{program[: len(program) // 2]}",
        f"```text\n{program}\n```",
        f"{fenced(program)}\n\nOr shorter:\n\n{fenced(constant)}",
        "",
    )


def mutants(sample: Sample) -> Sequence[str]:
    """The reference with one small mistake: tests that are worth something notice it."""
    return [fenced(program) for program in one_of_each(program_in(sample))]


class _PrintsInstead(ast.NodeTransformer):
    """``print(x)`` where a function should ``return x``."""

    def visit_Return(self, node: ast.Return) -> ast.AST:
        value = node.value or ast.Constant(None)
        call = ast.Call(func=ast.Name(id="print", ctx=ast.Load()), args=[value], keywords=[])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(value=call), node))


class RawRow(BaseModel):
    """The columns of HumanEval, and two that the builtin problems have besides."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str
    difficulty: str | None = None
    topic: str | None = None


PREPARATION = Preparation(
    schema=RawRow,
    other_schemas=(MBPP_COLUMNS, SANITIZED_COLUMNS),
    adapt=adapt,
    generator=Generator(
        rows=builtin_rows,
        rows_read=3,
        quotas={(difficulty,): 0.1 for difficulty in ("easy", "medium", "hard")},
    ),
    hub=HubSource(
        dataset="google-research-datasets/mbpp",
        config="full",
        split="train",
        revision="4bb6404fdc6cacfda99d4ac4205087b89d32030c",
        licence="CC-BY-4.0",
        columns=MBPP_COLUMNS,
    ),
    origin="HumanEval (Chen et al., 2021); rows of MBPP (Austin et al., 2021) are brought into it",
    filters=(
        Filter("empty", "the prompt, the solution or the tests are blank", has_text),
        Filter("bad_program", "the solution is not Python or lacks the function that is tested", has_program),
        Filter(
            "no_literal_tests",
            "fewer than two assertions compare a call with a literal, nor can be judged as a whole",
            has_tests,
        ),
        Filter("weak_tests", "the tests are broken, or a constant would pass them", has_telling_tests),
    ),
    to_sample=to_sample,
    prompt_column="prompt",
    strata=("difficulty",),
    substrata=("topic",),
    limits=(
        "The problem set is small (63 problems) and all of it stands in dataset.jsonl; the other two files"
        " hold drills, which teach a small policy the form of an answer and no programming.",
        "A source with assertions on anything but literals (tolerances, sets, loops) is one test as a whole.",
        "Whether a row's tests notice a mistake is measured in step 1, which runs programs; step 0 does not.",
    ),
)

TASK = Task(
    folder=Path(__file__).resolve().parent,
    preparation=PREPARATION,
    reward=all_tests_pass,
    wrong_answers=wrong_answers,
    mutants=mutants,
    demonstrations=demonstrations,
    find_answer=extract_program,
    second_grader=hidden_tests,
)
