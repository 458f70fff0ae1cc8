r"""Exact comparison of LaTeX with computer algebra. Imports sympy: only the worker process loads this.

math-verify's parser reads the text; the comparison is ours, because its ``verify`` rounds floats to
six digits and drops differences below 1e-15, so that ``1/2^{99}`` passes for ``1/2^{98}``. Here
decimals become rationals, and two expressions are equal when their difference is zero at random
exact points, each evaluated with as many digits as it takes to tell it from zero.
``verify(gold, answer)`` is kept for what has no such test (sets given by conditions).
"""

import random
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import sympy
from latex2sympy2_extended import NormalizationConfig, latex2sympy, normalize_latex
from latex2sympy2_extended.latex2sympy2 import ConversionConfig
from math_verify import verify
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from proving_ground.rewards.math.judge import one_to_one

Parsed: TypeAlias = Any
"""A sympy expression, set, relation, boolean or matrix (sympy is untyped)."""

POINTS = 6
"""Random points at which two expressions must agree."""

MAX_DIGITS = 600
"""Working precision, in decimal digits, beyond which a difference counts as zero."""

_MAX_POWER_BITS = 1_000_000
_MAX_FACTORIAL = 5_000
_NORMALIZE = NormalizationConfig(
    basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none"
)
# Lower-casing symbols, the library's default, would make \pi(R^2-r^2) zero.
_CONVERT = ConversionConfig(lowercase_symbols=False)
_JOINTS = re.compile(r"\\land \\lor|\\lor(?![a-z])|\\land(?![a-z])")
_DISCRETE = (sympy.Sum, sympy.Product, sympy.factorial, sympy.binomial)
_INEQUALITIES = (sympy.StrictLessThan, sympy.StrictGreaterThan, sympy.LessThan, sympy.GreaterThan, sympy.Ne)
_UNDONE = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, sympy.Derivative)


class UnparsableError(ValueError):
    """The text has no value that could be compared."""


@lru_cache(maxsize=512)
def parse(text: str) -> Parsed:
    """The exact value of a LaTeX text. Raises ``UnparsableError``."""
    conditions = _JOINTS.split(text)
    if len(conditions) > 1:
        return _joined([parse(condition) for condition in conditions], set(_JOINTS.findall(text)))
    # What the parser would drop becomes part of the symbol's name.
    text = re.sub(
        r"(?<![A-Za-z\\])([A-Za-z])('+)", lambda match: f"{match[1]}_{{{'prime' * len(match[2])}}}", text
    )
    text = re.sub(r"(?<![A-Za-z\\])([A-Z])\s*\^\s*(?:\{\s*)?(?:T(?![a-z])|\\top)(?:\s*\})?", r"\1_{tt}", text)
    try:
        parsed = latex2sympy(
            normalize_latex(text, _NORMALIZE),
            is_real=True,
            convert_degrees=True,
            normalization_config=None,
            conversion_config=_CONVERT,
        )
        parsed = _exact(parsed)
    except MemoryError:
        raise
    except Exception as error:  # the parser raises plain Exception for every syntax error
        raise UnparsableError(str(error)) from error
    if not isinstance(parsed, sympy.Basic | sympy.MatrixBase) or parsed.has(sympy.nan, sympy.zoo):
        raise UnparsableError("no finite value")
    if parsed in (sympy.true, sympy.false):
        raise UnparsableError("a statement, not a value")
    return parsed


def _joined(parts: list[Parsed], joints: set[str]) -> Parsed:
    """Conditions on one unknown as a set, on several as a conjunction."""
    if not all(isinstance(part, Relational) for part in parts):
        raise UnparsableError("a condition that is no comparison")
    if len(set().union(*(part.free_symbols for part in parts))) != 1:
        return (sympy.Or if joints == {r"\lor"} else sympy.And)(*parts, evaluate=False)
    sets = [part.as_set() for part in parts]
    both = sympy.Intersection(*sets)
    if joints == {r"\lor"} or (joints != {r"\land"} and both.is_empty):
        return sympy.Union(*sets)
    return both


def _exact(node: Parsed) -> Parsed:
    """Rebuild bottom-up: floats as the rationals they were written as, percent signs applied, ``i`` as I."""
    if isinstance(node, sympy.MatrixBase):
        return node.applyfunc(_exact)
    if node.is_Float:
        return sympy.Rational(str(node))
    if node.is_Symbol and node.name == "i":
        return sympy.I
    if isinstance(node, sympy.UnevaluatedExpr):
        return _exact(node.args[0])
    if not node.args:
        return node
    if isinstance(node, sympy.Sum | sympy.Product):
        return node
    args = [_exact(arg) for arg in node.args]
    if isinstance(node, AppliedUndef):
        return sympy.Symbol(str(node.func(*args)), real=True)
    _refuse_giants(node, args)
    return node.func(*args, evaluate=False) if isinstance(node, Relational) else node.func(*args)


def _refuse_giants(node: Parsed, args: list[Parsed]) -> None:
    """Towers and factorials too large to write down are refused before they are computed."""
    if isinstance(node, sympy.Pow) and args[0].is_Rational and args[1].is_Rational:
        bits = max(abs(args[0].p), args[0].q).bit_length()
        if bits > 1 and abs(args[1]) * bits > _MAX_POWER_BITS:
            raise UnparsableError("a power too large")
    if isinstance(node, sympy.factorial) and args[0].is_Rational and args[0] > _MAX_FACTORIAL:
        raise UnparsableError("a factorial too large")


def examine(gold: Parsed) -> None:
    """Evaluate a ground truth once, so that one too costly to compare runs into the limits by itself."""
    if isinstance(gold, sympy.Expr):
        value = gold.doit() if gold.has(*_UNDONE) else gold
        symbols = sorted(value.free_symbols, key=str)
        for point in _points(symbols, (gold, gold), positive_integers=value.has(*_DISCRETE)):
            _is_zero(value.subs(point))


def equal(gold: Parsed, answer: Parsed) -> bool:
    """Whether two parsed values are mathematically the same; the ground truth comes first."""
    if gold == answer:
        return True
    if isinstance(gold, sympy.MatrixBase) or isinstance(answer, sympy.MatrixBase):
        same_shape = getattr(gold, "shape", None) == getattr(answer, "shape", ())
        return same_shape and all(
            equal(left, right) for left, right in zip(gold.flat(), answer.flat(), strict=True)
        )
    if isinstance(gold, sympy.Expr) and isinstance(answer, sympy.Expr):
        return _equal_scalars(gold, answer)
    if isinstance(gold, sympy.Or) != isinstance(answer, sympy.Or):
        return False
    relations = _relations(gold), _relations(answer)
    # The same comparisons in any order; each may be rearranged by a constant factor.
    if all(relations) and one_to_one(*relations, _equal_relation):
        return True
    if all(relations) and len(gold.free_symbols | answer.free_symbols) != 1:
        return False
    if all(relations) and not (gold.has(*_INEQUALITIES) and answer.has(*_INEQUALITIES)):
        return False
    gold, answer = _as_set(gold), _as_set(answer)
    if isinstance(gold, sympy.Set | sympy.Tuple) and isinstance(answer, sympy.Set | sympy.Tuple):
        return _equal_sets(gold, answer)
    if isinstance(gold, sympy.Expr) or isinstance(answer, sympy.Expr):
        return False
    return bool(verify(gold, answer, timeout_seconds=None))


def _equal_scalars(gold: Parsed, answer: Parsed) -> bool:
    difference = gold - answer
    if difference.has(*_UNDONE):
        difference, gold, answer = difference.doit(), gold.doit(), answer.doit()
    symbols = sorted(gold.free_symbols | answer.free_symbols, key=str)
    if not symbols:
        zero = _is_zero(difference)
        return bool(sympy.simplify(difference) == 0) if zero is None else zero
    complex_valued = difference.has(sympy.I)
    real: list[bool] = []
    other: list[bool] = []
    for point in _points(symbols, (gold, answer), positive_integers=difference.has(*_DISCRETE)):
        zero = _is_zero(difference.subs(point))
        if zero is None:
            continue
        # Where a real formula turns complex (log of a negative number) conventions decide, not mathematics.
        (real if complex_valued or _is_real(gold.subs(point), answer.subs(point)) else other).append(zero)
    verdicts = real or other
    return all(verdicts) if len(verdicts) >= 2 else bool(sympy.simplify(difference) == 0)


def _points(
    symbols: list[Parsed], pair: tuple[Parsed, Parsed], positive_integers: bool
) -> Iterator[dict[Parsed, Any]]:
    """Exact points, the same for the same pair on every machine, unlike any a policy could aim for."""
    draw = random.Random(str(pair))
    for number in range(POINTS):
        if positive_integers:
            yield {symbol: sympy.Integer(draw.randint(2, 12)) for symbol in symbols}
            continue
        sign = 1 if number < POINTS // 2 else -1
        yield {
            symbol: sympy.Rational(draw.randint(20, 400), draw.randint(3, 97)) * draw.choice((1, sign))
            for symbol in symbols
        }


def _is_zero(value: Parsed) -> bool | None:
    """Exactly zero or not; ``None`` where the value is undefined or not a number."""
    if value.is_Rational:
        return bool(value == 0)
    if value.has(sympy.nan, sympy.zoo, sympy.oo, sympy.S.NegativeInfinity) or value.free_symbols:
        return None
    number = value.evalf(30, maxn=MAX_DIGITS)
    parts = number.as_real_imag()
    if not all(part.is_Float or part.is_Rational for part in parts):
        return None
    # evalf leaves precision 1 on a result it could not tell from zero.
    return all(part == 0 or (part.is_Float and part._prec == 1) for part in parts)


def _is_real(*values: Parsed) -> bool:
    return all(value.is_real or _is_zero(sympy.im(value)) for value in values)


def _relations(value: Parsed) -> list[Parsed]:
    """The single comparisons in a relation or chain of them; empty for anything else."""
    parts = list(value.args) if isinstance(value, sympy.And | sympy.Or) else [value]
    return parts if all(map(_plain, parts)) else []


def _plain(part: Parsed) -> bool:
    return (
        isinstance(part, Relational) and isinstance(part.lhs, sympy.Expr) and isinstance(part.rhs, sympy.Expr)
    )


def _equal_relation(gold: Parsed, answer: Parsed) -> bool:
    undirected = (sympy.Eq, sympy.Ne)
    strict = (sympy.StrictLessThan, sympy.StrictGreaterThan)
    for kind in (sympy.Eq, sympy.Ne, strict):
        if isinstance(gold, kind) != isinstance(answer, kind):
            return False
    left, right = _signed(gold), _signed(answer)
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    points = list(_points(symbols, (gold, answer), positive_integers=False))
    values = [(left.subs(point), right.subs(point)) for point in points]
    anchor = next(
        (pair for pair in values if _is_zero(pair[0]) is False and _is_zero(pair[1]) is False), None
    )
    if anchor is None:
        return False
    if not isinstance(gold, undirected) and not (anchor[0] / anchor[1]).evalf(30).is_positive:
        return False
    verdicts = [_is_zero(pair[0] * anchor[1] - pair[1] * anchor[0]) for pair in values]
    return all(verdict is not False for verdict in verdicts) and verdicts.count(True) >= 2


def _signed(relation: Parsed) -> Parsed:
    """``d`` such that the relation says ``d > 0``, ``d >= 0``, ``d = 0`` or ``d != 0``."""
    difference = relation.lhs - relation.rhs
    return -difference if isinstance(relation, sympy.StrictLessThan | sympy.LessThan) else difference


def _as_set(value: Parsed) -> Parsed:
    if isinstance(value, sympy.Eq) and isinstance(value.rhs, sympy.Set):
        return value.rhs
    if _relations(value) and len(value.free_symbols) == 1:
        return value.as_set()
    return value


def _equal_sets(gold: Parsed, answer: Parsed) -> bool:
    if isinstance(gold, sympy.Interval) and isinstance(answer, sympy.Interval):
        sides = gold.left_open == answer.left_open and gold.right_open == answer.right_open
        return bool(sides) and equal(gold.start, answer.start) and equal(gold.end, answer.end)
    if isinstance(gold, sympy.Tuple) or isinstance(answer, sympy.Tuple):
        same_kind = (
            isinstance(gold, sympy.Tuple) and isinstance(answer, sympy.Tuple) and len(gold) == len(answer)
        )
        return same_kind and all(equal(left, right) for left, right in zip(gold, answer, strict=True))
    for kind in (sympy.FiniteSet, sympy.Union):
        if isinstance(gold, kind) and isinstance(answer, kind) and len(gold.args) == len(answer.args):
            return all(any(equal(left, right) for right in answer.args) for left in gold.args)
    return bool(gold.symmetric_difference(answer).is_empty)
