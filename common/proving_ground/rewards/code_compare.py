"""When an output is the expected one. Runs in the trainer, on plain text and plain JSON values only."""

import json
import math
from typing import Any, NoReturn

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
    are equal in any order of keys. Values are what ``json`` reads, so of exact built-in types; what is
    deeply nested does not overflow the stack.
    """
    pending = [(returned, expected)]
    while pending:
        left, right = pending.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, list):
            if len(left) != len(right):
                return False
            pending += zip(left, right, strict=True)
        elif isinstance(left, dict):
            if left.keys() != right.keys():
                return False
            pending += [(left[key], right[key]) for key in left]
        elif isinstance(left, float):
            if not (math.isfinite(left) and math.isclose(left, right, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)):
                return False
        elif left != right:
            return False
    return True


def parse_result(line: str) -> tuple[bool, Any]:
    """Read one result line of the harness, ``{"value": ...}``: (there is a value, the value).

    The program may have written the line itself: whatever is not exactly that gives ``(False, None)``.
    """

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        result = json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False, None
    if not isinstance(result, dict) or set(result) != {"value"}:
        return False, None
    return True, result["value"]
