"""From a completion to the calls in it: the forms that models write, and nothing that has to be guessed.

A call is ``{"name": ..., "arguments": {...}}``. ``parameters`` is taken for ``arguments``, and both may be a
string that holds the object as JSON. OpenAI's ``{"type": "function", "function": {...}}`` around it is taken
too. Calls come from the message's ``tool_calls`` and from its text (``blocks`` says where in it), together.
Reasoning (``<think>``) is cut out of the text before anything is parsed, even inside a string.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proving_ground.messages import Completion, content_text, strip_reasoning
from proving_ground.rewards.function_calls.blocks import values_in
from proving_ground.rewards.function_calls.strict_json import check_value, read_document

MAX_CHARACTERS = 100_000
"""A longer answer (reasoning aside), or a longer string of arguments, is refused."""


class MalformedCallError(ValueError):
    """A completion holds something begun as a call that is none."""


@dataclass(frozen=True)
class Call:
    """One call of one tool."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a completion says: its calls, and whether it says anything."""

    calls: list[Call]
    has_text: bool


def read_answer(completion: Completion) -> Answer:
    """The calls of a completion, which is a text or messages (the last assistant message counts).

    Raises ``MalformedCallError`` when anything in it is begun as a call and cannot be read as one.
    """
    message = _last_message(completion)
    text = strip_reasoning(content_text(message))
    try:
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f"longer than {MAX_CHARACTERS:,} characters")
        values = [*_tool_calls(message), *values_in(text)]
        return Answer([call_of(value) for value in values], bool(text))
    except ValueError as error:
        raise MalformedCallError(str(error)) from error


def call_of(value: Any) -> Call:
    """Read one call object; raises ``ValueError`` when it is none."""
    if not isinstance(value, Mapping):
        raise ValueError("a call that is no object")
    if "function" in value:
        if not value.keys() <= {"id", "index", "type", "function"}:
            raise ValueError("a call with unknown keys")
        value = value["function"]
        if not isinstance(value, Mapping):
            raise ValueError("a function that is no object")
    if not value.keys() <= {"id", "type", "name", "arguments", "parameters"}:
        raise ValueError("a call with unknown keys")
    name = value.get("name")
    given = [value[key] for key in ("arguments", "parameters") if key in value]
    if type(name) is not str or len(given) != 1:
        raise ValueError("a call needs a name and arguments")
    arguments = given[0]
    if type(arguments) is str:
        if len(arguments) > MAX_CHARACTERS:
            raise ValueError(f"arguments of more than {MAX_CHARACTERS:,} characters")
        arguments = read_document(arguments)
    if type(arguments) is not dict:
        raise ValueError("arguments that are no object")
    check_value(arguments)
    return Call(name, arguments)


def _last_message(completion: Completion) -> Mapping[str, Any]:
    if isinstance(completion, str):
        return {"content": completion}
    for message in reversed(completion):
        if message.get("role", "assistant") == "assistant":
            return message
    return {}


def _tool_calls(message: Mapping[str, Any]) -> Sequence[Any]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list):
        raise ValueError("tool_calls that are no list")
    return calls
