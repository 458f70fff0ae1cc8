"""When a call is the right one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proving_ground.rewards.function_calls.extract import Call
from proving_ground.rewards.function_calls.tools import Tools, problem_of, resolve

_MAX_PARTS = 64


def same_calls(calls: Sequence[Call], truth: Sequence[Call], tools: Tools | None) -> bool:
    """Whether both hold the same calls, in any order, each as often."""
    if len(calls) != len(truth):
        return False
    open_calls = list(truth)
    for call in calls:
        # Equality is transitive, so the first equal one is as good as any.
        match = next(
            (position for position, gold in enumerate(open_calls) if same_call(call, gold, tools)), None
        )
        if match is None:
            return False
        del open_calls[match]
    return True


def same_call(call: Call, gold: Call, tools: Tools | None) -> bool:
    """Whether the name is the same and every argument is: none missing, none more.

    Values are equal with their types, ``True`` is not ``1`` and ``"1"`` is not ``1``; strings are equal
    character by character, nothing is trimmed or folded. One exception: where the tool's schema asks for a
    ``number``, ``5`` and ``5.0`` are the same.
    """
    schema = (tools or {}).get(gold.name, {})
    return call.name == gold.name and same_value(call.arguments, gold.arguments, schema, schema)


def same_value(value: Any, gold: Any, schema: Any, root: Any) -> bool:
    """Whether two JSON values are equal under ``schema``, a part of ``root`` (see ``same_call``)."""
    if type(gold) is dict:
        return (
            type(value) is dict
            and value.keys() == gold.keys()
            and all(same_value(value[key], gold[key], _property(schema, key, root), root) for key in gold)
        )
    if type(gold) is list:
        return (
            type(value) is list
            and len(value) == len(gold)
            and all(
                same_value(item, other, _item(schema, position, root), root)
                for position, (item, other) in enumerate(zip(value, gold, strict=True))
            )
        )
    if {type(value), type(gold)} == {int, float}:
        return bool(value == gold) and _asks_for_number(schema, root)
    return type(value) is type(gold) and bool(value == gold)


def partial_credit(calls: Sequence[Call], truth: Sequence[Call], tools: Tools | None) -> float:
    """How near ``calls`` come to a ``truth`` of one call or more, in [0, 1]; 1.0 only for the same calls.

    Each call of the truth is paired with its nearest call that is left; a pair of the same name earns a
    third for the name, a third for the share of argument names, and a third for the share of argument
    values, which count only in a call that the tool would take. The sum is divided by the number of
    calls on the longer side, so that more calls earn no more.
    """
    pairs = sorted(
        (
            (-_likeness(call, gold, tools), position, index)
            for position, gold in enumerate(truth)
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


def _likeness(call: Call, gold: Call, tools: Tools | None) -> float:
    if same_call(call, gold, tools):
        return 1.0
    if call.name != gold.name:
        return 0.0
    schema = (tools or {}).get(gold.name, {})
    names = call.arguments.keys() | gold.arguments.keys()
    shared = call.arguments.keys() & gold.arguments.keys()
    equal = sum(
        same_value(call.arguments[key], gold.arguments[key], _property(schema, key, schema), schema)
        for key in shared
    )
    if tools is not None and problem_of(call, tools):
        equal = 0
    return (1 + (len(shared) + equal) / len(names)) / 3


def _alternatives(schema: Any, root: Any) -> Iterator[Mapping[str, Any]]:
    """The schema itself and those it refers to or is composed of."""
    waiting, seen = [schema], 0
    while waiting and seen < _MAX_PARTS:  # a schema may refer to itself
        part = waiting.pop()
        if not isinstance(part, Mapping):
            continue
        seen += 1
        yield part
        for key in ("anyOf", "oneOf", "allOf"):
            waiting += part.get(key, [])
        if "$ref" in part:
            waiting.append(resolve(part["$ref"], root))


def _asks_for_number(schema: Any, root: Any) -> bool:
    kinds = (part.get("type") for part in _alternatives(schema, root))
    return any(kind == "number" or (isinstance(kind, list) and "number" in kind) for kind in kinds)


def _property(schema: Any, key: str, root: Any) -> Any:
    found = []
    for part in _alternatives(schema, root):
        declared = part.get("properties", {})
        found.append(declared[key] if key in declared else part.get("additionalProperties", {}))
    return {"anyOf": found}


def _item(schema: Any, position: int, root: Any) -> Any:
    found = []
    for part in _alternatives(schema, root):
        first = part.get("prefixItems", [])
        found.append(first[position] if position < len(first) else part.get("items", {}))
    return {"anyOf": found}
