"""JSON Schema: the parts of one, and whether it takes a value, in bounded time."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from proving_ground.strict_json import read_document

SECONDS = 1.0
"""CPU time that checking one row or completion may take: a schema can be made so that it takes for ever."""

_MAX_PARTS = 64
_ends: ContextVar[float] = ContextVar("ends")


def schema_problem(value: Any, schema: Mapping[str, Any], ends: float | None = None) -> str | None:
    """Why ``schema`` refuses ``value``, in a few words; ``None`` when it takes it.

    A check that is not done at ``ends`` (by ``time.thread_time()``; ``SECONDS`` from now unless given), or a
    schema that refers to itself without end, refuses, too.
    """
    import regex
    from jsonschema.exceptions import best_match
    from referencing import Registry

    token = _ends.set(time.thread_time() + SECONDS if ends is None else ends)
    try:
        # An empty registry of its own, because the default one would fetch references from the network.
        error = best_match(_bounded_validator()(schema, registry=Registry()).iter_errors(value))
    except TimeoutError:
        return f"checking it takes longer than {SECONDS:g} s"
    except RecursionError:
        return "its schema refers to itself without end"
    except regex.error as broken:
        return f"its schema has a broken pattern ({broken})"
    finally:
        _ends.reset(token)
    return None if error is None else f"{error.json_path}: {error.message}"


@cache
def _bounded_validator() -> Any:
    """Draft 2020-12 with every keyword stopped in time, and those replaced that cannot be stopped."""
    import regex
    from jsonschema import Draft202012Validator, validators
    from jsonschema.exceptions import ValidationError

    def remaining() -> float:
        left = _ends.get() - time.thread_time()
        if left <= 0:
            raise TimeoutError
        return left

    def bounded(keyword: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            remaining()
            yield from keyword(validator, value, instance, schema) or ()

        return check

    def found(pattern: str, text: str) -> bool:
        return regex.search(pattern, text, timeout=remaining()) is not None

    def pattern(validator: Any, value: str, instance: Any, _: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not found(value, instance):
            yield ValidationError(f"{instance!r:.80} does not match {value!r}")

    def pattern_properties(validator: Any, value: Any, instance: Any, _: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            for name, part in value.items():
                for key in [key for key in instance if found(name, key)]:
                    yield from validator.descend(instance[key], part, path=key, schema_path=name)

    def additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            patterns = schema.get("patternProperties", {})
            for key in instance.keys() - schema.get("properties", {}).keys():
                if not any(found(name, key) for name in patterns):
                    if value is False:
                        yield ValidationError(f"{key!r} was unexpected")
                    else:
                        yield from validator.descend(instance[key], value, path=key)

    def unique_items(validator: Any, value: Any, instance: Any, _: Any) -> Iterator[Any]:
        if (
            value
            and isinstance(instance, list)
            and len({_hashable(each) for each in instance}) < len(instance)
        ):
            yield ValidationError("not all items are unique")

    own = {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
        "uniqueItems": unique_items,
    }
    keywords = {**Draft202012Validator.VALIDATORS, **own}
    return validators.extend(Draft202012Validator, {name: bounded(each) for name, each in keywords.items()})


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return "object", frozenset((key, _hashable(each)) for key, each in value.items())
    if isinstance(value, list):
        return "array", tuple(_hashable(each) for each in value)
    return isinstance(value, bool), value


def resolve(reference: str, root: Any) -> Any:
    """The part of the schema ``root`` that a reference (``#/$defs/city``) names, or ``None``."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    registry = Registry().with_resource("", DRAFT202012.create_resource(root))
    try:
        return registry.resolver().lookup(reference).contents
    except Unresolvable:
        return None


def asks_for_number(schema: Any, root: Any) -> bool:
    """Whether ``schema`` takes any number, so that ``5`` and ``5.0`` are the same."""
    return "number" in _types(schema, root)


def typed(text: str, schema: Any, root: Any) -> Any:
    """The value of a text in a form without types: what the schema says, else JSON, else the text."""
    types = _types(schema, root)
    if types == {"string"}:
        return text
    if text in ("null", "None") and "null" in types:
        return None
    if text in ("True", "False") and "boolean" in types:
        return text == "True"
    if types == {"string", "null"}:
        return text
    try:
        return read_document(text)
    except ValueError:
        return text


def property_schema(schema: Any, key: str, root: Any) -> Any:
    """What ``schema`` says of the property ``key``."""
    found = []
    for part in _alternatives(schema, root):
        declared = part.get("properties", {})
        found.append(declared[key] if key in declared else part.get("additionalProperties", {}))
    return {"anyOf": found}


def item_schema(schema: Any, position: int, root: Any) -> Any:
    """What ``schema`` says of an array's item at ``position``."""
    found = []
    for part in _alternatives(schema, root):
        first = part.get("prefixItems", [])
        found.append(first[position] if position < len(first) else part.get("items", {}))
    return {"anyOf": found}


def _types(schema: Any, root: Any) -> set[str]:
    types: set[str] = set()
    for part in _alternatives(schema, root):
        kind = part.get("type", [])
        types |= {kind} if isinstance(kind, str) else set(kind)
        if "type" not in part and all(isinstance(value, str) for value in part.get("enum", [None])):
            types.add("string")
    return types


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
