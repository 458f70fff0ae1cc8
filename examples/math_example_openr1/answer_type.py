r"""What kind of thing an answer is: a coverage key, decided by its shape alone.

The classes are those of the coverage declaration; ``ANSWER_TYPES`` is their order. ``(1, 2)`` alone may
be a point or an open interval; it counts as a set or tuple unless an infinity or mixed brackets tell.
"""

import re

ANSWER_TYPES = ("integer", "decimal", "fraction", "expression", "equation", "set", "interval", "text")

_WRAPPERS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))
_SPACING = re.compile(r"\\[,;:! ]|~|\\(?:left|right|displaystyle|quad|qquad)(?![A-Za-z])")
_UNIT = re.compile(
    r"\s*(?:\^\s*\{?\s*\\circ\s*\}?|\\?%|\\(?:text|mathrm|textrm|mbox)\s*\{[^{}]*\}\s*(?:\^\s*\{?[23]\}?)?)\s*\Z"
)
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|textrm|mbox)\s*\{([^{}]*)\}")
_INTEGER = re.compile(r"[-+]?(?:\d{1,3}(?:(?:,|\{,\})\d{3})+|\d+)")
_DECIMAL = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d*)\.\d+")
_FRACTION = re.compile(
    r"[-+]?\s*(?:\d+\s*)?\\[dt]?frac\s*(?:\{\s*-?\d+\s*\}\s*\{\s*-?\d+\s*\}|\d\s*\d)|[-+]?\d+\s*/\s*\d+"
)
_WORDS = re.compile(r"[A-Za-z][A-Za-z'’.-]+(?:[\s,]+[A-Za-z'’.-]+)*")
_INEQUALITY = re.compile(r"\\(?:leqslant|geqslant|leq|geq|le|ge|lt|gt)(?![A-Za-z])|[<>≤≥]")
_MEMBER = re.compile(r"^[A-Za-z]\s*\\in(?![A-Za-z])|^[A-Za-z]\s*∈")
_EQUALS = re.compile(r"(?<![<>!\\])=")
_BRACKETED = re.compile(r"[\[(][^\[\](){}]*,[^\[\](){}]*[\])]")


def answer_type(answer: str) -> str:
    """One of ``ANSWER_TYPES``."""
    text = _unwrapped(answer)
    words = _TEXT.sub(r"\1", text)
    if _WORDS.fullmatch(words.strip()) and not _looks_like_symbols(words):
        return "text"
    number = _UNIT.sub("", text) or text
    for name, pattern in (("integer", _INTEGER), ("decimal", _DECIMAL), ("fraction", _FRACTION)):
        if pattern.fullmatch(number.strip()):
            return name
    if _MEMBER.match(text) or _is_interval(text):
        return "interval"
    if _EQUALS.search(text):
        return "equation"
    if _INEQUALITY.search(text):
        return "interval"
    return "set" if _is_set(text) else "expression"


def _unwrapped(answer: str) -> str:
    text = _SPACING.sub(" ", answer).strip().removesuffix(".").strip()
    for opening, closing in _WRAPPERS:
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening):
            inner = text[len(opening) : -len(closing)].strip()
            if opening not in inner:
                text = inner
    return " ".join(text.split())


def _looks_like_symbols(words: str) -> bool:
    """``ab`` or ``xyz`` is a product of letters; a word is longer than two letters and has a vowel."""
    return not any(
        word.lower() == "no" or (len(word) > 2 and re.search(r"[aeiouy]", word, re.IGNORECASE))
        for word in re.findall(r"[A-Za-z]+", words)
    )


def _is_interval(text: str) -> bool:
    if _BRACKETED.fullmatch(text):
        same = text[0] + text[-1] in ("()",)
        return not same or "infty" in text or "∞" in text
    pieces = re.split(r"\\cup(?![A-Za-z])|∪", text)
    return len(pieces) > 1 and any(_BRACKETED.fullmatch(piece.strip()) for piece in pieces)


def _is_set(text: str) -> bool:
    if text.startswith((r"\{", r"\lbrace")) or r"\pm" in text or r"\mathbb" in text or r"\emptyset" in text:
        return True
    return len(top_level_parts(text)) > 1 or (_BRACKETED.fullmatch(text) is not None)


def top_level_parts(text: str) -> list[str]:
    """The answer's parts, split at commas, semicolons, ``and`` and ``or`` outside all brackets.

    Commas that separate thousands do not count (``1,000``).
    """
    depth = 0
    parts, current = [], ""
    words = re.sub(r"\\text\s*\{\s*(and|or)\s*\}", r" \1 ", text)
    for token in re.findall(
        r"\\[{}]|\\[A-Za-z]+|\d{1,3}(?:,\d{3})+(?![\d,])|\b(?:and|or)\b|.", words, re.DOTALL
    ):
        if token in ("(", "[", "{", r"\{"):
            depth += 1
        elif token in (")", "]", "}", r"\}"):
            depth -= 1
        if depth == 0 and token in (",", ";", "and", "or"):
            parts.append(current.strip())
            current = ""
        else:
            current += token
    return [part for part in (*parts, current.strip()) if part]
