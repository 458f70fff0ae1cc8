"""Which words after a number are units, and when two units are the same.

The rule, because a question usually fixes the unit: a unit that only one side states is ignored, and so
is the word "units". Two units that are both stated must agree; nothing is converted (``5 m`` is not
``500 cm``). Words that change the number (``5 or more``, ``5 squared``) are never units.
"""

import re
from typing import TypeAlias

Unit: TypeAlias = str | tuple[tuple[str, int], ...]
"""Known factors with their powers (``m/s^2`` is ``(("m", 1), ("s", -2))``), or the words as they stand."""

_PREFIXES = "- milli:m centi:c kilo:k deci:d mega:M giga:G tera:T hecto:h micro:µ nano:n"
_METRIC = """
m meter metre; g gram gramme; s second sec; L liter litre; W watt; J joule; N newton; Pa pascal; Hz hertz
V volt; A ampere amp; B byte; bit; Wh watthour; cal calorie; eV; mol mole; Ω ohm
"""
_OTHERS = """
in inch inche; ft foot feet; yd yard; mi mile; oz ounce; lb lbs pound; t ton tonne; gal gallon; cup; pt; qt
tsp; tbsp; min minute; h hr hour; day; week; month; year yr; ° deg degree; °C celsius centigrade °c
°F fahrenheit °f; K kelvin; rad radian; dollar usd; cent; euro eur; rupee inr rs; sterling gbp; yen; acre
hectare ha; am; pm; l
"""
_COMPOUND = {"mph": (("h", -1), ("mi", 1)), "kmh": (("h", -1), ("km", 1)), "kph": (("h", -1), ("km", 1))}
SIGNS = {"＄": "dollar", "€": "euro", "£": "sterling", "¥": "yen", "₹": "rupee", "¢": "cent"}
"""Currency signs (the first is ``notation.CURRENCY``) and the units they state."""


def _groups(table: str) -> list[list[str]]:
    return [group.split() for line in table.splitlines() for group in line.split(";") if group.strip()]


_SPELLINGS = {spelling: group[0] for group in _groups(_OTHERS) for spelling in group} | {"l": "L"}
for _prefix in _PREFIXES.split():
    _word, _, _symbol = _prefix.strip("-").partition(":")
    for _group in _groups(_METRIC):
        _SPELLINGS |= {_symbol + _group[0]: _symbol + _group[0]}
        _SPELLINGS |= {_word + spelling: _symbol + _group[0] for spelling in _group[1:]}
_FOLDED = {spelling.lower(): symbol for spelling, symbol in reversed(_SPELLINGS.items())}
_CHANGES_THE_NUMBER = re.compile(
    r"^(?:per|st|nd|rd|th)\b|\b(?:or|and|to|of|if|is|not?|mod(?:ulo)?|div|times|plus|minus|over|by|choose|squared|cubed|factorial|"
    r"hal(?:f|ves)|thirds?|quarters?|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|hundred|thousand|"
    r"(?:m|b|tr)illion)ths?|dozens?|hundreds?|thousands?|[mbtr]+illions?|percent(?:age)?|less|more|than|most|"
    r"least|about|between|from|pi|sqrt|sin|cos|tan|log|ln|exp|inf(?:inity)?|mixed|maybe|either|double|twice|triple)\b"
)
_TEMPERATURE = re.compile(r"(?:°|\bdeg(?:rees?)?\b)\s*(C|F|celsius|fahrenheit)\b", re.IGNORECASE)
_UNIT = re.compile(r"[A-Za-zµΩ°][A-Za-zµΩ°.\s-]*(?:\^-?\d)?(?:[\s/]+[A-Za-zµΩ]+(?:\^-?\d)?)*")
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}


def read_unit(words: str, upright: bool) -> Unit | None:
    r"""The unit that ``words`` name; ``None`` if they are not a unit.

    ``words`` are what follows the number, text commands removed (``cm^{2}``, ``miles per hour``).
    ``upright`` says whether they stood in a text command: outside one, a single letter must be set
    off by a space by the caller, and a short unknown word is a product of variables, not a unit.
    """
    if modulus := re.fullmatch(r"\s*\\pmod\s*\{?(\w+)\}?\s*", words):
        return f"mod {modulus[1]}"
    words = re.sub(r"^\s*\\min\s*$", "min", words)
    words = re.sub(r"\^(?:\\circ|\{\s*\\circ\s*\})", "°", words)
    words = re.sub(r"\^\{(-?\d)\}", r"^\1", words).replace(r"\cdot", " ").strip()
    words = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", words, flags=re.IGNORECASE)
    words = _TEMPERATURE.sub(lambda match: "°" + match[1][0].upper(), words)
    if not _UNIT.fullmatch(words):
        return None
    words = " ".join(words.replace(".", " ").replace("-", " -").split())
    words = re.sub(r"\^ -", "^-", words).replace(" -", " ")
    known = _known(words)
    if known is not None:
        return known
    lowered = words.lower()
    if _CHANGES_THE_NUMBER.search(lowered):
        return None
    if not upright and any(len(part.split()[0]) < 4 for part in lowered.split("/") if part.strip()):
        return None
    return " ".join(word.removesuffix("s").removesuffix("e") for word in re.sub("[/^]", " ", lowered).split())


def _known(words: str) -> Unit | None:
    """The factors of a unit that is known throughout, in one order."""
    powers: dict[str, int] = {}
    sign = 1
    waiting, last = 1, None
    for token in re.sub(r"\s*(?:\bper\b|/)\s*", " / ", words).split():
        word, _, power = token.partition("^")
        if token == "/":
            sign = -1
        elif word.lower() in _POWERS and last is not None and word.lower().endswith("ed"):
            powers[last] *= _POWERS[word.lower()]
        elif word.lower() in _POWERS:
            waiting = _POWERS[word.lower()]
        else:
            if word.lower() in ("unit", "units"):
                return ()
            symbol = _symbol_of(word)
            for name, factor in _COMPOUND.get(word.lower(), ((symbol, 1),)):
                if name is None:
                    return None
                powers[name] = powers.get(name, 0) + sign * factor * waiting * int(power or 1)
                last = name
            waiting = 1
    return tuple(sorted(powers.items())) if last is not None and waiting == 1 else None


def _symbol_of(word: str) -> str | None:
    """The symbol for one word: as written, in the singular, then without regard to case."""
    for spelling in (word, word.removesuffix("s") if len(word) > 2 else word):
        for symbols, text in ((_SPELLINGS, spelling), (_FOLDED, spelling.lower())):
            if text in symbols:
                return symbols[text]
    return None


def known(unit: Unit) -> bool:
    """Whether the unit's meaning is fixed, so that even plain words after an expression name it."""
    return not isinstance(unit, str)


def compatible(left: Unit | None, right: Unit | None) -> bool:
    """Whether values in these units may be compared as they stand (see the module's rule)."""
    if not left or not right or left == right:
        return True
    if isinstance(left, str) and isinstance(right, str):
        words = set(left.split()), set(right.split())
        return words[0] <= words[1] or words[1] <= words[0]
    return False
