"""What a call is, and reading one from the objects and the texts that models write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proving_ground.strict_json import check_value, read_document

MAX_CHARACTERS = 100_000
"""A longer answer (reasoning aside), or a longer string of arguments, is refused."""

NAME_KEYS = ("name", "tool_name", "tool", "action")
ARGUMENT_KEYS = ("arguments", "parameters", "input", "args", "action_input", "tool_input")
_CALL_KEYS = frozenset(
    {"arguments", "parameters", "function", "tool", "tool_name", "tool_calls", "function_call"}
)
"""Keys that stand in no other JSON."""
_OTHER_KEYS = frozenset({"id", "index", "type", "call_id", "tool_call_id"})


@dataclass(frozen=True)
class Call:
    """One call of one tool."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ExpectedCall(Call):
    """A call of the ground truth.

    Attributes:
        accepted: by argument, values that are right besides the one in ``arguments``. An argument that stands
            here alone may be left out.
    """

    accepted: Mapping[str, list[Any]] = field(default_factory=dict)

    def values(self, argument: str) -> list[Any]:
        """Every value that is right for ``argument``; none for an argument that is not expected."""
        given = [self.arguments[argument]] if argument in self.arguments else []
        return [*given, *self.accepted.get(argument, [])]


def looks_like_call(value: Any, tools: Mapping[str, Any]) -> bool:
    """Whether a JSON value is meant as a call, well-formed or not; other JSON is an answer in words."""
    if not isinstance(value, Mapping):
        return False
    names = [value[key] for key in NAME_KEYS if key in value]
    if _CALL_KEYS & value.keys():
        return True
    return any(type(name) is str and name in tools for name in names) or (
        bool(names) and any(key in value for key in ARGUMENT_KEYS)
    )


def call_of(value: Any) -> Call:
    """Read one call object; raises ``ValueError`` when it is none.

    ``{"name", "arguments"}``, with the other names that models use for both. Arguments may be a string that
    holds the object as JSON; OpenAI's ``{"type": "function", "function": {...}}`` around it is taken.
    """
    if not isinstance(value, Mapping):
        raise ValueError("a call that is no object")
    if isinstance(value.get("function"), Mapping):
        if not value.keys() <= {*_OTHER_KEYS, "function"}:
            raise ValueError("a call with unknown keys")
        value = value["function"]
    if not value.keys() <= {*_OTHER_KEYS, *NAME_KEYS, *ARGUMENT_KEYS}:
        raise ValueError("a call with unknown keys")
    names = [value[key] for key in NAME_KEYS if key in value]
    given = [value[key] for key in ARGUMENT_KEYS if key in value]
    if len(names) != 1 or type(names[0]) is not str or len(given) != 1:
        raise ValueError("a call needs one name and one object of arguments")
    arguments = given[0]
    if type(arguments) is str:
        if len(arguments) > MAX_CHARACTERS:
            raise ValueError(f"arguments of more than {MAX_CHARACTERS:,} characters")
        arguments = read_document(arguments)
    return made_call(names[0], arguments)


def made_call(name: str, arguments: Any) -> Call:
    """A call, if ``arguments`` are an object of JSON values; else ``ValueError``."""
    if type(arguments) is not dict:
        raise ValueError("arguments that are no object")
    check_value(arguments)
    return Call(name, arguments)
