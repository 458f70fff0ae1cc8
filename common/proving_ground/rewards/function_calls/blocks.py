"""Where in a text the call objects stand.

- ``<tool_call>`` blocks, each with one or several JSON values.
- Without such tags: fenced blocks (no language, ``json`` or ``tool_call``) whose content looks like JSON.
- Without those: JSON at the start of a line, one value or several.

What is begun in one of these forms must be read to its end, and what stands outside must not look like a
piece of a call: an answer with one good and one broken block is broken. All of it takes linear time.
"""

import re
from collections.abc import Iterator
from typing import Any

from proving_ground.rewards.function_calls.strict_json import read_value

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
# Possessive, so that a line of spaces is not tried at every length.
_FENCE = re.compile(r"[ \t]*+```[ \t]*+([\w-]*+)[ \t]*+\Z")
_FENCE_LANGUAGES = frozenset({"", "json", "tool_call"})
_JSON = re.compile(r"\s*(?:\{|\[\s*[{\]])")
_BARE = re.compile(r"^[ \t]*(?=\{|\[\s*\{)", re.MULTILINE)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_PIECE = re.compile(r"\"(?:arguments|parameters)\"\s*:|</?tool_call>")


def values_in(text: str) -> list[Any]:
    """The JSON values that stand where calls stand, arrays taken apart; prose has none.

    Raises ``ValueError`` when a block is broken, holds no value, or a piece of a call stands outside.
    """
    if _OPEN in text:
        values, outside = _tagged(text)
    else:
        values, outside = _fenced(text)
        if not values and (bare := _BARE.search(text)):
            values, end = _read_values(text, bare.end())
            outside = text[: bare.start()] + "\n" + text[end:]
    if _PIECE.search(_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), outside)):
        raise ValueError("a piece of a call outside of any block")
    return values


def _tagged(text: str) -> tuple[list[Any], str]:
    """Values inside the tags, and the text outside. A string may hold a closing tag, so JSON comes first."""
    values: list[Any] = []
    outside = []
    position = 0
    while (start := text.find(_OPEN, position)) >= 0:
        outside.append(text[position:start])
        found, position = _read_values(text, start + len(_OPEN))
        if not found or not text.startswith(_CLOSE, position):
            raise ValueError("a <tool_call> block that is not JSON alone")
        values += found
        position += len(_CLOSE)
    return values, "\n".join([*outside, text[position:]])


def _fenced(text: str) -> tuple[list[Any], str]:
    """Values inside fences, and the text outside them, other fences included."""
    values: list[Any] = []
    outside = []
    for is_json, block in _fences(text):
        if not is_json:
            outside.append(block)
            continue
        found, end = _read_values(block, 0)
        if not found or end < len(block):
            raise ValueError("a fenced block that is not JSON alone")
        values += found
    return values, "\n".join(outside)


def _fences(text: str) -> Iterator[tuple[bool, str]]:
    """Cut a text into ``(is a fenced block of JSON, content)``; raises ``ValueError`` if one never closes."""
    language: str | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = _FENCE.match(line.rstrip("\r"))
        if fence is None or (language is not None and fence[1]):
            lines.append(line)
            continue
        yield _is_json(language, lines), "\n".join(lines)
        language, lines = (fence[1].lower() if language is None else None), []
    if _is_json(language, lines):
        raise ValueError("a fenced block that never closes")
    yield False, "\n".join(lines)


def _is_json(language: str | None, lines: list[str]) -> bool:
    return language in _FENCE_LANGUAGES and _JSON.match("\n".join(lines)) is not None


def _read_values(text: str, position: int) -> tuple[list[Any], int]:
    """Read objects and arrays one after another, and the white space behind them; where they end."""
    values: list[Any] = []
    position = _skip_space(text, position)
    while text.startswith(("{", "["), position):
        value, position = read_value(text, position)
        values += value if type(value) is list else [value]
        position = _skip_space(text, position)
    return values, position


def _skip_space(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position
