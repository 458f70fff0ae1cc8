"""Exact evaluation of GSM8K's calculator annotations, such as ``16-3-4=9`` or ``10*.5=5``."""

import ast
import functools
import operator
import re
from collections.abc import Callable
from fractions import Fraction

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_ALLOWED = re.compile(rf"(?:{_NUMBER}|[-+*/()])+")
_PERCENT = re.compile(rf"({_NUMBER})%")
MAX_LENGTH = 200


@functools.lru_cache(maxsize=1 << 14)  # short sums come again and again
def computes(annotation: str) -> bool:
    """Whether ``expression=value`` holds: exactly, or up to rounding where rounding can occur.

    An expression that divides or has decimals may be rounded or cut off at the value's last written
    digit, so it may be off by less than one unit of that digit (``10/3=3.33``, ``20/3=6.6``, ``7/2=4``).
    """
    left, separator, right = _plain(annotation).rpartition("=")
    value, stated = evaluate(left), evaluate(right)
    if not separator or value is None or stated is None:
        return False
    return value == stated or abs(value - stated) < _last_digit(left, right)


def _plain(text: str) -> str:
    text = re.sub(r"[\s$,]", "", text).replace("x", "*").replace("×", "*").replace("÷", "/")
    return _PERCENT.sub(r"(\1/100)", text)


def _last_digit(left: str, stated: str) -> Fraction:
    """One unit of the last written digit of ``stated``; nothing where the result must be exact."""
    digits = stated.partition(".")[2]
    if "/" not in left and "." not in left:
        return Fraction(0)
    return Fraction(1, 10 ** len(digits)) if digits.isdigit() or not digits else Fraction(0)


def evaluate(expression: str) -> Fraction | None:
    """The exact value of ``+ - * /`` on plain numbers; ``None`` for all else and for division by zero."""
    if len(expression) > MAX_LENGTH or not _ALLOWED.fullmatch(expression):
        return None
    # Python's own grammar refuses the leading zeros that "007" carries.
    plain = re.sub(r"(?<![\d.])0+(?=\d)", "", expression)
    try:
        return _value(ast.parse(plain, mode="eval").body, plain)
    except (SyntaxError, ZeroDivisionError, RecursionError, ValueError):
        return None


def _value(node: ast.expr, source: str) -> Fraction:
    if isinstance(node, ast.Constant):
        # From the text, because 0.1 as a float is not a tenth.
        return Fraction(ast.get_source_segment(source, node) or "")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, source)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, source), _value(node.right, source))
    raise ValueError("not plain arithmetic")
