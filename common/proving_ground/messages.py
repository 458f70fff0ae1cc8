"""Prompts, reference answers and completion texts: the one place that knows how they are laid out.

A sample's ``messages`` is a chat whose last message is the reference assistant answer. TRL hands
rewards either strings or lists of messages. Every other module asks here instead of indexing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from proving_ground.errors import CannotRunError

Message: TypeAlias = dict[str, Any]
"""``{"role": str, "content": str}``, optionally with OpenAI's ``tool_calls``."""

Completion: TypeAlias = str | Sequence[Mapping[str, Any]]
"""What TRL passes to a reward: plain text, or the assistant's messages of one rollout."""

# Possessive, so that a line of spaces is not tried at every length. Information after backquotes has none.
_FENCE = re.compile(r"^(?P<indent>[ \t]*+)(?P<fence>`{3,}+(?=[^`\n]*+$)|~{3,}+)[ \t]*+(?P<info>[^\n]*+)$")
_REASONING = re.compile(r"<think>.*?</think>", re.DOTALL)


def split_messages(messages: Sequence[Message]) -> tuple[list[Message], Message]:
    """Split a sample's chat into the prompt (all but the last message) and the reference answer.

    Raises ``CannotRunError`` when the last message is not the assistant's or no prompt is left.
    """
    if len(messages) < 2 or messages[-1].get("role") != "assistant":
        raise CannotRunError("messages must be a prompt followed by the reference assistant answer")
    return [dict(message) for message in messages[:-1]], dict(messages[-1])


def prompt_of(sample: Mapping[str, Any], system_prompt: str | None = None) -> list[Message]:
    """The messages to send to a policy: no reference answer, and ``system_prompt`` first if given.

    A system message of the sample's own wins over ``system_prompt``.
    """
    prompt, _ = split_messages(sample["messages"])
    if system_prompt and prompt[0].get("role") != "system":
        prompt.insert(0, {"role": "system", "content": system_prompt})
    return prompt


def with_examples(
    samples: Sequence[Mapping[str, Any]],
    few_shot: int | Sequence[Message],
    training: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """``samples`` with worked examples before each question: messages of their own, after the system message.

    ``few_shot`` is how many of the first rows of ``training`` are examples, or the messages themselves.
    Raises ``CannotRunError`` when there are not so many rows.
    """
    if isinstance(few_shot, int):
        if few_shot > len(training):
            raise CannotRunError(
                f"prompt.few_shot asks for {few_shot} examples of {len(training)} training rows"
            )
        examples = [message for row in training[:few_shot] for message in row["messages"]]
    else:
        examples = list(few_shot)
    examples = [dict(message) for message in examples if message.get("role") != "system"]
    if not examples:
        return [dict(sample) for sample in samples]
    prompts = []
    for sample in samples:
        first = [message for message in sample["messages"] if message.get("role") == "system"]
        rest = [message for message in sample["messages"] if message.get("role") != "system"]
        prompts.append({**sample, "messages": [*first, *examples, *rest]})
    return prompts


def reference_of(sample: Mapping[str, Any]) -> str:
    """The text of the reference assistant answer."""
    return content_text(split_messages(sample["messages"])[1])


def content_text(message: Mapping[str, Any]) -> str:
    """The text of one message; ``None`` content (a pure tool call) is the empty string.

    Content given in OpenAI's parts form (``[{"type": "text", "text": ...}]``) is joined.
    """
    content = message.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, Mapping) and isinstance(part.get("text"), str)
        )
    return ""


def completion_text(completion: Completion) -> str:
    """The text of one completion: itself, or the content of its last assistant message.

    A conversation without an assistant message has no answer: the empty string.
    """
    if isinstance(completion, str):
        return completion
    for message in reversed(completion):
        if message.get("role", "assistant") == "assistant":
            return content_text(message)
    return ""


def strip_reasoning(text: str) -> str:
    """Remove ``<think>...</think>``; what is left is the answer the user would see.

    Reasoning that never ends has no answer after it, so an unterminated ``<think>`` leaves only
    what stood before it. A lone ``</think>`` (templates that open the block in the prompt) leaves
    what stands after it.
    """
    # Searched only up to the last end: an opening that never closes would be scanned for over and over.
    end = text.rfind("</think>") + len("</think>") if "</think>" in text else 0
    text = _REASONING.sub("", text[:end]) + text[end:]
    if "</think>" in text:
        text = text.rsplit("</think>", 1)[1]
    if "<think>" in text:
        text = text.split("<think>", 1)[0]
    return text.strip()


class Fence(NamedTuple):
    """A fenced block of a text."""

    language: str
    """The first word after the opening fence, in lower case; empty where there is none."""
    content: str
    closed: bool
    """Whether it ends before the text does."""
    start: int
    end: int
    """Where the block stands in the text, its fences included."""


def fences(text: str) -> list[Fence]:
    """The fenced blocks of a Markdown text, in order.

    A block opens with a line of three or more backquotes or tildes and perhaps a language, and closes with a
    line of at least as many of them alone, or at the end of the text. A block that is indented (in a list)
    loses that indentation.
    """
    found: list[Fence] = []
    opened: re.Match[str] | None = None
    block: list[str] = []
    start = end = 0

    def close(*, closed: bool) -> None:
        assert opened is not None
        language = re.match(r"[{.]*([^\s,:}]*)", opened["info"])
        found.append(Fence(language[1].lower() if language else "", "\n".join(block), closed, start, end))

    for line in text.split("\n"):
        begin, end = end, min(end + len(line) + 1, len(text))
        fence = _FENCE.match(line.rstrip("\r"))
        if opened is None:
            if fence:
                opened, block, start = fence, [], begin
        elif fence and not fence["info"].strip() and fence["fence"].startswith(opened["fence"]):
            close(closed=True)
            opened = None
        else:
            block.append(line.removeprefix(opened["indent"]))
    if opened is not None:
        close(closed=False)
    return found
