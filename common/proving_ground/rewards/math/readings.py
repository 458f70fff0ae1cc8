r"""What an answer's text says, read without any computer algebra.

``read`` turns a cleaned text into one of six readings. Numbers, words and structures (tuples,
sets, intervals) are understood here exactly, with ``fractions.Fraction``; only an ``Expression``
needs a worker. A text that is none of these raises ``UnreadableError``.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias

from proving_ground.rewards.math.notation import (
    CURRENCY,
    MAX_LENGTH,
    TEXT_COMMAND,
    UnreadableError,
    clean,
    matching,
    split_top,
)
from proving_ground.rewards.math.numerals import WORDS, read_number
from proving_ground.rewards.math.units import Unit, known, read_unit


@dataclass(frozen=True)
class Number:
    """An exact rational; ``value`` is as written, so ``50%`` has value 50 and ``percent`` true."""

    value: Fraction
    unit: Unit | None
    percent: bool
    text: str


@dataclass(frozen=True)
class Word:
    r"""A textual answer or an option letter. ``bare``: not in ``\text{}``, so it might be algebra."""

    text: str
    bare: bool

    @property
    def product(self) -> bool:
        """Whether the letters can be taken for variables that are multiplied: ``xy``, not ``cat``."""
        return self.bare and all(map(_is_product, self.text.split()))


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
    unit: Unit | None


@dataclass(frozen=True)
class Option:
    """An option letter with what it stands for: ``(B) 7``."""

    letter: str
    content: "Reading"
    text: str


def _alone(letter: str) -> str:
    return rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])"


@dataclass(frozen=True)
class Family:
    r"""One value for each integer: ``2k + 1, k \in \mathbb{Z}``. ``text`` is the value's."""

    text: str
    parameter: str
    domain: str

    def content(self, parameter: str | None = None) -> "Reading":
        """What is said of the parameter, under its own name or another that is free."""
        taken = parameter is None or self.says(parameter)
        return _read(self.text if taken else re.sub(_alone(self.parameter), str(parameter), self.text))

    def says(self, name: str) -> bool:
        """Whether the letter ``name`` stands in the text by itself."""
        return bool(re.search(_alone(name), self.text))


Reading: TypeAlias = Family | Number | Word | Sequence | Relation | Expression | Option

_FUNCTION = r"(?:arc)?(?:sin|cos|tan)|cot|sec|csc|log|ln|exp"
VARIABLE = (
    rf"(?:[A-Za-z]|\\(?!(?:pi|sqrt|frac|binom|{_FUNCTION})(?![a-z]))[A-Z]?[a-z]+)(?:_(?:\w|\{{\\?\w+\}}))?"
)
_NAME = re.compile(
    rf"{VARIABLE}'*(?:(?:\^\{{?-1\}}?)?\s*\([^()=]*\))?"  # x, a_{10}, y', f(3), g^{-1}(2)
    rf"|\(\s*{VARIABLE}(?:\s*,\s*{VARIABLE})+\s*\)|[A-Za-z][A-Za-z ]*"
    r"|m?\s*\\(?:angle|overline|vec|triangle|widehat|overrightarrow)\s*\{?\s*[A-Za-z]+\}?"
    r"|\|\s*(?:[zwv]|[A-Z]{2}|\\(?:vec|overline|overrightarrow)\s*\{[A-Za-z]+\})\s*\|"
    r"|[A-Z]+(?:_\{?\w+\}?)?(?:\s*:\s*[A-Z]+(?:_\{?\w+\}?)?)+|\\frac\{[A-Z]{2}\}\{[A-Z]{2}\}|\[[A-Z]{3,}\]"
    r"|[A-Z]_\{?\s*(?:\\triangle)?\s*[A-Z]+\s*\}?"
    rf"|\\(?:{_FUNCTION})\s*(?:\\angle\s*)?\{{?(?:[A-Z]+|\\[a-z]+)\}}?",
    re.ASCII,
)
_SHORT_WORDS = "no on up am if it is in to at or so do go he me we us by my of ok"
_SAME_WORDS = r"""\emptyset|no solution|no solutions|no real solution|no real solutions|empty set
infinitely many|infinitely many solutions|infinite|infinite solutions
does not exist|dne|undefined
\infty|infinity|+infinity
-\infty|-infinity"""
_CANONICAL = {text: line.split("|")[0] for line in _SAME_WORDS.splitlines() for text in line.split("|")[1:]}
_ALL_REALS = re.compile(
    r"(?:the\s+)?(?:set\s+of\s+)?all\s+real(?:s|\s+numbers?|\s+values?)?(?:\s+(?:of\s+)?[a-z])?|real numbers"
)
_TIME = re.compile(r"(\d{1,2})(?::(\d\d))?\s*([ap])\.?\s?m\.?", re.IGNORECASE)
_BASED = re.compile(r"\(?([0-9][0-9A-F]*|[A-F]+[0-9A-F]*)\)?_[{(]*([a-z]+|[0-9]{1,2})[})]*")
_LETTERED = re.compile(r"\(([A-H])\)\s*(?=[\w\\＄-])(.+)|([A-H])[.:]\s+(?![A-Z])(.+)", re.DOTALL)
_MATH_OF_LETTERS = re.compile(r"\s*[-+*/^_=!]|\s*\\(?:cup|cap|cdot|times|in|to|land|lor)(?![a-z])|\(")
_DATE_LIKE = re.compile(r"(?=.*[A-Za-z]{3,},?\s+[0-9])[A-Za-z0-9 .:'-]+")
"""Words among numbers: ``June 5``, ``3 feet 5 inches``. The parser would multiply the letters."""

_EQUALS = re.compile(r"(?<![<>!:])==?")
_APPROX = re.compile(r"\\approx(?![a-zA-Z])|\\simeq(?![a-zA-Z])|≈")
_AND_OR = r"(?:\\text\s*\{\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])|\\(?:lor|land)(?![a-z]))"
_COMMA = re.compile(rf"[,;]?\s*{_AND_OR}|[,;]")
_OUTER = re.compile(r";|(?:,\s*)?(?:\\text\s*\{\s*or\s*\}|(?<![A-Za-z\\])or(?![A-Za-z]))")
_COMPARES = re.compile(r"[<>]|\\(?:le|ge|ne)(?![a-z])")
_CONDITION = re.compile(r"\s*[A-Za-z](?:\s*\\in\s*\\mathbb\s*\{?R\}?)?\s*(?:\\mid(?![a-z])|\||:)\s*(.+)")
_WORDS_OF_DOUBT = re.compile(r"\\text\w*\s*\{[^{}]*\b(?:or|and|not|maybe|perhaps|plus|minus)\b")
_PLAIN_NUMBER = re.compile(r"(\\\$)?(-?(?:0|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]*))(\.[0-9]+)?")
_RATIO = re.compile(r"\d+(?:\.\d+)?(?:\s*(?::|(?:\\text\s*\{\s*)?\bto\b(?:\s*\})?)\s*\d+(?:\.\d+)?)+")
_LITERAL = re.compile(
    r"\\(?:ldots|equiv|pmod|bmod|n?mid|begin\s*\{cases\}|mathcal)|(?<![a-z])[A-Z]\s*\\c[ua]p"
)
_UNION = re.compile(r"\\cup(?![a-zA-Z])")
_PLUS_MINUS = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")
_OF_ANGLE = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_ALLOWED = re.compile(r"[A-Za-z0-9\s+\-*/^_=<>()\[\]{}|!.,:;%&~'\\]+")
_FAMILY = re.compile(
    r"([^<>]+?)(?:\s*(?:[,;:|(]|\\mid(?![a-z]))\s*|\s+)"
    r"(?:\\text\s*\{\s*(?:where|for|with)(?: any| all)?\s*\}\s*)?([a-z])\s*"
    r"(?:\\in\s*(?:\\mathbb\s*\{?)?([ZN])\}?|\\text\s*\{\s*(?:is |any |an )*integers?\s*\})\s*\)?"
)
_CONGRUENT = re.compile(r"([A-Za-z])\s*\\equiv\s*(.+)")
_MEMBER = re.compile(r"[A-Za-z](?:_\w)?\s*\\in(?![a-zA-Z])\s*(?=[\\(\[])", re.ASCII)


def read(text: str) -> Reading:
    """Read one answer or ground truth. Raises ``UnreadableError`` for what cannot be one."""
    plain = _PLAIN_NUMBER.fullmatch(text)  # most answers: nothing to clean
    if plain and len(text) < MAX_LENGTH:
        whole = plain[2].replace(",", "")
        value = Fraction(whole + plain[3]) if plain[3] else Fraction(int(whole))
        return Number(value, read_unit("dollar", True) if plain[1] else None, False, text)
    return _read(clean(text))


def _read(text: str) -> Reading:
    text = text.strip()
    while text.startswith("{") and matching(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    if not text:
        raise UnreadableError("an empty part")
    wrapped = TEXT_COMMAND.fullmatch(text)
    number = read_number(wrapped[1].strip() if wrapped else text)
    if number is not None:
        return Number(*number, text=text)
    if wrapped and not wrapped[1].strip():
        raise UnreadableError("empty")
    return _read_special(text) or _read_word(text) or _read_structure(text) or _read_expression(text)


def _read_special(text: str) -> Reading | None:
    """All real numbers, a time of day, a numeral with its base, or an option letter with its content."""
    flat = " ".join(TEXT_COMMAND.sub(r" \1 ", text).split())
    if _ALL_REALS.fullmatch(flat.lower()):
        return Expression(r"\mathbb{R}", None)
    if (family := _FAMILY.fullmatch(text)) and not _COMPARES.search(family[1]):
        return Family(family[1], family[2], family[3] or "Z")
    congruent = _CONGRUENT.fullmatch(text)
    if congruent and (residue := read_number(congruent[2])) and str(residue[1]).startswith("mod "):
        # A name of its own: x = 3 is one number, x \equiv 3 a class.
        return Relation(f"{congruent[1]} mod", (Number(*residue, text=congruent[2]),), text)
    time = _TIME.fullmatch(flat)
    if time:
        hour, minute, half = time[1], time[2] or "00", time[3].lower()
        hours, minutes = _read(hour), _read(f"{minute} {half}m")
        return Sequence(":", (hours, minutes), text) if minute != "00" else _read(f"{hour} {half}m")
    based = _BASED.fullmatch(re.sub(r"\s*_\s*\{\s*(\w+)\s*\}", r"_\1", flat))
    if based and (based[2].isdigit() or based[2] in WORDS):
        radix = int(WORDS.get(based[2], based[2]))
        return Word(f"{based[1]}_{radix}", False) if based[1][0].isdigit() or radix > 10 else None
    option = _LETTERED.fullmatch(flat)
    if option and not _MATH_OF_LETTERS.match(flat, 3):
        rest = text[re.search(r"[A-H]\s*[).:]*\s*\}*\s*[).:]*\s*", text).end() :]  # type: ignore[union-attr]
        return Option(option[1] or option[3], _read(rest), text) if rest else None
    return None


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
    lowered = flat.lower()
    if not bare or len(lowered) > 4:
        flat = re.sub(r"^(?:the|an?) ", "", flat, flags=re.IGNORECASE)
        lowered = flat.lower()
    if lowered in _CANONICAL:
        return Word(_CANONICAL[lowered], False)
    if r"\ldots" in flat and not _COMMA.search(flat):
        return Word(flat.replace(" ", ""), False)
    if re.search(r"(?<![A-Za-z])(?:and|or)(?![A-Za-z])|\\\\", flat):
        return None
    if _DATE_LIKE.fullmatch(flat):
        return Word(flat, False)
    tokens = re.split(r"[ '-]+", flat)
    if all(token.isalpha() for token in tokens):
        if bare and ("-" in flat or "'" in flat) and min(map(len, tokens)) < 3:
            return None
        return Word(
            flat, bare and flat.isascii() and all(len(token) < 4 or _is_run(token) for token in tokens)
        )
    if re.fullmatch(r"[A-Za-z]+(?:, ?[A-Za-z]+)+", flat):
        return None
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
    if len(pieces) > 1 and all(map(_COMPARES.search, pieces)):
        if re.search(r"(?<![A-Za-z])or(?![A-Za-z])|\\lor", text):
            joint = r"\lor"
        else:
            # A comma between conditions may mean either; algebra takes "or" where "and" leaves nothing.
            joint = r"\land" if re.search(r"(?<![A-Za-z])and|\\land", text) else r"\land \lor"
        return Expression(f" {joint} ".join(piece.strip() for piece in pieces), None)
    if len(pieces) > 1:
        return Sequence("list", _items(pieces), text)
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
        if _NAME.fullmatch(name) and not (
            name.isalpha() and name.islower() and len(name) > 1 and _is_product(name)
        ):
            return _named(name, tuple(map(_read, parts[1:])), text)
        return Relation(None, tuple(map(_read, parts)), text)
    if len(_PLUS_MINUS.findall(text)) == 1 and not text.startswith("\\{"):
        both = [_PLUS_MINUS.sub(sign, text).strip() for sign in "+-"]
        return Sequence("list", (_read(both[0].removeprefix("+")), _read(both[1])), text)
    if _RATIO.fullmatch(text):
        return Sequence(":", tuple(map(_read, re.findall(r"\d+(?:\.\d+)?", text))), text)
    return _read_bracketed(text)


def _read_bracketed(text: str) -> Reading | None:
    opening, closing = text[:1], text[-1:]
    inner = text[1:-1]
    if text.startswith("\\{") and text.endswith("\\}"):
        opening, closing, inner = "{", "}", text[2:-2]
    if opening not in ("(", "[", "{") or closing not in (")", "]", "}") or not _one_group(inner):
        return None
    condition = _CONDITION.fullmatch(inner) if opening == "{" else None
    if condition and _COMPARES.search(condition[1]):
        return _read(condition[1])
    if opening == "{" and _FAMILY.fullmatch(inner):
        return _read(inner)
    if opening == "{" and len(split_top(inner, re.compile(r":|\\mid(?![a-z])|\|(?=[^|]*\Z)"))) > 1:
        return Word(re.sub(r"[\s{}()]", "", text.replace(r"\mid", ":").replace("|", ":")), False)
    pieces = _split_list(inner)
    if len(pieces) > 1 or opening == "{":
        return Sequence(opening + closing, _items(pieces, flat=opening == "{"), text)
    return _read(inner) if opening + closing in ("()", "[]") and inner.strip() else None


def _named(name: str, parts: tuple[Reading, ...], text: str) -> Reading:
    """A relation; ``(y, x) = (1, 2)`` becomes the list ``y = 1, x = 2``."""
    value = parts[0]
    if name.startswith("(") and isinstance(value, Sequence) and len(parts) == 1:
        names = name[1:-1].replace(" ", "").split(",")
        if len(names) == len(value.items) and value.kind == "()":
            pairs = zip(names, value.items, strict=True)
            return Sequence(
                "list", tuple(Relation(each, (item,), f"{each} = {item.text}") for each, item in pairs), text
            )
    label = re.sub(r"[\s|{}]|\\(?:overline|overrightarrow)(?![a-z])|^m(?=\\angle)", "", name)
    return Relation(label, parts, text)


def _items(pieces: list[str], flat: bool = True) -> tuple[Reading, ...]:
    r"""The elements of a list or set; ``0, \pm 1`` has three."""
    items: list[Reading] = []
    for item in map(_read, _share_name(pieces)):
        both = flat and isinstance(item, Sequence) and item.kind == "list" and _PLUS_MINUS.search(item.text)
        items += item.items if isinstance(item, Sequence) and both else [item]
    return tuple(items)


def _is_product(word: str) -> bool:
    """Letters without a vowel, a run of the alphabet, or two letters that are no word."""
    if len(word) < 3:
        return word.lower() not in _SHORT_WORDS.split()
    if word.isupper():
        return False
    return _is_run(word) or not set(word.lower()) & set("aeiou")


def _is_run(word: str) -> bool:
    return "".join(sorted(word)) in "abcdefghijklmnopqrstuvwxyz"


def _one_group(inner: str) -> bool:
    """Whether the brackets around ``inner`` belong together (not so in ``(a)(b)``)."""
    depths = list(accumulate((char in "([{") - (char in ")]}") for char in inner))
    return not depths or min(depths) == depths[-1] == 0


def _split_list(text: str) -> list[str]:
    """Split at top-level commas, semicolons, "and" and "or"; ``1,000, 2,000`` has two elements."""
    outer = split_top(text, _OUTER)
    if len(outer) > 1 and all("=" in piece and len(split_top(piece, _COMMA)) > 1 for piece in outer):
        return outer
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


def _read_expression(text: str) -> Reading:
    if _LITERAL.search(text) and _ALLOWED.fullmatch(text):
        return Word(re.sub(r"[\s{}()]", "", text), False)  # no algebra for it: the text itself is compared
    body, unit = _take_unit(text)
    if _WORDS_OF_DOUBT.search(body):
        # The parser would read them as factors, and zero times anything is zero.
        raise UnreadableError("words inside that leave the answer open")
    if not _ALLOWED.fullmatch(body) or re.search(r"\d\s+\d", body) or CURRENCY in body:
        # Two numerals side by side mean nothing, and the parser would quietly add them.
        raise UnreadableError("not mathematical notation")
    return Expression(body, unit)


def _take_unit(text: str) -> tuple[str, Unit | None]:
    degrees = re.fullmatch(r"(.*[^\s^])\s*\^(?:\\circ|\{\\circ\})", text)
    if degrees and not _OF_ANGLE.search(text):
        return degrees[1], read_unit("°", True)
    match = re.fullmatch(r"(.*?\S)\s*\\(?:text|mathrm|mbox)\s*\{([^{}]+)\}(\^(?:\d|\{\d\}))?", text)
    upright = match is not None
    match = match or re.fullmatch(r"(.*?\S)\s+([A-Za-z]{2,}(?: [A-Za-z]{2,})*)(\^(?:\d|\{\d\}))?", text)
    unit = read_unit(match[2] + (match[3] or ""), upright) if match else None
    if match is None or unit is None or re.search(r"[=<>^_+\-*/]$", match[1]) or not (upright or known(unit)):
        return text, None
    return match[1], unit
