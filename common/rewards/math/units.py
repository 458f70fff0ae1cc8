"""Which words after a number are units, and when two units are the same.

The rule, because a question usually fixes the unit: a unit that only one side states is ignored;
two units that are both *known* must agree; nothing is converted (``5 m`` is not ``500 cm``).
Words that change the number (``5 million``, ``5 or more``) are never units.
"""

import re

_ALIASES = {
    **dict.fromkeys(("mm", "millimeter", "millimetre"), "mm"),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), "cm"),
    **dict.fromkeys(("dm", "decimeter", "decimetre"), "dm"),
    **dict.fromkeys(("m", "meter", "metre"), "m"),
    **dict.fromkeys(("km", "kilometer", "kilometre"), "km"),
    **dict.fromkeys(("in", "inch", "inche"), "in"),
    **dict.fromkeys(("ft", "foot", "feet"), "ft"),
    **dict.fromkeys(("yd", "yard"), "yd"),
    **dict.fromkeys(("mi", "mile"), "mi"),
    **dict.fromkeys(("mg", "milligram"), "mg"),
    **dict.fromkeys(("g", "gram"), "g"),
    **dict.fromkeys(("kg", "kilogram"), "kg"),
    **dict.fromkeys(("oz", "ounce"), "oz"),
    **dict.fromkeys(("lb", "lbs", "pound"), "lb"),
    **dict.fromkeys(("t", "ton", "tonne"), "t"),
    **dict.fromkeys(("ml", "milliliter", "millilitre"), "ml"),
    **dict.fromkeys(("l", "liter", "litre"), "l"),
    **dict.fromkeys(("gal", "gallon"), "gal"),
    **dict.fromkeys(("s", "sec", "second"), "s"),
    **dict.fromkeys(("min", "minute"), "min"),
    **dict.fromkeys(("h", "hr", "hour"), "h"),
    **{"day": "day", "week": "week", "month": "month", "yr": "year", "year": "year", "°": "degree"},
    **{"mph": "mi/h", "kmh": "km/h", "kph": "km/h", "degree": "degree", "deg": "degree", "rad": "radian"},
    **{
        "radian": "radian",
        "°c": "°c",
        "°f": "°f",
        "k": "k",
        "n": "n",
        "j": "j",
        "w": "w",
        "v": "v",
        "a": "a",
    },
    **{"dollar": "dollar", "usd": "dollar", "cent": "cent", "euro": "euro", "eur": "euro", "rupee": "rupee"},
    **{word: word for word in ("cup", "pt", "qt", "tsp", "tbsp", "bit", "byte")},
    **{"gbp": "pound sterling", "hz": "hz", "kw": "kw", "kwh": "kwh", "pa": "pa", "ohm": "ohm", "mol": "mol"},
}
SIGNS = {"＄": "dollar", "€": "euro", "£": "pound sterling", "¥": "yen", "₹": "rupee"}
_NOT_UNITS = frozenset(
    [
        "or",
        "and",
        "to",
        "of",
        "if",
        "is",
        "not",
        "no",
        "mod",
        "modulo",
        "div",
        "times",
        "plus",
        "minus",
        "over",
        "by",
        "choose",
        "squared",
        "cubed",
        "factorial",
        "half",
        "halves",
        "third",
        "thirds",
        "quarter",
        "quarters",
        "dozen",
        "hundred",
        "hundreds",
        "thousand",
        "thousands",
        "million",
        "millions",
        "billion",
        "billions",
        "trillion",
        "trillions",
        "percent",
        "percentage",
        "less",
        "more",
        "than",
        "most",
        "least",
        "about",
        "between",
        "from",
        "pi",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "log",
        "ln",
        "exp",
        "inf",
        "infinity",
        "mixed",
        "maybe",
        "either",
    ]
)
_POWERS = {"square": "^2", "sq": "^2", "cubic": "^3", "cu": "^3"}


def read_unit(words: str, upright: bool) -> str | None:
    r"""The unit that ``words`` name, in one spelling; ``None`` if they are not a unit.

    ``words`` are what follows the number, text commands removed (``cm^{2}``, ``miles per hour``).
    ``upright`` says whether they stood in a text command: outside one, a single letter must be set
    off by a space by the caller, and a short unknown word is a product of variables, not a unit.
    """
    words = re.sub(r"\^\{?(-?\d)\}?", r"^\1", words.replace("^{\\circ}", "°").replace("^\\circ", "°"))
    if not re.fullmatch(
        r"(?:°\s*[CF]?|[A-Za-z][A-Za-z.\s-]*)(?:\^-?\d)?(?:\s*/\s*[A-Za-z]+(?:\^\d)?)?", words.strip()
    ):
        return None
    tokens = words.lower().replace("°", " °").replace("° ", "°").replace(".", " ").replace("-", " ").split()
    if _NOT_UNITS.intersection(re.split(r"[\s/^]+", " ".join(tokens))):
        return None
    text = re.sub(r"\s*(?:\bper\b|/)\s*", "/", " ".join(tokens))
    written = text.split("/")
    parts = [_part(part) for part in written]
    if upright or all(
        _bare(part) in _KNOWN_PARTS or len(_bare(word).split()[0]) >= 4
        for part, word in zip(parts, written, strict=True)
    ):
        return "/".join(parts)
    return None


def known(unit: str) -> bool:
    """Whether every part of the unit is one whose meaning is fixed, so that a mismatch is an error."""
    return unit.startswith("base ") or all(_bare(part) in _KNOWN_PARTS for part in unit.split("/"))


def compatible(left: str | None, right: str | None) -> bool:
    """Whether values in these units may be compared as they stand (see the module's rule)."""
    return left is None or right is None or left == right or not (known(left) and known(right))


_KNOWN_PARTS = frozenset(unit for alias in _ALIASES.values() for unit in (alias, *alias.split("/"))) | set(
    SIGNS.values()
)


def _bare(part: str) -> str:
    return part.partition("^")[0]


def _part(part: str) -> str:
    """One factor in one spelling: ``square centimetres`` and ``cm^2`` both give ``cm^2``."""
    word, _, power = part.strip().partition("^")
    first, _, rest = word.partition(" ")
    if first in _POWERS and rest:
        word, power = rest, _POWERS[first][1:]
    singular = word.removesuffix("s") if word not in _ALIASES else word
    word = _ALIASES.get(singular, singular)
    return f"{word}^{power}" if power else word
