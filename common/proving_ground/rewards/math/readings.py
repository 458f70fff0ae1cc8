r"""What an answer's text says, read without any computer algebra.

``read`` turns a cleaned text into one of five readings. Numbers, words and structures (tuples,
sets, intervals) are understood here exactly, with ``fractions.Fraction``; only an ``Expression``
needs a worker. A text that is none of these raises ``UnreadableError``.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from proving_ground.rewards.math.notation import CURRENCY, TEXT_COMMAND, UnreadableError, clean, split_top
from proving_ground.rewards.math.numerals import read_number
from proving_ground.rewards.math.units import known, read_unit


@dataclass(frozen=True)
class Number:
    """An exact rational; ``value`` is as written, so ``50%`` has value 50 and ``percent`` true."""

    value: Fraction
    unit: str | None
    percent: bool
    text: str


@dataclass(frozen=True)
class Word:
    r"""A textual answer or an option letter. ``bare``: not in ``\text{}``, so it might be algebra."""

    text: str
    bare: bool


@dataclass(frozen=True)
class Sequence:
    """Several answers. ``kind`` is "list" (no brackets), "{}", "union", ":" or the two brackets."""

    kind: str
    items: tuple["Reading", ...]
    text: str


@dataclass(frozen=True)
class Relation:
    """``name = part = part``; ``name`` is ``None`` for an equation whose left side is no plain name."""

    name: str | None
    parts: tuple["Reading", ...]
    text: str


@dataclass(frozen=True)
class Expression:
    """LaTeX that takes computer algebra to understand, its unit taken off."""

    text: str
    unit: str | None


Reading: TypeAlias = Number | Word | Sequence | Relation | Expression

_NAME = re.compile(
    r"(?:[A-Za-z]|\\(?!pi\b)[a-z]+)(?:_(?:\w|\{\w+\}))?'*(?:\s*\([A-Za-z](?:,\s*[A-Za-z])*\))?"
    r"|\(\s*[A-Za-z](?:\s*,\s*[A-Za-z])+\s*\)|[A-Za-z][A-Za-z ]*"
    r"|\\(?:angle|overline|vec)\s*\{?\s*[A-Za-z]+\}?",
    re.ASCII,
)
_SHORT_WORDS = frozenset(["yes", "no", "odd", "all", "one", "two", "six", "ten"])
_DATE_LIKE = re.compile(r"(?=.*[A-Za-z]{3,},?\s+[0-9])[A-Za-z0-9 .:'-]+")
"""Words among numbers: ``June 5``, ``3 feet 5 inches``. The parser would multiply the letters."""

_EQUALS = re.compile(r"(?<![<>!:])==?")
_APPROX = re.compile(r"\\approx(?![a-zA-Z])|\\simeq(?![a-zA-Z])|≈")
_COMMA = re.compile(r"[,;]|(?:,\s*)?(?:\\text\s*\{\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z]))")
_UNION = re.compile(r"\\cup(?![a-zA-Z])")
_PLUS_MINUS = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")
_OF_ANGLE = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_ALLOWED = re.compile(r"[A-Za-z0-9\s+\-*/^_=<>()\[\]{}|!.,:;%&~\\]+")
_MEMBER = re.compile(r"[A-Za-z](?:_\w)?\s*\\in(?![a-zA-Z])\s*(?=[\\(\[])", re.ASCII)


def read(text: str) -> Reading:
    """Read one answer or ground truth. Raises ``UnreadableError`` for what cannot be one."""
    return _read(clean(text))


def _read(text: str) -> Reading:
    text = text.strip()
    if not text:
        raise UnreadableError("an empty part")
    wrapped = TEXT_COMMAND.fullmatch(text)
    number = read_number(wrapped[1].strip() if wrapped else text)
    if number is not None:
        return Number(*number, text=text)
    if wrapped and not wrapped[1].strip():
        raise UnreadableError("empty")
    return _read_word(text) or _read_structure(text) or _read_expression(text)


def _read_word(text: str) -> Word | None:
    """Option letters, textual answers and infinity: everything compared as text."""
    flat = " ".join(TEXT_COMMAND.sub(r"\1", text).split()).rstrip(".")
    bare = not TEXT_COMMAND.search(text)
    option = re.fullmatch(r"\(?([A-Z])\)|([A-Za-z])", flat)
    if option:
        return Word(option[1] or option[2], bare)
    if re.fullmatch(r"[+-]?\s*\\infty", flat):
        return Word(flat.replace(" ", "").lstrip("+"), False)
    if flat == r"\emptyset" or re.fullmatch(r"\\\{\s*\\\}", flat):
        return Word(r"\emptyset", False)
    geometric = re.fullmatch(r"(\\(?:angle|triangle|overline|vec|widehat))\s*\{?\s*([A-Z]+)\s*\}?", flat)
    if geometric:
        # Algebra would take the letters for a product, and the angle ABC for the angle BAC.
        return Word(f"{geometric[1]} {geometric[2]}", False)
    if re.search(r"(?<![A-Za-z])(?:and|or)(?![A-Za-z])|\\\\", flat):
        return None
    if _DATE_LIKE.fullmatch(flat):
        return Word(flat, False)
    tokens = re.split(r"[ '-]+", flat)
    if all(token.isalpha() for token in tokens):
        algebra = bare and flat.isascii() and flat.lower() not in _SHORT_WORDS
        if algebra and ("-" in flat or "'" in flat) and min(map(len, tokens)) < 3:
            return None
        return Word(flat, algebra and max(map(len, tokens)) < 4)
    whole = TEXT_COMMAND.fullmatch(text) is not None
    return Word(flat, False) if whole and re.search(r"[^\W\d_]{2}", flat) else None


def _read_structure(text: str) -> Reading | None:
    text = _MEMBER.sub("", text, count=1) if _MEMBER.match(text) else text
    wrapped = TEXT_COMMAND.fullmatch(text)
    if wrapped:
        return _read(wrapped[1])
    pieces = split_top(text, _UNION)
    if len(pieces) > 1:
        return Sequence("union", tuple(map(_read, pieces)), text)
    pieces = _split_list(text)
    if len(pieces) > 1:
        return Sequence("list", tuple(map(_read, _share_name(pieces))), text)
    approximate = split_top(text, _APPROX)
    if len(approximate) > 1:
        # What stands before the sign is the exact value, unless it only names the unknown.
        exact = approximate[0].strip()
        named = not exact or (_NAME.fullmatch(exact) and "=" not in exact)
        return _read(f"{exact} = {approximate[1]}" if named and exact else approximate[1] if named else exact)
    parts = split_top(text, _EQUALS)
    if len(parts) > 1:
        if not all(part.strip() for part in parts):
            raise UnreadableError("an equation with an empty side")
        name = " ".join(TEXT_COMMAND.sub(r"\1", parts[0]).split())
        if _NAME.fullmatch(name):
            return Relation(name.replace(" ", ""), tuple(map(_read, parts[1:])), text)
        return Relation(None, tuple(map(_read, parts)), text)
    if len(_PLUS_MINUS.findall(text)) == 1:
        both = [_PLUS_MINUS.sub(sign, text).strip() for sign in "+-"]
        return Sequence("list", (_read(both[0].removeprefix("+")), _read(both[1])), text)
    if re.fullmatch(r"\d+(?:\s*:\s*\d+)+", text):
        return Sequence(":", tuple(map(_read, text.split(":"))), text)
    return _read_bracketed(text)


def _read_bracketed(text: str) -> Reading | None:
    opening, closing = text[:1], text[-1:]
    inner = text[1:-1]
    if text.startswith("\\{") and text.endswith("\\}"):
        opening, closing, inner = "{", "}", text[2:-2]
    if opening not in ("(", "[", "{") or closing not in (")", "]", "}") or not _one_group(inner):
        return None
    pieces = _split_list(inner)
    if len(pieces) > 1 or opening == "{":
        return Sequence(opening + closing, tuple(map(_read, _share_name(pieces))), text)
    return _read(inner) if opening + closing in ("()", "[]") and inner.strip() else None


def _one_group(inner: str) -> bool:
    """Whether the brackets around ``inner`` belong together (not so in ``(a)(b)``)."""
    depth = 0
    for char in inner:
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return False
    return depth == 0


def _split_list(text: str) -> list[str]:
    """Split at top-level commas, semicolons, "and" and "or"; ``1,000, 2,000`` has two elements."""
    pieces = split_top(text, _COMMA)
    if not any(piece[:1].isspace() for piece in pieces[1:]):
        return pieces
    joined = pieces[:1]
    for piece in pieces[1:]:
        thousands = re.fullmatch(r"\d{3}(?:\.\d+)?\s*", piece)
        if thousands and re.fullmatch(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})*", joined[-1]):
            joined[-1] += "," + piece
        else:
            joined.append(piece)
    return joined


def _share_name(pieces: list[str]) -> list[str]:
    """``x = 1, 2`` names the unknown once for all elements."""
    head = split_top(pieces[0], _EQUALS) if pieces else []
    if len(head) == 2 and len(pieces) > 1 and not any("=" in piece for piece in pieces[1:]):
        return [head[1], *pieces[1:]]
    return pieces


def _read_expression(text: str) -> Expression:
    body, unit = _take_unit(text)
    if not _ALLOWED.fullmatch(body) or re.search(r"\d\s+\d", body) or CURRENCY in body:
        # Two numerals side by side mean nothing, and the parser would quietly add them.
        raise UnreadableError("not mathematical notation")
    return Expression(body, unit)


def _take_unit(text: str) -> tuple[str, str | None]:
    degrees = re.fullmatch(r"(.*[^\s^])\s*\^(?:\\circ|\{\\circ\})", text)
    if degrees and not _OF_ANGLE.search(text):
        return degrees[1], "°"
    match = re.fullmatch(r"(.*?\S)\s*\\(?:text|mathrm|mbox)\s*\{([^{}]+)\}(\^(?:\d|\{\d\}))?", text)
    upright = match is not None
    match = match or re.fullmatch(r"(.*?\S)\s+([A-Za-z]{2,}(?: [A-Za-z]{2,})*)(\^(?:\d|\{\d\}))?", text)
    unit = read_unit(match[2] + (match[3] or ""), upright) if match else None
    if match is None or unit is None or re.search(r"[=<>^_+\-*/]$", match[1]) or not (upright or known(unit)):
        return text, None
    return match[1], unit
