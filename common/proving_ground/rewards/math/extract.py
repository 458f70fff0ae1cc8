r"""Which part of a completion is its final answer.

The *last* answer counts, in whichever accepted format it stands. A last answer that is broken (an
unterminated ``\boxed{``, an empty box) is no answer: falling back to an earlier one would reward a
completion that was cut off. Boxes that follow each other with nothing but "or", "and" or
punctuation between them (``\boxed{41} or \boxed{42}``) are a hedge, and a hedge is no answer.
"""

import re
from collections import deque
from collections.abc import Sequence

from proving_ground.rewards.math.notation import matching

FORMATS = ("boxed", "hash", "phrase")
r"""``\boxed{7}`` (also ``\fbox``), GSM8K's ``#### 7``, and ``The answer is 7``."""

_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])")
_HASH = re.compile(r"####[ \t]*([^\n]*)")
_PHRASE = re.compile(r"\banswer(?:[ \t]+is|[ \t]*:)[ \t]*:?[ \t]*", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")
_JOINT = re.compile(
    r"[\s$.,;:/|*()\\\[\]]*(?:(?:or|and|maybe|perhaps|either)[\s$.,;:/|*()\\\[\]]*){0,3}", re.IGNORECASE
)
_LONGEST_JOINT = 60


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """``formats`` as a tuple; ``ValueError`` if it is empty or names a format there is not."""
    if isinstance(formats, str) or not formats or not set(formats) <= set(FORMATS):
        raise ValueError(f"answer formats must be some of {', '.join(FORMATS)}; got {formats!r}")
    return tuple(formats)


def final_answer(text: str, formats: Sequence[str] = ("boxed",)) -> str | None:
    r"""The text of the last answer in ``text``, as written, or ``None``.

    ``formats`` are names from ``FORMATS``; an unknown one raises ``ValueError``. Where several are
    accepted, the answer that stands last in the text counts. Takes time linear in the text.
    """
    found = [_LAST[name](text) for name in check_formats(formats)]
    _, answer = max(found, key=lambda place: place[0])
    return answer.strip() or None if answer is not None else None


def _last_boxed(text: str) -> tuple[int, str | None]:
    """Where the last box starts (-1: none) and what it holds (``None``: broken or a hedge)."""
    boxes = list(_BOX.finditer(text))[-2:]
    if not boxes:
        return -1, None
    last = boxes[-1]
    content, _ = _content(text, last)
    if content is not None and len(boxes) == 2:
        before, end = _content(text, boxes[0])
        between = text[end : last.start()]
        if (
            before is not None
            and before.split() != content.split()
            and end <= last.start()
            and len(between) <= _LONGEST_JOINT
            and _JOINT.fullmatch(between)
        ):
            return last.start(), None
    return last.start(), content


def _content(text: str, box: re.Match[str]) -> tuple[str | None, int]:
    """What a box holds and where it ends; ``None`` if it has no brace or never closes."""
    brace = box.end()
    while brace < len(text) and text[brace].isspace():
        brace += 1
    end = matching(text, brace) if text[brace : brace + 1] == "{" else None
    return (None, box.end()) if end is None else (text[brace + 1 : end], end + 1)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = deque(pattern.finditer(text), maxlen=1)
    return found[0] if found else None


def _last_hash(text: str) -> tuple[int, str | None]:
    last = _last(_HASH, text)
    return (-1, None) if last is None else (last.start(), last[1])


def _last_phrase(text: str) -> tuple[int, str | None]:
    last = _last(_PHRASE, text)
    if last is None:
        return -1, None
    end = _SENTENCE_END.search(text, last.end())
    return last.start(), text[last.end() : end.start() if end else len(text)]


_LAST = {"boxed": _last_boxed, "hash": _last_hash, "phrase": _last_phrase}
