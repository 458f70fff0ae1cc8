"""From a completion to the calls in it.

Calls come from the message's ``tool_calls`` (and the older ``function_call``, and Anthropic's ``tool_use``
parts) and from its text, together. In a text they stand in one of the marked forms (``forms``), or without a
mark: JSON in a fence (no language, ``json`` or ``tool_call``) or at the start of a line, or a list of Python
calls. Reasoning is cut out before anything is parsed, even inside a string.

What is begun as a call must be read to its end, and beside calls nothing may stand that looks like a piece of
another: an answer with one good and one broken block is broken. A form that is not known, or does not count,
is broken, too, never an answer in words. Text that only speaks of such forms, or holds other JSON, is an
answer in words. All of it takes linear time.

A whole call in its marks is made, whatever the sentence around it says, as a server's parser would have it
run ("For example <tool_call>...</tool_call>"): honest calls stand among words, too. Only Markdown's code
marks, or a fence of another language, show a call without making it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proving_ground.messages import Completion, content_text, fences, strip_reasoning
from proving_ground.rewards.function_calls.calls import MAX_CHARACTERS, Call, call_of, looks_like_call
from proving_ground.rewards.function_calls.forms import (
    FORMS,
    Tools,
    openings,
    python_calls,
    read_block,
    read_objects,
)
from proving_ground.strict_json import read_document

FORM_NAMES = frozenset({"tool_calls", "json", *(form.name for form in FORMS)})
"""Every form that can be read; which of them count is a setting of the reward."""

_HARMONY_REASONING = re.compile(
    r"<\|channel\|>analysis<\|message\|>.*?(?:<\|end\|>|(?=<\|start\|>)|\Z)", re.DOTALL
)
_NOISE = re.compile(
    r"<\|start\|>(?:assistant)?+|<\|channel\|>\w*+(?:<\|message\|>)?+|</s>"
    r"|<\|(?:end|return|call|eot|eo[mt]_id|im_end|endoftext|end_of_text|tool_calls_section_(?:begin|end))\|>"
    r"|<｜(?:end▁of▁sentence|tool[▁_]calls[▁_](?:begin|end))｜>|<(?:end_of_turn|eos)>|>>>all\n"
)
"""Marks around messages and sections; beside calls they mean nothing."""
_MARK = re.compile(
    r"(?:<[/|｜]?+[\w:▁｜]{0,24}?(?:tool_?calls?|tool▁calls?|function_calls?|invoke|arg_key|arg_value|python_tag"
    r"|python_start|START_ACTION|DSML|function=|parameter=|parameter name=)"
    r"|\[TOOL_CALLS|\bfunctools\[|\bto=functions\.|✿(?:FUNCTION|ARGS))[^\s>\]{]*+[>\]]?+",
    re.MULTILINE | re.IGNORECASE,
)
"""What belongs to a marked form, known or not."""
_PROSE = re.compile(r"[ \t]++[^\W\d_]|[.,;:)?!'\"’”*]")
"""What stands behind a mark in a sentence about it."""
_PIECE = re.compile(
    r"\"(?:arguments|parameters|tool_name|action_input|tool_input)\"\s*+:\s*+(?:[{\"\[]|null|\Z)"
    r"|\"name\"\s*+:\s*+\"(?P<name>[\w.-]++)\"|^[ \t*]*+Action Input:",
    re.MULTILINE,
)
"""What stands in no sentence: a piece of a call object, or of ReAct's two lines."""
_PYTHON = re.compile(
    r"^[ \t`]*+(?:\[\s*+(?P<listed>[\w.]++)\(|(?P<name>[\w.]++)\((?=\s*+(?:\w++\s*+=|[)\"'])))", re.MULTILINE
)
_RARE = ("<", "(", ":", "[", "=")
"""One of these is in every piece of a call."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CODE_SPAN = re.compile(r"(?<!`)`([^`\n]++)`(?!`)")
_FENCE_LANGUAGES = frozenset({"", "json", "tool_call"})
_CALL_LANGUAGES = _FENCE_LANGUAGES | {"tool_calls", "tool_code", "xml"}
_JSON_START = re.compile(r"\s*+(?:\{|\[\s*+[{\]])")
_BARE_JSON = re.compile(r"^[ \t]*+(?=\{|\[\s*+\{)", re.MULTILINE)


class MalformedCallError(ValueError):
    """A completion holds something begun as a call that is none, or is in a form that does not count."""


@dataclass(frozen=True)
class Answer:
    """What a completion says: its calls, and whether it says anything."""

    calls: list[Call]
    has_text: bool


def read_answer(
    completion: Completion, tools: Tools | None = None, forms: frozenset[str] = FORM_NAMES
) -> Answer:
    """The calls of a completion, which is a text or messages (the last assistant message counts).

    ``tools``: the row's, by which forms without types (markup) are read and by whose names plain Python is
    recognised. ``forms``: those that count. Raises ``MalformedCallError`` when anything in the completion is
    begun as a call and cannot be read as one.
    """
    message = _last_message(completion)
    text = strip_reasoning(_HARMONY_REASONING.sub("", content_text(message)))
    try:
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f"longer than {MAX_CHARACTERS:,} characters")
        found = [*_from_message(message), *_from_text(text, tools or {})]
        if refused := {form for form, _ in found} - forms:
            raise ValueError(f"calls in a form that does not count ({min(refused)})")
        return Answer([call for _, call in found], bool(_NOISE.sub("", text).strip()))
    except ValueError as error:
        raise MalformedCallError(str(error)) from error


def _last_message(completion: Completion) -> Mapping[str, Any]:
    if isinstance(completion, str):
        return {"content": completion}
    for message in reversed(completion):
        if message.get("role", "assistant") == "assistant":
            return message
    return {}


def _from_message(message: Mapping[str, Any]) -> Iterator[tuple[str, Call]]:
    """The calls that stand in a message beside its text, each with its form."""
    calls = message.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise ValueError("tool_calls that are no list")
    yield from (("tool_calls", call_of(each)) for each in calls or [])
    if message.get("function_call") is not None:
        yield "tool_calls", call_of(message["function_call"])
    content = message.get("content")
    for part in content if isinstance(content, Sequence) and not isinstance(content, str) else []:
        if isinstance(part, Mapping) and part.get("type") in ("tool_use", "function_call"):
            yield "anthropic" if part["type"] == "tool_use" else "tool_calls", call_of(part)


def _from_text(text: str, tools: Tools) -> list[tuple[str, Call]]:
    calls, outside = _marked(text, tools)
    if not calls:
        calls, outside = _json_calls(outside, tools)
    if not calls:
        calls, outside = _python_calls(_NOISE.sub("", outside), tools)
    rest = _NOISE.sub("", outside)
    if not calls:
        rest = _CODE_SPAN.sub(_spoken_of, rest)
    if _has_piece(rest, tools, in_prose=not calls):
        raise ValueError("a piece of a call outside of any block")
    return calls


def _marked(text: str, tools: Tools) -> tuple[list[tuple[str, Call]], str]:
    """The calls in marked forms, and the text outside of them."""
    calls: list[tuple[str, Call]] = []
    outside = []
    position = 0
    mentioned = False
    opening = openings(text)
    shown = [block for block in fences(text) if block.language not in _CALL_LANGUAGES] if opening else []
    while opening and (opened := opening.search(text, position)):
        form = FORMS[int(str(opened.lastgroup).removeprefix("form"))]
        whole = form.opening.match(text, opened.start())
        assert whole is not None
        line = text.rfind("\n", 0, opened.start()) + 1
        in_code = text.count("`", line, opened.start()) % 2 == 1
        if in_code or any(block.start < opened.start() < block.end for block in shown):
            # Quoted in a code span, or in a fence of another language: shown, not made.
            mentioned = mentioned or in_code
            end = max(opened.end(), opened.start() + 1)
            outside.append(text[position:end])
        else:
            found, end = read_block(form, whole, tools)
            outside.append(text[position : opened.start()])
            calls += [(form.name, call) for call in found]
        position = end
    if calls and mentioned:
        raise ValueError("a broken block beside calls")
    return calls, "\n".join([*outside, text[position:]])


def _json_calls(text: str, tools: Tools) -> tuple[list[tuple[str, Call]], str]:
    """The calls in JSON that stands in fences or, without any there, at the start of a line; and the rest.

    JSON that is meant as no call is part of the text.
    """
    try:
        values, outside = _fenced(text)
        if not values and (bare := _BARE_JSON.search(text)):
            values, end = read_objects(text, bare.end())
            outside = text[: bare.start()] + "\n" + text[end:]
    except ValueError:
        return [], text  # a piece of a call in it is found there
    if not any(looks_like_call(value, tools) for value in values):
        return [], text
    return [("json", call_of(value)) for value in values], outside


def _fenced(text: str) -> tuple[list[Any], str]:
    """Values inside fences, and the text outside them, other fences included."""
    values: list[Any] = []
    outside = []
    position = 0
    for fence in fences(text):
        if fence.language not in _FENCE_LANGUAGES or not _JSON_START.match(fence.content):
            continue
        found, end = read_objects(fence.content, 0)
        if not found or end < len(fence.content) or not fence.closed:
            raise ValueError("a fenced block that is not closed, or not JSON alone")
        values += found
        outside.append(text[position : fence.start])
        position = fence.end
    return values, "\n".join([*outside, text[position:]])


def _python_calls(text: str, tools: Tools) -> tuple[list[tuple[str, Call]], str]:
    """Calls in Python, to the end of the text, fence or line; and the text before and after.

    A list of calls, or a call of one of ``tools``, in which something is named.
    """
    for begun in _PYTHON.finditer(text) if "(" in text else ():
        known = (begun["listed"] or begun["name"]) in tools
        if not known and (begun["name"] or text[: begun.start()].strip()):
            continue
        start = begun.start() + len(begun[0]) - len(begun[0].lstrip(" \t`"))
        ends = [text.find("\n```", start), text.find("\n", start), len(text)]
        for end in sorted({end for end in ends if end >= 0}, reverse=True):
            try:
                calls = python_calls(text[start:end].rstrip("` \t\n"))
            except ValueError:
                continue
            return [("pythonic", call) for call in calls], text[: begun.start()] + "\n" + text[end:]
        if known:
            raise ValueError("Python begun as a call that is none")
    return [], text


def _spoken_of(span: re.Match[str]) -> str:
    """Nothing in place of inline code, unless it is JSON: a call there is one."""
    try:
        read_document(span[1])
    except ValueError:
        return ""
    return span[1]


def _has_piece(text: str, tools: Tools, *, in_prose: bool) -> bool:
    """Whether something in ``text`` belongs to a call; ``in_prose``: what a sentence speaks of does not."""
    if not any(mark in text for mark in _RARE):  # most texts: the searches below are slow beside this one
        return False
    text = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    if any(found["name"] is None or found["name"] in tools for found in _PIECE.finditer(text)):
        return True
    if any(not in_prose or not _PROSE.match(text, found.end()) for found in _MARK.finditer(text)):
        return True
    return not in_prose and any(
        (found["listed"] or found["name"]) in tools for found in _PYTHON.finditer(text)
    )
