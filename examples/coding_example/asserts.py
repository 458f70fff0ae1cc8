"""Assertions of public test sets to tests that send inputs as JSON and compare outputs outside.

``assert candidate(1, [2]) == [3]`` holds everything a ``call`` test needs, and ``assert run("3") == "9"``
everything a ``stdio`` test needs. An assertion of another form (computed values, tolerances, loops, keyword
arguments) is counted, not guessed at. So is one whose arguments JSON would change (tuples, sets, keys that
are no texts): the program would be asked something else. Results may be tuples: they are compared as JSON.
"""

import ast
import json
import math
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Converted:
    """The tests, in the reward's form, and how many assertions gave none."""

    tests: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


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
