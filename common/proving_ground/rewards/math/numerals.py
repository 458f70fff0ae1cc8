r"""Plain numbers: integers, decimals, fractions, mixed numbers, thousands, percentages, money, units.

Everything is a ``fractions.Fraction``: no floats, so ``0.5`` is ``1/2`` and ``0.333`` is not ``1/3``.
Only ASCII digits count, at most 2000 of them because of ``notation.MAX_LENGTH``.
"""

import re
from fractions import Fraction

from proving_ground.rewards.math.notation import TEXT_COMMAND
from proving_ground.rewards.math.units import SIGNS, read_unit

_MAX_EXPONENT = 400
"""Largest power of ten in scientific notation; beyond it the text is left to the expression path."""

_PLAIN = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_GROUPED = r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?"
_DECIMAL = rf"(?:{_GROUPED}(?![0-9])|{_PLAIN})"
_TERM = rf"(?:\{{\s*[+-]?\s*{_DECIMAL}\s*\}}|[0-9])"
_BODY = re.compile(
    rf"(?:(?P<base>[01-9]+)_\{{?(?P<radix>[0-9]{{1,2}})\}}?"
    rf"|(?P<sci>{_PLAIN})\s*(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*(?P<exponent>\{{\s*[+-]?[0-9]+\s*\}}|[0-9])"
    rf"|(?P<esci>{_PLAIN})[eE](?P<eexp>[+-]?[0-9]+)"
    rf"|(?P<repeat>[0-9]*)\.(?P<fixed>[0-9]*)\\(?:overline|dot|bar)\s*\{{(?P<cycle>[0-9]+)\}}"
    rf"|(?:(?P<whole>[0-9]+)\s*)?\\frac\s*(?P<over>{_TERM})\s*(?P<under>{_TERM})"
    rf"|(?:(?P<mixed>[0-9]+) +)?(?P<left>{_DECIMAL})\s*/\s*(?P<right>{_DECIMAL})"
    rf"|(?P<decimal>{_DECIMAL}))"
)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALE = re.compile(r"\s*(?:\\text\s*\{\s*)?(thousand|million|billion|trillion)\b\s*\}?", re.IGNORECASE)
_SIGN = re.compile(rf"(?P<front>[+-]?)\s*(?P<currency>[{''.join(SIGNS)}]?)\s*(?P<back>[+-]?)\s*")
_PERCENT = re.compile(r"%|percent(?:age)?|per cent|\\text\s*\{\s*(?:percent|per cent|%)\s*\}", re.IGNORECASE)


def read_number(text: str) -> tuple[Fraction, str | None, bool] | None:
    """``(value, unit, percent)`` of a cleaned text, or ``None`` if it is not a plain number.

    ``value`` is as written: ``50%`` gives 50 and ``percent`` true.
    """
    sign = _SIGN.match(text)
    if sign is None or (sign["front"] and sign["back"]):
        return None
    body = _BODY.match(text, sign.end())
    value = _value(body) if body else None
    if body is None or value is None:
        return None
    if "-" in (sign["front"], sign["back"]):
        value = -value
    tail = text[body.end() :]
    scale = _SCALE.match(tail)
    if scale:
        value, tail = value * _SCALES[scale[1].lower()], tail[scale.end() :]
    if body["base"]:
        return None if tail.strip() or sign["currency"] else (value, f"base {int(body['radix'])}", False)
    unit = SIGNS.get(sign["currency"])
    if not tail.strip():
        return value, unit, False
    if _PERCENT.fullmatch(tail.strip()):
        return (value, None, True) if unit is None else None
    if tail.strip() in SIGNS:
        return value, SIGNS[tail.strip()], False
    stated = _tail_unit(tail)
    return None if stated is None or unit not in (None, stated) else (value, stated, False)


def _tail_unit(tail: str) -> str | None:
    """The unit in what follows a number. ``5 m`` has one; ``5m`` is five times ``m``."""
    flat = TEXT_COMMAND.sub(r"\1", tail)
    upright = flat != tail
    if not upright and re.match(r"[A-Za-z](?![A-Za-z])", tail):
        return None
    return read_unit(flat.strip(), upright)


def _value(body: re.Match[str]) -> Fraction | None:
    if body["base"]:
        return Fraction(int(body["base"]))
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
