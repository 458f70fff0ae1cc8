"""What a builtin tool is: its schema, and the requests that need it.

A request is a sentence with slots (``slots``) and the arguments it asks for; ``"$city"`` in the arguments is
the value of the slot ``{city}``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}
STRINGS = {"type": "array", "items": STRING}
DAY = {"type": "string", "enum": ["monday", "tuesday", "friday", "sunday"]}
MODE = {"type": "string", "enum": ["car", "bus", "bike"]}
CURRENCY = {"type": "string", "enum": ["EUR", "USD", "YEN"]}
SIZE = {"type": "string", "enum": ["small", "large"]}
DOOR = {"type": "string", "enum": ["front", "back"]}


@dataclass(frozen=True)
class Tool:
    """One tool: its parameters (all required but the ``optional``), and requests with their arguments."""

    name: str
    domain: str
    description: str
    parameters: Mapping[str, Any]
    requests: Sequence[tuple[str, Mapping[str, Any]]]
    optional: Sequence[str] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The tool as OpenAI's API and chat templates take it."""
        parameters = {
            "type": "object",
            "properties": dict(self.parameters),
            "required": [name for name in self.parameters if name not in self.optional],
        }
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


def object_of(**properties: Any) -> dict[str, Any]:
    """The schema of an object whose properties are all required."""
    return {"type": "object", "properties": properties, "required": [*properties]}
