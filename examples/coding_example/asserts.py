"""Assertions of public test sets to the reward's tests.

``assert candidate(1, [2]) == [3]`` holds everything a ``call`` test needs, and ``assert run("3") == "9"``
everything a ``stdio`` test needs. An assertion of another form (computed values, tolerances, loops, keyword
arguments) is counted, not guessed at. So is one whose arguments JSON would change (tuples, sets, keys that
are no texts): the program would be asked something else. Results may be tuples: they are compared as JSON.
A source with such assertions can become one ``assert`` test as a whole.
"""

import ast
import functools
import json
import math
from dataclasses import dataclass, field
from typing import Any

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.code_tests import parse_tests


@dataclass
class Converted:
    """The tests, in the reward's form, and how many assertions gave none."""

    tests: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


@functools.lru_cache(maxsize=1)  # two filters and to_sample ask the same of one row after another
def convert(source: str, entry_point: str) -> Converted:
    """The tests of an assertion source; an empty ``entry_point`` stands for a whole program.

    A source that is not Python, or holds no assertion, gives no test.
    """
    converted = Converted()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return converted
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    for node in sorted(found, key=lambda node: node.lineno):
        if isinstance(node.test, ast.Constant):
            continue  # `assert True, "message"` asserts nothing
        test = _test(node.test, entry_point)
        if test is None:
            converted.left_out += 1
        else:
            converted.tests.append(test)
    return converted


def whole(source: str, entry_point: str, program: str) -> dict[str, Any] | None:
    """The source as one ``assert`` test, with the helpers that it takes from ``program``, the reference.

    None where it asserts only one thing, or is none that the reward would evaluate.
    """
    try:
        tree, reference = ast.parse(source), ast.parse(program)
    except (SyntaxError, ValueError, RecursionError):
        return None
    loops = [loop for loop in ast.walk(tree) if isinstance(loop, ast.For | ast.While)]
    asserted = sum(isinstance(node, ast.Assert) for place in (tree, *loops) for node in ast.walk(place))
    if asserted < 2:  # those in a loop count twice
        return None
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    helpers = [
        ast.unparse(node)
        for node in reference.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.FunctionDef) and node.name in used - {entry_point})
    ]
    checks = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    pieces = [*helpers, source.strip(), f"check({entry_point})" if checks else ""]
    test = {"kind": "assert", "function": entry_point, "source": "\n".join(filter(None, pieces))}
    try:
        parse_tests(json.dumps([test]), "this row")
    except InfrastructureError:
        return None
    return test


def _test(condition: ast.expr, entry_point: str) -> dict[str, Any] | None:
    match condition:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            call, literal = (left, right) if isinstance(left, ast.Call) else (right, left)
        case _:
            return None
    match call:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            pass
        case _:
            return None
    try:
        args = [ast.literal_eval(argument) for argument in arguments]
        expected = ast.literal_eval(literal)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    if not entry_point:
        known = name == "run" and len(args) == 1 and isinstance(args[0], str) and isinstance(expected, str)
        return {"kind": "stdio", "stdin": args[0], "stdout": expected} if known else None
    if name not in ("candidate", entry_point) or not _survives_json(args):
        return None
    try:
        expected = json.loads(json.dumps(expected, allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        return None
    return {"kind": "call", "function": entry_point, "args": args, "expected": expected}


def _survives_json(value: Any) -> bool:
    """Whether the other side reads back exactly this value."""
    if isinstance(value, list):
        return all(map(_survives_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_survives_json, value.values()))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)
