r"""Plain numbers: integers, decimals, fractions, mixed numbers, thousands, percentages, money, units.

Everything is a ``fractions.Fraction``: no floats, so ``0.5`` is ``1/2`` and ``0.333`` is not ``1/3``.
Only ASCII digits count, at most 2000 of them because of ``notation.MAX_LENGTH``.
"""

import re
from fractions import Fraction

from proving_ground.rewards.math.notation import TEXT_COMMAND
from proving_ground.rewards.math.units import SIGNS, Unit, read_unit

_MAX_EXPONENT = 400
"""Largest power of ten in scientific notation; beyond it the text is left to the expression path."""

_PLAIN = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_GROUPED = r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?"
_DECIMAL = rf"(?:{_GROUPED}(?![0-9])|{_PLAIN})"
_TERM = rf"(?:\{{\s*[+-]?\s*{_DECIMAL}\s*\}}|[0-9])"
_BODY = re.compile(
    rf"(?:(?P<sci>{_PLAIN})\s*(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*(?P<exponent>\{{\s*[+-]?[0-9]+\s*\}}|[0-9])"
    rf"|(?P<esci>{_PLAIN})[eE](?P<eexp>[+-]?[0-9]+)"
    rf"|(?P<repeat>[0-9]*)\.(?P<fixed>[0-9]*)(?:\\(?:overline|dot|bar)\s*\{{|\()(?P<cycle>[0-9]+)[)}}]"
    rf"|(?:(?P<whole>[0-9]+)\s*)?\\frac\s*(?P<over>{_TERM})\s*(?P<under>{_TERM})"
    rf"|(?:(?P<mixed>[0-9]+) +)?(?P<left>{_DECIMAL})\s*/\s*(?P<right>{_DECIMAL})"
    rf"|(?P<decimal>{_DECIMAL}))"
)
_SCALES = {
    name: Fraction(value)
    for name, value in re.findall(
        r"(\w+) (\S+)",
        "dozen 12 ten 10 hundred 100 thousand 1000 million 1e6 billion 1e9 trillion 1e12 half 1/2 halve 1/2 "
        "third 1/3 quarter 1/4 fourth 1/4 fifth 1/5 sixth 1/6 seventh 1/7 eighth 1/8 ninth 1/9 tenth 1/10 "
        "twelfth 1/12 sixteenth 1/16 hundredth 1/100 thousandth 1/1000 millionth 1/1000000",
    )
}
_SCALE = re.compile(rf"\s*({'|'.join(sorted(_SCALES, key=len, reverse=True))})s?\b", re.IGNORECASE)
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS = {name: number for number, name in enumerate(_ONES.split())}
WORDS |= {name: 10 * number for number, name in enumerate(_TENS.split(), 2)}
"""Numbers that are written as one word."""

_ONE = "|".join(_ONES.split())
_NUMBER_WORD = re.compile(
    rf"(?P<sign>negative |minus )?(?:(?P<tens>{'|'.join(_TENS.split())})(?:[- ](?P<ones>{_ONE}))?"
    rf"|(?P<one>{_ONE}))(?![A-Za-z])",
    re.IGNORECASE,
)
_REPEATING = re.compile(r"([0-9]*)\.([0-9]*?)([0-9]{1,6}?)\3+\s*\\ldots\s*\Z")
_MONEY_FIRST = re.compile(r"(?:\\text\s*\{\s*)?(USD|EUR|GBP|INR|Rs\.?)\s*\}?\s*(?=[0-9])")
_SIGN = re.compile(rf"(?P<front>[+-]?)\s*(?P<currency>[{''.join(SIGNS)}]?)\s*(?P<back>[+-]?)\s*")
_PERCENT = re.compile(r"%|percent(?:age)?|per cent|pct", re.IGNORECASE)


def read_number(text: str) -> tuple[Fraction, Unit | None, bool] | None:
    """``(value, unit, percent)`` of a cleaned text, or ``None`` if it is not a plain number.

    ``value`` is as written: ``50%`` gives 50 and ``percent`` true.
    """
    if text[:1].isalpha():
        text = _NUMBER_WORD.sub(_as_digits, text, count=1)
    elif "ldots" in text:
        text = _REPEATING.sub(_as_cycle, text)
    money = _MONEY_FIRST.match(text)
    sign = _SIGN.match(text, money.end() if money else 0)
    if sign is None or (sign["front"] and sign["back"]):
        return None
    body = _BODY.match(text, sign.end())
    value = _value(body) if body else None
    if body is None or value is None:
        return None
    if "-" in (sign["front"], sign["back"]):
        value = -value
    stated = (
        read_unit(money[1] if money else SIGNS[sign["currency"]], True) if money or sign["currency"] else None
    )
    written = text[body.end() :]
    tail = re.sub(r"\s+\^", "^", TEXT_COMMAND.sub(r" \1 ", written))
    upright = tail != written
    tail = re.sub(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r" \1/\2", tail)
    while scale := _SCALE.match(tail):
        value, tail = value * _SCALES[scale[1].lower()], tail[scale.end() :]
    if not tail.strip():
        return value, stated, False
    if _PERCENT.fullmatch(tail.strip()):
        return (value, None, True) if stated is None else None
    if not upright and re.match(r"[A-Za-z](?![A-Za-z])", tail):
        return None  # ``5 m`` has a unit; ``5m`` is five times ``m``
    tail = tail.strip().removeprefix("(").removesuffix(")")
    unit = read_unit(SIGNS.get(tail, tail), upright or tail in SIGNS)
    return None if unit is None or stated not in (None, unit) else (value, unit, False)


def _as_digits(words: re.Match[str]) -> str:
    """``negative twenty-one`` as ``-21``, where a text begins with it."""
    if words.start():
        return words[0]
    value = sum(WORDS[words[part].lower()] for part in ("tens", "ones", "one") if words[part])
    return f"{'-' if words['sign'] else ''}{value}"


def _as_cycle(decimal: re.Match[str]) -> str:
    r"""``0.1666\ldots`` as ``0.1\overline{6}``; at least three digits must show what repeats."""
    shown = len(decimal[0].split("\\")[0].strip()) - len(decimal[1] + decimal[2]) - 1
    return rf"{decimal[1]}.{decimal[2]}\overline{{{decimal[3]}}}" if shown >= 3 else decimal[0]


def _value(body: re.Match[str]) -> Fraction | None:
    if body["sci"] or body["esci"]:
        mantissa, exponent = (body["sci"], body["exponent"]) if body["sci"] else (body["esci"], body["eexp"])
        power = int(exponent.strip("{} "))
        if abs(power) > _MAX_EXPONENT:
            return None
        scale = Fraction(10 ** abs(power))
        return _fraction(mantissa) * scale if power >= 0 else _fraction(mantissa) / scale
    if body["cycle"]:
        nines = int("9" * len(body["cycle"]) + "0" * len(body["fixed"]))
        return _fraction(f"{body['repeat'] or 0}.{body['fixed'] or 0}") + Fraction(int(body["cycle"]), nines)
    if body["decimal"]:
        return _fraction(body["decimal"])
    over, under = (body["over"], body["under"]) if body["over"] else (body["left"], body["right"])
    bottom = _fraction(under)
    if bottom == 0:
        return None
    quotient, whole = _fraction(over) / bottom, body["whole"] or body["mixed"]
    if whole is None:
        return quotient
    return int(whole) + quotient if quotient > 0 else None


def _fraction(numeral: str) -> Fraction:
    numeral = re.sub(r"[{}\s,]", "", numeral)
    return Fraction(numeral if not numeral.startswith(".") else "0" + numeral)
