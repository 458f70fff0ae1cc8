"""The tools of a row and its ground truth: what the answer key says, checked before anything is scored."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.function_calls.calls import Call, ExpectedCall
from proving_ground.rewards.function_calls.forms import Tools
from proving_ground.rewards.function_calls.schema import SECONDS, resolve, schema_problem
from proving_ground.strict_json import read_document

Key: TypeAlias = tuple[Sequence[ExpectedCall], Tools | None]
"""The calls that are right, and the tools they are of, where a row has them."""

_KEYS_CACHED = 4096


def read_key(ground_truth: Any, tools: Any, where: str) -> Key:
    """Read one row's ground truth and tools (JSON strings, tools may be ``None``); ``where`` names the row.

    Raises ``InfrastructureError`` for anything but a list of calls and a list of OpenAI tool schemas, and
    for a call that its own tool would refuse: no completion could be right then, or only by mistake.
    """
    try:
        for column, text in (("ground_truth", ground_truth), ("tools", "" if tools is None else tools)):
            if not isinstance(text, str):
                raise TypeError(f"{column}: expected a JSON string, found {type(text).__name__}")
        return _read_key(ground_truth, tools)
    except (ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InfrastructureError(f"broken function calls in {where}: {reason}; fix the dataset") from error


def problem_of(call: Call, tools: Tools, ends: float | None = None) -> str | None:
    """Why the tool would refuse ``call``, in a few words; ``None`` when it would take it.

    ``ends``: see ``schema_problem``.
    """
    if call.name not in tools:
        return f"{call.name!r} is none of the tools"
    problem = schema_problem(call.arguments, tools[call.name], ends)
    return None if problem is None else f"{call.name}: {problem}"


@lru_cache(maxsize=_KEYS_CACHED)
def _read_key(ground_truth: str, tools: str | None) -> Key:
    calls = _read_calls(_document(ground_truth, "ground_truth"))
    if tools is None:
        return calls, None
    schemas = _read_tools(_document(tools, "tools"))
    ends = time.thread_time() + SECONDS
    for call in calls:
        for accepted in _each_accepted(call):
            if problem := problem_of(accepted, schemas, ends):
                raise ValueError(f"ground_truth: {problem}")
    return calls, schemas


def _each_accepted(call: ExpectedCall) -> Iterator[Call]:
    """The call, and it with each other value that is accepted."""
    yield call
    for argument, values in call.accepted.items():
        yield from (Call(call.name, {**call.arguments, argument: value}) for value in values)


def _document(text: str, column: str) -> list[Any]:
    try:
        value = read_document(text)
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from error
    if not isinstance(value, list):
        raise TypeError(f"{column}: expected a JSON list, found {type(value).__name__}")
    return value


def _read_calls(values: list[Any]) -> list[ExpectedCall]:
    calls = []
    for value in values:
        match value:
            case {"name": str(name), "arguments": dict(arguments), **rest} if name and rest.keys() <= {
                "accepted"
            }:
                accepted = rest.get("accepted", {})
                if type(accepted) is dict and all(type(each) is list and each for each in accepted.values()):
                    calls.append(ExpectedCall(name, arguments, accepted))
                    continue
        raise ValueError(
            f"ground_truth: not {{name, arguments}}, or accepted is no object of lists: {str(value)[:80]}"
        )
    return calls


def _read_tools(values: list[Any]) -> Tools:
    tools: dict[str, Mapping[str, Any]] = {}
    for value in values:
        match value:
            case {"type": "function", "function": {"name": str(name), **rest}} if name:
                schema = rest.get("parameters", {})
            case _:
                raise ValueError(f"tools: not an OpenAI tool schema: {str(value)[:80]}")
        if name in tools:
            raise ValueError(f"tools: {name!r} occurs twice")
        if not isinstance(schema, dict):
            raise ValueError(f"tools: parameters of {name!r} are no object")
        if problem := _schema_problem(json.dumps(schema)):
            raise ValueError(f"tools: {name!r}: {problem}")
        # JSON Schema allows what it does not mention; a function does not.
        tools[name] = {"type": "object", "additionalProperties": False, **schema}
    return tools


@lru_cache(maxsize=_KEYS_CACHED)  # the same tools come in ever new combinations
def _schema_problem(text: str) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    schema = json.loads(text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return str(error.message)
    dangling = (each for each in _references(schema) if resolve(each, schema) is None)
    return next((f"{each!r} is nowhere in its schema" for each in dangling), None)


def _references(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield from (part[key] for key in ("$ref", "$dynamicRef") if isinstance(part.get(key), str))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
