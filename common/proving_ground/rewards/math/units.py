"""Which words after a number are units, and when two units are the same.

The rule, because a question usually fixes the unit: a unit that only one side states is ignored;
two units that are both *known* must agree; nothing is converted (``5 m`` is not ``500 cm``).
Words that change the number (``5 hundred``, ``5 or more``) are never units.
"""

import re

_SPELLINGS = """
mm millimeter millimetre; cm centimeter centimetre; dm decimeter decimetre; m meter metre
km kilometer kilometre; in inch inche; ft foot feet; yd yard; mi mile
mg milligram; g gram; kg kilogram; oz ounce; lb lbs pound; t ton tonne
ml milliliter millilitre; l liter litre; gal gallon; cup; pt; qt; tsp; tbsp
s sec second; min minute; h hr hour; day; week; month; year yr; mi/h mph; km/h kmh kph
° deg degree; rad radian; °c; °f; k; n; j; w; v; a; hz; kw; kwh; pa; ohm; mol; bit; byte
dollar usd; cent; euro eur; rupee; sterling gbp; yen
"""
_ALIASES = {
    word: group.split()[0]
    for line in _SPELLINGS.splitlines()
    for group in line.split(";")
    for word in group.split()
}
SIGNS = {"＄": "dollar", "€": "euro", "£": "sterling", "¥": "yen", "₹": "rupee"}
"""Currency signs (the first is ``notation.CURRENCY``) and the units they state."""

_KNOWN = frozenset(part for unit in _ALIASES.values() for part in (unit, *unit.split("/")))
_CHANGES_THE_NUMBER = re.compile(
    r"\b(?:or|and|to|of|if|is|not?|mod(?:ulo)?|div|times|plus|minus|over|by|choose|squared|cubed|factorial|"
    r"hal(?:f|ves)|thirds?|quarters?|dozen|hundreds?|thousands?|[mbtr]+illions?|percent(?:age)?|less|more|than|most|"
    r"least|about|between|from|pi|sqrt|sin|cos|tan|log|ln|exp|inf(?:inity)?|mixed|maybe|either)\b"
)
_UNIT = re.compile(r"(?:°\s*[CF]?|[A-Za-z][A-Za-z.\s-]*)(?:\^-?\d)?(?:\s*/\s*[A-Za-z]+(?:\^\d)?)?")
_POWERS = {"square": "2", "sq": "2", "cubic": "3", "cu": "3"}


def read_unit(words: str, upright: bool) -> str | None:
    r"""The unit that ``words`` name, in one spelling; ``None`` if they are not a unit.

    ``words`` are what follows the number, text commands removed (``cm^{2}``, ``miles per hour``).
    ``upright`` says whether they stood in a text command: outside one, a single letter must be set
    off by a space by the caller, and a short unknown word is a product of variables, not a unit.
    """
    words = re.sub(r"\^(?:\\circ|\{\s*\\circ\s*\})", "°", words)
    words = re.sub(r"\^\{(-?\d)\}", r"^\1", words).strip()
    if not _UNIT.fullmatch(words):
        return None
    words = " ".join(re.sub(r"°\s+", "°", words.lower()).replace(".", " ").replace("-", " ").split())
    if _CHANGES_THE_NUMBER.search(words):
        return None
    written = re.sub(r"\s*(?:\bper\b|/)\s*", "/", words).split("/")
    parts = [_part(part) for part in written]
    for part, word in zip(parts, written, strict=True):
        if not (upright or _bare(part) in _KNOWN or len(_bare(word).split(" ")[0]) >= 4):
            return None
    return "/".join(parts)


def known(unit: str) -> bool:
    """Whether every part of the unit is one whose meaning is fixed, so that a mismatch is an error."""
    return unit.startswith("base ") or all(_bare(part) in _KNOWN for part in unit.split("/"))


def compatible(left: str | None, right: str | None) -> bool:
    """Whether values in these units may be compared as they stand (see the module's rule)."""
    return left is None or right is None or left == right or not (known(left) and known(right))


def _bare(part: str) -> str:
    return part.partition("^")[0]


def _part(part: str) -> str:
    """One factor in one spelling: ``square centimetres`` and ``cm^2`` both give ``cm^2``."""
    word, _, power = part.strip().partition("^")
    first, _, rest = word.partition(" ")
    if first in _POWERS and rest:
        word, power = rest, _POWERS[first]
    singular = word if word in _ALIASES else word.removesuffix("s")
    word = _ALIASES.get(singular, singular)
    return f"{word}^{power}" if power else word
