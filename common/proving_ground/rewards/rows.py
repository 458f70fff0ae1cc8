"""How errors name a row, so that a person finds it."""

from collections.abc import Sequence
from typing import Any


def row_name(index: int, ids: Any) -> str:
    """``row 3 (id gsm8k-…)``, or ``row 3`` where the ``id`` column (``ids``) is missing or too short."""
    named = isinstance(ids, Sequence) and not isinstance(ids, str) and index < len(ids)
    return f"row {index} (id {ids[index]})" if named else f"row {index}"
