"""JSON as the standard has it: what Python's parser lets pass beyond that is refused.

``json.loads`` takes ``NaN``, keeps the last of two equal keys, and overflows the stack on deep nesting. A
reader in another language does none of that, so what needs it is no row, no ground truth and no call.
"""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

MAX_DEPTH = 64
"""Nested arrays and objects; far above any tool's arguments, far below the interpreter's stack."""
MAX_VALUES = 1_000_000
"""Values in one document, containers and keys included."""


def read_document(text: str) -> Any:
    """The value of a text that is one JSON document; raises ``ValueError`` for anything else."""
    value, end = read_value(text, 0)
    if text[end:].strip():
        raise ValueError("text after the JSON value")
    return value


def read_value(text: str, start: int) -> tuple[Any, int]:
    """Read the JSON value that begins at ``start``, white space aside: (the value, where it ends).

    Raises ``ValueError`` for what is not JSON, for equal keys, for numbers beyond a float's range and for
    nesting beyond ``MAX_DEPTH``.
    """
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    check_value(value)
    return value, end


def check_value(value: Any) -> None:
    """Raise ``ValueError`` unless ``value`` is made of what JSON has, within the limits of this module.

    Values that come as Python objects (arguments that a server has parsed already) need this too.
    """
    level, values = [value], 0
    # Level by level, not recursively: the depth is what is checked.
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        values += len(level)
        for item in level:
            if type(item) is dict:
                if not all(type(key) is str for key in item):
                    raise ValueError("a key that is no string")
                below += item.values()
            elif type(item) is list:
                below += item
            elif type(item) is float:
                if not math.isfinite(item):
                    raise ValueError("a number that is not finite")
            elif not (item is None or type(item) in (str, int, bool)):
                raise ValueError(f"{type(item).__name__} is not JSON")
        if not below:
            return
        if values + len(below) > MAX_VALUES:
            raise ValueError("too many values")
        level = below
    raise ValueError("nested too deeply")


def same_json(
    value: Any,
    truth: Any,
    same_leaf: Callable[[Any, Any, Any], bool],
    part: Any = None,
    part_at: Callable[[Any, Any], Any] = lambda part, key: part,
) -> bool:
    """Whether two values that were read here have the same shape and ``same_leaf`` holds of every pair in it.

    Objects are equal in any order of keys. ``part`` is what ``same_leaf`` gets third, beside the two leaves;
    ``part_at(part, key or position)`` gives that of an item.
    """
    if type(truth) is dict and type(value) is dict:
        return value.keys() == truth.keys() and all(
            same_json(value[key], truth[key], same_leaf, part_at(part, key), part_at) for key in truth
        )
    if type(truth) is list and type(value) is list:
        return len(value) == len(truth) and all(
            same_json(item, other, same_leaf, part_at(part, position), part_at)
            for position, (item, other) in enumerate(zip(value, truth, strict=True))
        )
    return same_leaf(value, truth, part)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key that occurs twice")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
