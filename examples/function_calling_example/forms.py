"""How calls are written down, rewarded and not, and how a right answer is spoilt."""

import json
from collections.abc import Sequence
from typing import Any

NO_CALL = "No tool fits."
PSEUDO_CALL = {"name": "none", "arguments": {}}


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def tagged(calls: Sequence[dict[str, Any]]) -> str:
    """The rewarded form: one ``<tool_call>`` block per call, or words where no call is right."""
    return "\n".join(f"<tool_call>{compact(call)}</tool_call>" for call in calls) or NO_CALL


def flat(calls: Sequence[dict[str, Any]]) -> str:
    """The same calls in a form that says it right but that no tool runner reads.

    It never starts like the rewarded form: a policy that is rewarded for opening a ``<tool_call>`` would
    open one where no tool fits, too, and never try the words that are right there.
    """
    if not calls:
        return compact({"tool": None})
    return "\n".join(compact({"tool": call["name"], **call["arguments"]}) for call in calls)


def mutations(calls: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Answers one step away from the right one, by what is wrong with them. None is right."""
    right = tagged(calls)
    if not calls:
        return {
            "needless call": tagged([PSEUDO_CALL]),
            "malformed block": f"{right}\n<tool_call>{{</tool_call>",
            "nothing": "",
        }
    first, *rest = calls
    name, arguments = first["name"], first["arguments"]

    def spoilt(**changed: Any) -> str:
        return tagged([{**first, **changed}, *rest])

    found = {
        "argument added": spoilt(arguments={**arguments, "extra": 1}),
        "wrong tool": spoilt(name=f"{name}_now"),
        "call duplicated": tagged([first, *calls]),
        "call missing": tagged(rest) if rest else f"I have called {name}.",
        "malformed extra block": f'{right}\n<tool_call>{{"name":"{name}","arguments":{{</tool_call>',
        "block not closed": right.removesuffix("</tool_call>"),
        "nothing": "",
    }
    if not arguments:
        return found
    key, value = next(iter(arguments.items()))
    return {
        "wrong value": spoilt(arguments={**arguments, key: _changed(value)}),
        "wrong type": spoilt(arguments={**arguments, key: _of_another_type(value)}),
        "argument dropped": spoilt(arguments={k: v for k, v in arguments.items() if k != key}),
        "argument renamed": spoilt(arguments={f"{k}_": v for k, v in arguments.items()}),
        **found,
    }


def _changed(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return [*value[:-1], _changed(value[-1])] if value else [None]
    if isinstance(value, dict) and value:
        key = next(iter(value))
        return {**value, key: _changed(value[key])}
    return {"changed": value}


def _of_another_type(value: Any) -> Any:
    return [value] if isinstance(value, str) else compact(value)
