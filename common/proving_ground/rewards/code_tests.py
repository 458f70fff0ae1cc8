"""The ground truth of a coding row: a JSON list of tests, checked before anything runs.

``{"kind": "stdio", "stdin": str, "stdout": str}``: run the program on ``stdin``, compare all it prints.
``{"kind": "call", "function": str, "args": list, "expected": any JSON value}``: call a function of the
program, compare what it returns.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.code_compare import normal_output


@dataclass(frozen=True)
class StdioTest:
    """``stdout`` is what the program must print when it reads ``stdin``."""

    stdin: str
    stdout: str


@dataclass(frozen=True)
class CallTest:
    """``function(*args)`` must return ``expected``."""

    function: str
    args: list[Any]
    expected: Any


CodeTest: TypeAlias = StdioTest | CallTest

_FIELDS: dict[str, dict[str, type]] = {
    "stdio": {"stdin": str, "stdout": str},
    "call": {"function": str, "args": list, "expected": object},
}


def parse_tests(ground_truth: Any, where: str) -> list[CodeTest]:
    """Read one row's ground truth; ``where`` names the row in errors.

    Raises ``InfrastructureError`` when it is not a JSON list of at least one well-formed test, or holds a
    test that cannot fail: a program that prints nothing passes a test that expects nothing.
    """

    def broken(problem: str) -> NoReturn:
        raise InfrastructureError(f"broken code tests in ground_truth of {where}: {problem}; fix the dataset")

    def refuse(constant: str) -> NoReturn:
        broken(f"{constant} is not JSON")

    if not isinstance(ground_truth, str):
        broken(f"expected a JSON string, got {type(ground_truth).__name__}")
    try:
        rows = json.loads(ground_truth, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        broken(f"not JSON ({error})")
    if not isinstance(rows, list) or not rows:
        broken("expected a list of one or more tests")
    tests: list[CodeTest] = []
    for number, row in enumerate(rows, start=1):
        kind = row.get("kind") if isinstance(row, dict) else None
        fields = _FIELDS.get(kind) if isinstance(kind, str) else None
        if fields is None:
            broken(f'test {number}: kind {kind!r} is neither "stdio" nor "call"')
        if set(row) != {"kind", *fields}:
            broken(
                f"test {number}: a {kind} test has the keys kind, {', '.join(fields)}; got {', '.join(row)}"
            )
        for name, expected_type in fields.items():
            if not isinstance(row[name], expected_type):
                broken(f"test {number}: {name} must be a {expected_type.__name__}")
        if kind == "stdio":
            if not normal_output(row["stdout"]):
                broken(f"test {number}: it expects no output, so that a program that does nothing passes")
            tests.append(StdioTest(row["stdin"], row["stdout"]))
        else:
            if not row["function"].isidentifier():
                broken(f"test {number}: {row['function']!r} is not the name of a function")
            if _has_infinity([row["args"], row["expected"]]):
                broken(f"test {number}: a number is too large for a float")
            tests.append(CallTest(row["function"], row["args"], row["expected"]))
    return tests


def _has_infinity(value: Any) -> bool:
    """JSON has no infinity, but Python reads ``1e999`` as one."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, float) and math.isinf(item):
            return True
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            pending += item.values()
    return False
