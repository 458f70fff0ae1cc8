"""When a call is the right one."""

import time
from collections.abc import Sequence
from typing import Any

from proving_ground.rewards.function_calls.calls import Call, ExpectedCall
from proving_ground.rewards.function_calls.forms import Tools
from proving_ground.rewards.function_calls.schema import (
    SECONDS,
    asks_for_number,
    item_schema,
    property_schema,
)
from proving_ground.rewards.function_calls.tools import problem_of
from proving_ground.strict_json import same_json


def same_calls(calls: Sequence[Call], truth: Sequence[ExpectedCall], tools: Tools | None) -> bool:
    """Whether both hold the same calls, in any order, each as often."""
    if len(calls) != len(truth):
        return False
    fits = [
        [position for position, expected in enumerate(truth) if same_call(call, expected, tools)]
        for call in calls
    ]
    taken_by: dict[int, int] = {}

    def place(call: int, tried: set[int]) -> bool:
        """Give ``call`` an expected one, moving others to their next where several are accepted."""
        for position in fits[call]:
            if position not in tried:
                tried.add(position)
                if position not in taken_by or place(taken_by[position], tried):
                    taken_by[position] = call
                    return True
        return False

    return all(place(call, set()) for call in range(len(calls)))


def same_call(call: Call, truth: ExpectedCall, tools: Tools | None) -> bool:
    """Whether the name is the same and every argument is right: none missing, none more.

    Values are equal with their types, ``True`` is not ``1`` and ``"1"`` is not ``1``; strings are equal
    character by character, nothing is trimmed or folded. One exception: where the tool's schema asks for a
    ``number``, ``5`` and ``5.0`` are the same.
    """
    return (
        call.name == truth.name
        and truth.arguments.keys() <= call.arguments.keys()
        and len(_right_arguments(call, truth, tools)) == len(call.arguments)
    )


def _right_arguments(call: Call, truth: ExpectedCall, tools: Tools | None) -> list[str]:
    schema = (tools or {}).get(truth.name, {})
    return [
        key
        for key, given in call.arguments.items()
        if (values := truth.values(key))
        and (part := property_schema(schema, key, schema))
        and any(same_value(given, value, part, schema) for value in values)
    ]


def same_value(value: Any, truth: Any, schema: Any, root: Any) -> bool:
    """Whether two JSON values are equal under ``schema``, a part of ``root`` (see ``same_call``)."""

    def part_at(part: Any, key: Any) -> Any:
        return property_schema(part, key, root) if type(key) is str else item_schema(part, key, root)

    def same_leaf(value: Any, truth: Any, part: Any) -> bool:
        if {type(value), type(truth)} == {int, float}:
            return bool(value == truth) and asks_for_number(part, root)
        return type(value) is type(truth) and bool(value == truth)

    return same_json(value, truth, same_leaf, schema, part_at)


def partial_credit(calls: Sequence[Call], truth: Sequence[ExpectedCall], tools: Tools | None) -> float:
    """How near ``calls`` come to a ``truth`` of one call or more, in [0, 1]; 1.0 only for the same calls.

    Each call of the truth is paired with its nearest call that is left; a pair of the same name earns a
    third for the name, a third for the share of argument names, and a third for the share of argument
    values, which count only in a call that the tool would take. The sum is divided by the number of
    calls on the longer side, so that more calls earn no more.
    """
    ends = time.thread_time() + SECONDS
    pairs = sorted(
        (
            (-_likeness(call, expected, tools, ends), position, index)
            for position, expected in enumerate(truth)
            for index, call in enumerate(calls)
        ),
    )
    used_truth: set[int] = set()
    used_calls: set[int] = set()
    total = 0.0
    for negative, position, index in pairs:
        if position not in used_truth and index not in used_calls:
            used_truth.add(position)
            used_calls.add(index)
            total -= negative
    return total / max(len(calls), len(truth))


def _likeness(call: Call, truth: ExpectedCall, tools: Tools | None, ends: float) -> float:
    if same_call(call, truth, tools):
        return 1.0
    if call.name != truth.name:
        return 0.0
    names = call.arguments.keys() | truth.arguments.keys()
    shared = sum(bool(truth.values(key)) for key in call.arguments)
    equal = len(_right_arguments(call, truth, tools))
    if tools is not None and problem_of(call, tools, ends):
        equal = 0
    return (1 + (shared + equal) / len(names)) / 3
