"""Over generated tools and calls: the gold scores 1.0, any single change less, and no text raises."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proving_ground.rewards.function_calls import function_call_reward, partial_function_call_reward

NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
TEXTS = st.text(max_size=12).filter(lambda text: "think>" not in text)
"""Reasoning is cut out before anything is parsed, also inside a string."""
WHOLE = st.integers(-(10**20), 10**20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)

Typed = tuple[dict[str, Any], Any]
"""A schema and a value that it takes."""


def of(schema: dict[str, Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Typed]:
    return values.map(lambda value: (schema, value))


LEAVES: st.SearchStrategy[Typed] = st.one_of(
    of({"type": "string"}, TEXTS),
    of({"type": "integer"}, WHOLE),
    of({"type": "number"}, st.one_of(FLOATS, st.integers(-1000, 1000))),
    of({"type": "boolean"}, st.booleans()),
    of({"type": "null"}, st.none()),
    of({}, st.one_of(TEXTS, WHOLE, FLOATS, st.booleans(), st.none())),
    st.lists(TEXTS, min_size=1, max_size=4, unique=True).flatmap(
        lambda values: of({"type": "string", "enum": values}, st.sampled_from(values))
    ),
)


def containers(children: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def tuples(parts: list[Typed]) -> Typed:
        items = {"prefixItems": [part[0] for part in parts]} if parts else {}
        return {"type": "array", **items}, [part[1] for part in parts]

    return st.one_of(st.lists(children, max_size=3).map(tuples), objects(children))


def objects(children: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def made(parts: dict[str, Typed]) -> Typed:
        properties = {name: part[0] for name, part in parts.items()}
        schema = {"type": "object", "properties": properties, "required": [*parts]}
        return schema, {name: part[1] for name, part in parts.items()}

    return st.dictionaries(NAMES, children, max_size=4).map(made)


VALUES = st.recursive(LEAVES, containers, max_leaves=6)
ROWS = st.lists(st.tuples(NAMES, objects(VALUES)), min_size=1, max_size=3, unique_by=lambda row: row[0])


def row(parts: list[tuple[str, Typed]]) -> tuple[list[dict[str, Any]], str]:
    """Calls and the tools they are of."""
    tools = [{"type": "function", "function": {"name": name, "parameters": p[0]}} for name, p in parts]
    return [{"name": name, "arguments": p[1]} for name, p in parts], json.dumps(tools)


def tagged(calls: list[dict[str, Any]]) -> str:
    return "\n".join(f"<tool_call>{json.dumps(call)}</tool_call>" for call in calls)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.randoms())
def test_the_gold_scores_one_in_any_order(parts: list[tuple[str, Typed]], random: Any) -> None:
    calls, tools = row(parts)
    shuffled = random.sample(calls, len(calls))
    for reward in (function_call_reward, partial_function_call_reward):
        assert reward([tagged(shuffled)], [json.dumps(calls)], [tools]) == [1.0]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside ``value``."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(each for key, item in inside for each in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def value_at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def same_number(one: Any, other: Any) -> bool:
    """An integer and a float that are equal; where the schema says number, they are the same value."""
    return {type(one), type(other)} == {int, float} and one == other


@settings(max_examples=300, deadline=None)
@given(ROWS, st.data())
def test_any_single_change_of_a_value_scores_less(
    parts: list[tuple[str, Typed]], data: st.DataObject
) -> None:
    calls, tools = row(parts)
    candidates = [(number, path) for number, call in enumerate(calls) for path in places(call["arguments"])]
    if not candidates:
        return
    number, path = data.draw(st.sampled_from(candidates))
    old = value_at(calls[number]["arguments"], path)
    new = data.draw(VALUES.map(lambda typed: typed[1]))
    if (
        (json.dumps(new, sort_keys=True) == json.dumps(old, sort_keys=True))
        or same_number(new, old)
        or new == old == 0
    ):
        return
    spoilt = list(calls)
    spoilt[number] = {**calls[number], "arguments": replaced(calls[number]["arguments"], path, new)}
    truth = json.dumps(calls)
    assert function_call_reward([tagged(spoilt)], [truth], [tools]) == [0.0]
    (partial,) = partial_function_call_reward([tagged(spoilt)], [truth], [tools])
    assert partial is not None and 0.0 <= partial < 1.0


PIECES = st.sampled_from(
    ["<tool_call>", "</tool_call>", "```", "```json\n", "\n", "<think>", "</think>", "{", "}", "[", "]", '"',
     ":", ",", '{"name": "f", "arguments": {}}', '"name"', '"arguments"', "NaN", "1e999", "\\", "\ud800", " ",
     "`", "f(", "a=1", ")", "<function=f>", "<parameter=a>", "</parameter>", "</function>", "<arg_key>",
     "</arg_key><arg_value>", "</arg_value>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "Action: f\n",
     "Action Input: ", '<invoke name="f">', "</invoke>", "<|channel|>", "commentary to=functions.f ",
     "<|message|>", "<|tool_call>call:f", '<|"|>', "<tool_call|>", "```tool_code\n", "functools", "f\x00"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=40).map("".join)))
def test_no_text_raises(text: str) -> None:
    tools = json.dumps([{"type": "function", "function": {"name": "f"}}])
    message = [{"role": "assistant", "content": text, "tool_calls": [{"name": "f", "arguments": text}]}]
    for completion in (text, message):
        for truth in ("[]", '[{"name": "f", "arguments": {}}]'):
            for reward in (function_call_reward, partial_function_call_reward):
                (score,) = reward([completion], [truth], [tools])
                assert score is not None and 0.0 <= score <= 1.0
