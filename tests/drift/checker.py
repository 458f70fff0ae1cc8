"""Compare JSON with the types of the official SDK: strictly, and without fields it does not know."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import typing_extensions
from pydantic import BaseModel, ValidationError

EXACT = (str, int, float, bool, type(None))


def response_problems(
    model: type[BaseModel],
    payload: Any,
    always: Mapping[type[BaseModel], Collection[str]],
) -> list[str]:
    """What is wrong with ``payload`` as a ``model``; empty when nothing is.

    Three things are wrong: a value of another type (nothing is coerced), a field that the SDK does not
    know, at any depth, and a missing field. The SDK declares many fields optional that the service always
    sends and our clients read; ``always`` names those for each type, by the SDK's attribute names.
    """
    try:
        parsed = model.model_validate(payload, strict=True)
    except ValidationError as error:
        return [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return list(_model_problems(parsed, always, "answer"))


def _model_problems(
    value: Any, always: Mapping[type[BaseModel], Collection[str]], where: str
) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from (f"{where}.{name}: the SDK knows no such field" for name in value.model_extra or {})
        for name in always.get(type(value), ()):
            if name not in value.model_fields_set:
                wire = type(value).model_fields[name].alias or name
                yield f"{where}.{wire}: missing, and the service always sends it"
        for name in type(value).model_fields:
            yield from _model_problems(getattr(value, name), always, f"{where}.{name}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _model_problems(item, always, f"{where}[{position}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _model_problems(item, always, f"{where}[{key!r}]")


def request_problems(annotation: Any, value: Any, where: str = "request") -> list[str]:
    """What is wrong with ``value`` as the body of a request whose parameters ``annotation`` types.

    The SDK types its requests as ``TypedDict`` under Python names, with the wire names in annotations.
    Raises ``TypeError`` for an annotation it cannot read: skipping one would be a check that cannot fail.
    """
    annotation, _ = _unwrap(annotation)
    if annotation in (Any, object):
        return []
    if typing_extensions.is_typeddict(annotation):
        return list(_typed_dict_problems(annotation, value, where))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        # Of several ways to fail, the nearest miss is the one worth reading.
        return min((request_problems(option, value, where) for option in arguments), key=len)
    if origin is Literal:
        fits = any(type(value) is type(option) and value == option for option in arguments)
        return [] if fits else [f"{where}: {value!r} is none of {arguments}"]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where}: {type(value).__name__} instead of an object"]
        return [
            p
            for key, item in value.items()
            for p in request_problems(arguments[1], item, f"{where}[{key!r}]")
        ]
    if origin is not None and len(arguments) == 1:  # list, Iterable, the SDK's own sequence type
        if not isinstance(value, list):
            return [f"{where}: {type(value).__name__} instead of a list"]
        return [
            p for i, item in enumerate(value) for p in request_problems(arguments[0], item, f"{where}[{i}]")
        ]
    if annotation not in EXACT:
        raise TypeError(f"{where}: cannot compare with {annotation!r}")
    fits = type(value) is annotation or (annotation is float and type(value) is int)
    return [] if fits else [f"{where}: {type(value).__name__} instead of {annotation.__name__}"]


def _typed_dict_problems(annotation: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {type(value).__name__} instead of an object"
        return
    known: dict[str, Any] = {}
    for name, hint in get_type_hints(annotation, include_extras=True).items():
        bare, metadata = _unwrap(hint)
        wire = next((item.alias for item in metadata if getattr(item, "alias", None)), name)
        known[wire] = bare
        if Required in metadata and wire not in value:
            yield f"{where}.{wire}: missing"
    for key, item in value.items():
        if key in known:
            yield from request_problems(known[key], item, f"{where}.{key}")
        else:
            yield f"{where}.{key}: the SDK knows no such field"


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """The type inside ``Required[Annotated[...]]`` in whatever order, and what surrounded it."""
    metadata: list[Any] = []
    while (origin := get_origin(annotation)) in (Annotated, Required, NotRequired):
        metadata += annotation.__metadata__ if origin is Annotated else [origin]
        annotation = get_args(annotation)[0]
    return annotation, metadata
