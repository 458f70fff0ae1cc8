"""Generated rows in BFCL's shape: ``id``, ``category``, ``messages``, ``tools`` and ``ground_truth``.

Requests come from ``toolbox``. One row in nine is bad: each filter finds something to drop.
"""

import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any

from examples.function_calling_example.slots import SLOTS, VALUES
from examples.function_calling_example.tool import Tool
from examples.function_calling_example.toolbox import TOOLS

SMALL_TALK = (
    "Thank you, {person}!",
    "Tell me a joke about {item}.",
    "My name is {person}.",
    "Who was {person}?",
    "Do you like {city}?",
    "What rhymes with {title}?",
)
KINDS = {"simple": 0.4, "multiple": 0.25, "parallel": 0.15, "irrelevance": 0.2}


def builtin_rows(seed: int) -> Iterator[dict[str, Any]]:
    """An endless stream of raw rows; the same for the same seed."""
    rng = random.Random(seed)
    number = 0
    row = _row(rng, number)
    while True:
        number += 1
        if rng.random() < 0.89:
            row = _row(rng, number)
            yield row
        else:
            yield _bad(rng, row, _row(rng, number))


def _row(rng: random.Random, number: int) -> dict[str, Any]:
    (category,) = rng.choices([*KINDS], [*KINDS.values()])
    chosen = rng.choice(TOOLS)
    others = [tool for tool in TOOLS if tool is not chosen]
    request, call = _request(rng, chosen)
    if category == "simple":
        return _made(category, number, request, [chosen], [call])
    if category == "multiple":
        tools = [chosen, *rng.sample(others, rng.randint(1, 2))]
        rng.shuffle(tools)
        return _made(category, number, request, tools, [call])
    if category == "parallel":
        second = rng.choice([chosen, rng.choice(others)])
        also, more = _request(rng, second)
        tools = [chosen] if second is chosen else [chosen, second]
        return _made(category, number, f"{request} {also}", tools, [call, more])
    talk = rng.choice(SMALL_TALK).format(**_slots(rng))
    # A request for a tool that is not offered, or none at all.
    return _made(category, number, rng.choice([talk, request]), [rng.choice(others)], [])


def _made(
    category: str, number: int, request: str, tools: Sequence[Tool], calls: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "id": f"{category}_{number}",
        "category": category,
        "messages": [{"role": "user", "content": request}],
        "tools": [tool.schema for tool in tools],
        "ground_truth": calls,
    }


def _request(rng: random.Random, tool: Tool) -> tuple[str, dict[str, Any]]:
    sentence, arguments = rng.choice(tool.requests)
    slots = _slots(rng)
    return sentence.format(**slots), {"name": tool.name, "arguments": _filled(arguments, slots)}


def _slots(rng: random.Random) -> dict[str, Any]:
    """One value for each slot; ``city2`` differs from ``city``."""
    slots: dict[str, Any] = {}
    for name, values in SLOTS.items():
        slots[name] = rng.choice([value for value in values if value != slots.get(name.rstrip("2"))])
    return slots


def _filled(template: Any, slots: dict[str, Any]) -> Any:
    if isinstance(template, dict):
        return {key: _filled(value, slots) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, slots) for value in template]
    value = slots[template[1:]]
    return VALUES.get(value, value)


def _bad(rng: random.Random, good: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """``fresh`` spoilt so that it must be dropped, or a duplicate of ``good``."""
    row = copy.deepcopy(fresh)
    name = row["tools"][0]["function"]["name"]
    spoilt: dict[str, Any] = rng.choice(
        [
            {"messages": [{"role": "user", "content": "  "}]},
            {"messages": [*row["messages"], {"role": "assistant", "content": "Done."}, *row["messages"]]},
            {"tools": []},
            {"tools": [{"name": name, "parameters": {"type": "dict"}}]},
            {"tools": row["tools"] + row["tools"]},
            {"ground_truth": [{name: {}}]},
            {"ground_truth": [{"name": "no_such_tool", "arguments": {}}]},
            {"ground_truth": [{"name": name, "arguments": {"unheard_of": 1}}]},
            {"messages": [{"role": "user", "content": good["messages"][0]["content"].upper()}]}
            | {key: good[key] for key in ("tools", "ground_truth")},
            good,
        ]
    )
    return row | spoilt
