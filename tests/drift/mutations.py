"""Payloads with one thing wrong, to show that the checker sees it."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

DROP = object()
"""As a value: leave the field out."""


def changed(good: Mapping[str, Any], path: Sequence[str | int], value: Any) -> dict[str, Any]:
    """A copy of ``good`` with ``value`` at ``path``, or without that field."""
    payload: dict[str, Any] = copy.deepcopy(dict(good))
    target: Any = payload
    for step in path[:-1]:
        target = target[step]
    if value is DROP:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return payload


def shown(value: Any) -> str:
    """A parameter's part of a test's id."""
    return "missing" if value is DROP else json.dumps(value)
