r"""Which part of a completion is its final answer.

The *last* answer counts, in whichever accepted format it stands. A last answer that is broken (an
unterminated ``\boxed{``, an empty box) is no answer: falling back to an earlier one would reward a
completion that was cut off. Boxes that follow each other with nothing but "or", "and" or
punctuation between them (``\boxed{41} or \boxed{42}``) are a hedge, and a hedge is no answer.

What touches the box counts: ``-\boxed{5}`` is -5, ``\boxed{5}\%`` is 5 %, and a box that is negated
(``not \boxed{5}``, ``\ne \boxed{5}``, ``\boxed{5} is wrong``) or part of a larger term
(``2 \cdot \boxed{5}``, ``\boxed{5}^2``) is no answer.
"""

import re
from collections import deque
from collections.abc import Sequence

from proving_ground.rewards.math.notation import matching
from proving_ground.rewards.math.units import known, read_unit

FORMATS = ("boxed", "hash", "phrase")
r"""``\boxed{7}`` (also ``\fbox``), GSM8K's ``#### 7``, and ``The answer is 7``."""

_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s*+")
_STRAY = re.compile(r"\{([^{}\\]+)\\\}")  # ``\boxed{8\}``
_HASH = re.compile(r"####[ \t]*([^\n]*)")
_PHRASE = re.compile(r"\banswer(?:[ \t]+is|[ \t]*:)[ \t]*:?[ \t]*", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")
_PUNCTUATION = r"[\s$.,;:/|*()\\\[\]]*"
_JOINT = re.compile(rf"{_PUNCTUATION}(?:(?:or|and|maybe|perhaps|either){_PUNCTUATION}){{0,3}}", re.IGNORECASE)
_LONGEST_JOINT = 60
_LONGEST_LINK = 100
"""Most characters between two boxes that may be one answer together."""

_NOT_TOGETHER = re.compile(
    r"\b(?:maybe|perhaps|not?|wait|actually|instead|rather|but|wrong|correct(?:ed|ion)?|mistake|so|thus|"
    r"hence|therefore|then|first)\b|\\(?:implies|Rightarrow)",
    re.IGNORECASE,
)
_EITHER = re.compile(r"\b(?:or|either)\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|neither|cannot|impossible|false|unlikely|except|but|than|twice|double|half)|n['’]t|\bnor|¬"
    r"|\b(?:square|cube|root|half|reciprocal|opposite|inverse) of)"
    r"(?:[\s$]+(?:that|it|be|is|equals?|equal\s+to|the|an?|answer|[a-z]\s*=))*[\s$\\(\[*]*\Z",
    re.IGNORECASE,
)
_FACTOR = re.compile(
    r"(?:\\(?:ne|neq|not|lnot|neg|cdot|times|div|sqrt|log|ln|sin|cos|tan)(?![a-z])|\\not\s*=|[≠+/^·×]|!=|(?<!_)_"
    r"|(?<!\*)\*|\\(?:sqrt|[dt]?frac)(?:\[\w+\])?\s*(?:\{[^{}]*\}\s*)?\{)[\s{(]*\Z|[0-9]\Z"
)
_SIGN = re.compile(r"(?:([-−]|\b(?:minus|negative))|\\(pm)(?![a-z]))(\s*)\Z")
_OPERAND = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]|[0-9})\]])[ \t]*\Z")
_LABELLED = re.compile(r"(?<![\w\\^*/+-])([A-Za-z](?:_\{?\w\}?)?)\s*=\s*\Z")
_RETRACTED = re.compile(
    r"[\s$.,)\]*\\]*(?:is|was|looks|seems|would be)\s+(?:wrong|incorrect|false|not)\b"
    r"|[\s$]*(?:squared|cubed|factorial|times|(?:or )?(?:more|less|fewer)|short)\b|\s*\?\s*(?:no|wrong)\b"
    r"|[\s$]*(?:\\text\s*\{\s*)?or\b[\s}$]*(?:maybe |perhaps )?[\s$]*-?[\d\\]|[A-Za-z](?![A-Za-z])"
    r"|[ \t]*(?:\)*\s*\^(?!\s*\{?\s*\\circ)|_(?!\{?\d)|!\s*\$|\\(?:sqrt|pi|cdot|times|div|frac|pm|infty)\b"
    r"|[+/·×][ \t]*[\w\\({]|[ \t]*[-−]\s*[0-9\\]|\*[ \t]*\w)",
    re.IGNORECASE,
)
_UNIT_AFTER = re.compile(
    r"(?:[\s$,;~]|\\[,;: ])*(?:\\(?:text|mathrm)\s*\{([^{}]{1,20})\}(\^\{?\d\}?)?"
    r"|\b([a-z]{4,}|[kcm]m|[km]g)\b)",
    re.IGNORECASE,
)
_BELONGS = re.compile(
    r"\s*(\\?%|_\{?\d+\}?|\^\s*\{?\s*\\circ\s*\}?(?:\s*[CF]\b)?)"
    r"|[\s$)\\]*?\b((?:(?:hundred|thousand|million|billion|trillion|dozen)s?|percent)\b)",
    re.IGNORECASE,
)


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


def boxes_together(text: str, most: int, either: bool) -> tuple[str, ...]:
    r"""The last boxes of ``text`` that may be one answer together, in order, ``x = \boxed{3}`` as ``x = 3``.

    Boxes beyond the first more than ``most`` are not looked for. No more than a few words stand between two
    of them, and none that takes back, hedges or infers;
    ``either`` allows an "or", which hedges nothing where the ground truth lists all alternatives.
    """
    found: list[str] = []
    begin: int | None = None
    for box in reversed(list(_BOX.finditer(text))):
        content, end = _content(text, box)
        between = "" if begin is None else text[end:begin]
        apart = len(between) > _LONGEST_LINK or bool(_NOT_TOGETHER.search(between))
        apart |= not either and bool(_EITHER.search(between))
        if content is None or (begin is not None and end > begin) or apart or len(found) > most:
            break
        content = _with_surroundings(text, box.start(), end, content)
        if content is None:
            return ()
        label = _LABELLED.search(text, max(0, box.start() - 20), box.start())
        found.append(f"{label[1]} = {content}" if label else content)
        begin = box.start()
    return tuple(reversed(found))


def _last_boxed(text: str) -> tuple[int, str | None]:
    """Where the last box starts (-1: none) and what it holds (``None``: broken or a hedge)."""
    boxes = list(_BOX.finditer(text))[-2:]
    if not boxes:
        return -1, None
    last = boxes[-1]
    content, last_end = _content(text, last)
    if content is None:
        return last.start(), None
    if len(boxes) == 2:
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
    return last.start(), _with_surroundings(text, last.start(), last_end, content)


def _with_surroundings(text: str, start: int, end: int, content: str) -> str | None:
    """A box's content with the sign, percent or number word that touches it; ``None``: no answer."""
    before, after = text[max(0, start - 40) : start], text[end : end + 60]
    if _RETRACTED.match(after):
        return None
    sign = _SIGN.search(before)
    if sign:
        left = before[: sign.start()]
        if _OPERAND.search(left):
            return None
        # "- \boxed{5}" after a word or at the start of a line is a dash or a bullet, not a sign.
        if not (
            sign[1] in ("-", "−")
            and sign[3]
            and (not left.strip(" ") or left.rstrip(" ")[-1].isalpha() or left.endswith("\n"))
        ):
            simple = re.fullmatch(r"\s*[\w.,\\/{}]*\s*", content)
            return f"{'-' if sign[1] else chr(92) + 'pm '}{content if simple else f'({content})'}"
    if _FACTOR.search(before[-20:]) or _NEGATED.search(before):
        return None
    belongs = _BELONGS.match(after)
    if belongs:
        return f"{content}{belongs[1] or ' ' + belongs[2]}"
    unit = _UNIT_AFTER.match(after) if re.search(r"[0-9}]\s*\Z", content) else None
    words = (unit[1] or unit[3]) + (unit[2] or "") if unit else ""
    stated = read_unit(words.strip("~ "), bool(unit and unit[1])) if unit else None
    return rf"{content}\text{{ {words.strip('~ ')}}}" if stated and known(stated) else content


def _content(text: str, box: re.Match[str]) -> tuple[str | None, int]:
    """What a box holds and where it ends; ``None`` if it has no brace or never closes."""
    end = matching(text, box.end()) if text.startswith("{", box.end()) else None
    if end is not None:
        return text[box.end() + 1 : end], end + 1
    stray = _STRAY.match(text, box.end())
    return (stray[1], stray.end()) if stray else (None, box.end())


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
