"""The ground truth of a coding row: a JSON list of tests, checked before anything runs.

``{"kind": "stdio", "stdin": str, "stdout": str}``: run the program on ``stdin``, compare all it prints.
``{"kind": "call", "function": str, "args": list, "expected": any JSON value}``: call a function of the
program, compare what it returns.
``{"kind": "assert", "function": str, "source": str}``: Python with ``assert`` statements that call
``function`` (``assert f(2) == 4``, or HumanEval's ``check`` and a line that calls it). The program never
meets the source: only the arguments are sent to it, as Python literals, and the source is evaluated over what
it returned, in a sandbox of its own. So arguments and values are None, numbers, text, bytes, lists, tuples,
sets and dictionaries, and a source that could run a text as code, or imports more than ``_MODULES``, is
refused.
"""

import ast
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.code_compare import normal_output
from proving_ground.strict_json import read_document


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


@dataclass(frozen=True)
class AssertTest:
    """``source`` must run to its end when ``function`` is the program's."""

    function: str
    source: str


CodeTest: TypeAlias = StdioTest | CallTest | AssertTest

_FIELDS: dict[str, dict[str, type]] = {
    "stdio": {"stdin": str, "stdout": str},
    "call": {"function": str, "args": list, "expected": object},
    "assert": {"function": str, "source": str},
}
_EXAMPLE = '[{"kind": "call", "function": "double", "args": [3], "expected": 6}]'
_MODULES = frozenset(
    {"collections", "copy", "datetime", "decimal", "fractions", "functools", "itertools", "math", "random"}
    | {"re", "string", "typing"}
)
_NAMES = frozenset(
    {"eval", "exec", "compile", "open", "input", "getattr", "setattr", "delattr", "globals", "locals", "vars"}
    | {"breakpoint"}
)


def parse_tests(ground_truth: Any, where: str) -> list[CodeTest]:
    """Read one row's ground truth; ``where`` names the row in errors.

    Raises ``InfrastructureError`` when it is not a JSON list of at least one well-formed test, or holds a
    test that cannot fail: a program that prints nothing passes a test that expects nothing.
    """

    def broken(problem: str) -> NoReturn:
        raise InfrastructureError(f"broken code tests in ground_truth of {where}: {problem}; fix the dataset")

    if not isinstance(ground_truth, str):
        broken(f"expected a JSON string, got {type(ground_truth).__name__}")
    try:
        rows = read_document(ground_truth)
    except ValueError as error:
        broken(f"not JSON ({error})")
    if not isinstance(rows, list) or not rows:
        broken(f"expected a list of one or more tests, such as {_EXAMPLE}")
    tests: list[CodeTest] = []
    for number, row in enumerate(rows, start=1):
        kind = row.get("kind") if isinstance(row, dict) else None
        fields = _FIELDS.get(kind) if isinstance(kind, str) else None
        if fields is None:
            broken(f'test {number}: kind {kind!r} is none of "stdio", "call", "assert"; such as {_EXAMPLE}')
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
            continue
        if not row["function"].isidentifier():
            broken(f"test {number}: {row['function']!r} is not the name of a function")
        if kind == "assert":
            if problem := _problem_of(row["source"], row["function"]):
                broken(f"test {number}: {problem}")
            tests.append(AssertTest(row["function"], row["source"]))
        else:
            tests.append(CallTest(row["function"], row["args"], row["expected"]))
    return tests


def _problem_of(source: str, function: str) -> str | None:
    """Why an assertion source cannot be evaluated, or None."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"its source is not Python ({error})"
    if not any(isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant) for node in nodes):
        return "its source asserts nothing, so that any program passes"
    if not any(isinstance(node, ast.Name) and node.id == function for node in nodes):
        return f"its source does not call {function}"
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "").partition(".")[0]]
        else:
            names = []
            used = (
                node.id
                if isinstance(node, ast.Name)
                else node.attr
                if isinstance(node, ast.Attribute)
                else ""
            )
            if used in _NAMES or (used.startswith("__") and used != "__name__"):
                return f"its source uses {used}, which what a program returns might abuse"
        if foreign := [name for name in names if name not in _MODULES]:
            return f"its source imports {foreign[0]}; it may have {', '.join(sorted(_MODULES))}"
    return None
