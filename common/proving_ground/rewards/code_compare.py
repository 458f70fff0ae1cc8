"""When an output is the expected one. Runs in the trainer, on plain text and plain JSON values only."""

import math
from typing import Any

from proving_ground.strict_json import read_document, same_json

_RELATIVE, _ABSOLUTE = 1e-9, 1e-12


def normal_output(text: str) -> list[str]:
    """The lines of an output without what nobody sees: white space at line ends, empty lines at the end."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def same_output(printed: str, expected: str) -> bool:
    """Whether two whole outputs are equal, white space at line ends and empty lines at the end aside.

    Everything else counts: leading white space, empty lines in between, case, the spelling of numbers.
    """
    return normal_output(printed) == normal_output(expected)


def same_value(returned: Any, expected: Any) -> bool:
    """Whether two JSON values are equal, types included: ``True``, ``1``, ``1.0`` and ``"1"`` all differ.

    Two floats may differ by rounding (a relative 1e-9): the order of a sum is not part of the task. Objects
    are equal in any order of keys. Values are what ``strict_json`` reads, so of exact built-in types.
    """
    return same_json(returned, expected, _same_leaf)


def _same_leaf(left: Any, right: Any, _: None) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return math.isfinite(left) and math.isclose(left, right, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return bool(left == right)


def parse_result(line: str) -> tuple[bool, Any]:
    """Read one result line of the harness, ``{"value": ...}``: (there is a value, the value).

    The program may have written the line itself: whatever is not exactly that gives ``(False, None)``.
    """
    try:
        result = read_document(line)
    except ValueError:
        return False, None
    if not isinstance(result, dict) or set(result) != {"value"}:
        return False, None
    return True, result["value"]
