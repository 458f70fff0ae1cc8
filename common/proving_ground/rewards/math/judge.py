r"""Whether an answer says the same as the ground truth: the rules, one function per kind of reading.

- Numbers are compared as exact rationals; no tolerance anywhere (``0.333`` is not ``1/3``).
- ``%`` is 1/100, so ``50%``, ``0.5`` and ``1/2`` agree; a ground truth of ``50%`` also takes a bare
  ``50``, and one above 1 in size also takes its own number with a percent sign.
- A unit only one side states is ignored; two different stated units disagree (``units``).
- Words and option letters are compared as text: letters exactly, words without regard to case.
- A list without brackets and a set ignore order, tuples and intervals do not, and brackets must
  agree; a bare list may stand for a tuple in the tuple's order.
- ``x = 5`` answers ``5`` and the reverse; every part of ``x = 10/2 = 5`` must be right.
- A calculation left standing (``3+4``, a sum, an integral, a limit) does not answer a number: it may
  be a copy of the question.
- Named unknowns are put in the order of their names before they are compared with a bare list or tuple.

What takes algebra is put to ``Algebra``, ground truth first: the comparison is not symmetric.
"""

import re
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

from proving_ground.rewards.math.readings import (
    VARIABLE,
    Expression,
    Family,
    Number,
    Option,
    Reading,
    Relation,
    Sequence,
    Word,
)
from proving_ground.rewards.math.units import compatible

MAX_REPEATED = 32
"""Most elements of an answer to a smaller set: matching is quadratic, and a set may repeat its elements."""

_SETLIKE = re.compile(r"[<>]|\\(?:le|ge|ne|in|notin|mathbb|setminus|emptyset|infty|cup|cap)(?![a-zA-Z])")
_PLAIN_VARIABLE = re.compile(rf"{VARIABLE}(?:\([A-Za-z]\))?")
_QUESTION = re.compile(r"\\(?:sum|prod|i*int|lim|gcd|lcm|max|min|det|bmod|mod)(?![a-z])|\\operatorname")
_LETTER = re.compile(
    r"(?<![A-Za-z\\])[A-Za-z](?<![ei])|\\(?!pi)(?:[a-z]+)_|\\(?:theta|alpha|beta|phi|lambda)"
)
_UNFINISHED = re.compile(r"[\d})!%]\s*(?:[+\-*]|\\(?:times|cdot|div)(?![a-zA-Z])|\()")


class Algebra(Protocol):
    """Computer algebra, wherever it runs."""

    def equal(self, gold: str, answer: str) -> bool:
        """Whether two LaTeX texts are equal; ``gold`` is known to be good."""

    def check(self, gold: str) -> None:
        """Raise unless ``gold`` can be parsed and compared."""


def check_gold(gold: Reading, algebra: Algebra) -> None:
    """Make sure that every part of a ground truth can be compared at all; raises what ``algebra`` raises."""
    if isinstance(gold, Expression):
        algebra.check(gold.text)
    elif isinstance(gold, Sequence):
        for item in gold.items:
            check_gold(item, algebra)
    elif isinstance(gold, Relation):
        for part in gold.parts:
            check_gold(part, algebra)
    elif isinstance(gold, Family):
        check_gold(gold.content(), algebra)
    elif isinstance(gold, Option):
        check_gold(gold.content, algebra)


def same(gold: Reading, answer: Reading, algebra: Algebra) -> bool:
    """Whether ``answer`` is right. ``gold`` has passed ``check_gold``."""
    if isinstance(gold, Family) and isinstance(answer, Family):
        return gold.domain == answer.domain and same(gold.content(), answer.content(gold.parameter), algebra)
    if isinstance(gold, Family) or isinstance(answer, Family):
        for side in (gold, answer):
            # All integers may go without saying; other numbers, and a letter that is not there, do not.
            if isinstance(side, Family) and (side.domain != "Z" or not side.says(side.parameter)):
                return False
        gold, answer = (side.content() if isinstance(side, Family) else side for side in (gold, answer))
    if isinstance(gold, Option) or isinstance(answer, Option):
        return _same_option(gold, answer, algebra)
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _same_relation(gold, answer, algebra)
    if isinstance(gold, Sequence) or isinstance(answer, Sequence):
        return _same_sequence(gold, answer, algebra)
    if isinstance(gold, Number) and isinstance(answer, Number):
        return _same_number(gold, answer)
    if isinstance(gold, Word) and isinstance(answer, Word):
        return _same_word(gold, answer, algebra)
    if {type(gold), type(answer)} == {Word, Number}:
        return False
    if (isinstance(gold, Word) and not gold.bare) or (isinstance(answer, Word) and not answer.bare):
        return False
    if isinstance(answer, Expression) and _is_copy(gold, answer.text):
        return False
    return _same_value(gold, answer, algebra)


_CLOCK = re.compile(r"\s*\d{1,2}\s*:\s*[0-5]\d\s*")
_CONSTANTS = (Word("e", bare=True), Word("i", bare=True))


def _is_copy(gold: Reading, answer: str) -> bool:
    """Whether the answer may be a copy of the question, its calculation still to be done."""
    if isinstance(gold, Number) and _UNFINISHED.search(answer):
        return True
    number = isinstance(gold, Expression) and not _LETTER.search(gold.text)
    constant = number or isinstance(gold, Number) or gold in _CONSTANTS
    return constant and bool(_QUESTION.search(answer)) and not _QUESTION.search(latex(gold))


def _same_option(gold: Reading, answer: Reading, algebra: Algebra) -> bool:
    """``(B) 7`` says B as well as 7; where both sides say both, both must agree."""
    if isinstance(gold, Option) and isinstance(answer, Option):
        return gold.letter == answer.letter and same(gold.content, answer.content, algebra)
    option, other = (gold, answer) if isinstance(gold, Option) else (answer, gold)
    assert isinstance(option, Option)
    if isinstance(other, Word) and len(other.text) == 1:
        return option.letter == other.text
    return same(option.content, other, algebra) if option is gold else same(gold, option.content, algebra)


def _same_value(gold: Reading, answer: Reading, algebra: Algebra) -> bool:
    units = [None if not isinstance(side, Number | Expression) else side.unit for side in (gold, answer)]
    return compatible(*units) and algebra.equal(latex(gold), latex(answer))


def _same_number(gold: Number, answer: Number) -> bool:
    if not compatible(gold.unit, answer.unit):
        return False
    if (gold.percent and answer.unit) or (answer.percent and gold.unit):
        return False
    if gold.percent == answer.percent:
        return gold.value == answer.value
    if gold.percent:
        return answer.value in (gold.value, gold.value / 100)
    return answer.value / 100 == gold.value or (answer.value == gold.value and abs(gold.value) > 1)


def _same_word(gold: Word, answer: Word, algebra: Algebra) -> bool:
    if gold.text == answer.text:
        return True
    if len(gold.text) == 1 or len(answer.text) == 1:
        return False
    if gold.product and answer.product:
        return algebra.equal(gold.text, answer.text)
    return gold.text.casefold() == answer.text.casefold()


def _same_sequence(gold: Reading, answer: Reading, algebra: Algebra) -> bool:
    for number, other in ((gold, answer), (answer, gold)):
        if isinstance(number, Number) and isinstance(other, Sequence):
            # A decimal comma or a ratio, where the other side shows that one number is meant. A truth 0,5 may
            # be two solutions, and 12:30 a time; 0,05 and 2:3 are one number.
            comma = re.fullmatch(r"([+-]?\d+),(\d+)", other.text)
            one = number is gold or re.fullmatch(r"[+-]?0,0\d+", other.text)
            if comma and one and number.value.denominator != 1:
                return number.value == Fraction(f"{comma[1]}.{comma[2]}")
            ratio = other.kind == ":" and number.value.denominator != 1 and not _CLOCK.fullmatch(other.text)
            if ratio and len(other.items) == 2 and not (number.unit or number.percent):
                left, right = (item.value for item in other.items if isinstance(item, Number))
                return left == number.value * right != 0
    gold, answer = _as_list(gold, answer), _as_list(answer, gold)
    if _is_named(gold) != _is_named(answer):
        gold, answer = _without_names(gold, answer), _without_names(answer, gold)
    if not (isinstance(gold, Sequence) and isinstance(answer, Sequence)):
        # A relation such as x > 3 or a named set may say the same as an interval: let algebra see both.
        other = answer if isinstance(gold, Sequence) else gold
        return (
            isinstance(other, Expression)
            and bool(_SETLIKE.search(other.text))
            and _same_value(gold, answer, algebra)
        )
    kinds = {gold.kind, answer.kind}
    nested = all(isinstance(item, Sequence) for item in (*gold.items, *answer.items))
    if kinds == {"union", "list"} and nested:
        kinds = {"union"}
    if not (len(kinds) == 1 or kinds in ({"list", "{}"}, {"list", "()"})):
        return False
    if kinds == {"{}"} or (nested and kinds <= {"{}", "list"}):
        return _same_sets(gold.items, answer.items, algebra)
    if len(gold.items) != len(answer.items):
        return False
    agree = partial(same, algebra=algebra)
    if kinds <= {"list", "{}"} or kinds == {"union"}:
        return one_to_one(gold.items, answer.items, agree)
    return all(map(agree, gold.items, answer.items))


def _is_named(side: Reading) -> bool:
    return isinstance(side, Sequence) and all(isinstance(item, Relation) and item.name for item in side.items)


def _without_names(side: Reading, other: Reading) -> Reading:
    """``y = 2, x = 1`` as the tuple of values in the order of the names; ``x_1 = 2, x_2 = 1`` as a list."""
    if not (isinstance(side, Sequence) and _is_named(side)):
        return side
    named = [(str(item.name), item.parts[-1]) for item in side.items if isinstance(item, Relation)]
    tuple_asked = isinstance(other, Sequence) and other.kind == "()"
    if tuple_asked or len({name.partition("_")[0] for name, _ in named}) > 1:
        letters = [ord(name[0]) for name, _ in named]
        # x, y, z and a, b, c have an order of their own; unrelated names stand in that of the text.
        if max(letters) - min(letters) <= 3 or any(name.startswith("\\") for name, _ in named):
            named.sort(key=lambda pair: pair[0])
        return Sequence(
            "()" if side.kind == "list" else side.kind, tuple(item for _, item in named), side.text
        )
    return Sequence(side.kind, tuple(item for _, item in named), side.text)


def _same_sets(gold: SequenceOf[Reading], answer: SequenceOf[Reading], algebra: Algebra) -> bool:
    """Every element of either set is one of the other's; how often it is written does not count."""
    if len(answer) > max(len(gold), MAX_REPEATED):
        return False

    def agree(left: Reading, right: Reading) -> bool:
        return isinstance(left, Sequence) == isinstance(right, Sequence) and same(left, right, algebra)

    table = [[agree(left, right) for right in answer] for left in gold]
    return all(map(any, table)) and all(map(any, zip(*table, strict=True)))


def _as_list(side: Reading, other: Reading) -> Reading:
    """Read ``side`` as a sequence where ``other`` shows that it must be one.

    ``{5}`` against ``5`` is a set of one; ``1,234`` against ``1, 234`` is a list, not a thousand.
    """
    if (
        isinstance(side, Sequence)
        and isinstance(other, Sequence)
        and side.kind == "()"
        and other.kind == "{}"
    ):
        one = len(other.items) == 1 and isinstance(other.items[0], Sequence)
        return Sequence("{}", (side,), side.text) if one else side
    if not isinstance(other, Sequence) or not isinstance(side, Number | Word | Expression):
        return side
    if other.kind in ("list", "{}") and len(other.items) == 1 and side.text != r"\emptyset":
        return Sequence(other.kind, (side,), side.text)
    letters = isinstance(side, Word) and side.text.isupper() and len(side.text) == len(other.items) > 1
    if (
        letters
        and other.kind != "()"
        and all(isinstance(each, Word) and len(each.text) == 1 for each in other.items)
    ):
        return Sequence(other.kind, tuple(Word(letter, True) for letter in side.text), side.text)
    if isinstance(side, Number) and side.unit is None and "," in side.text and other.kind in ("list", "{}"):
        numerals = side.text.split(",")
        if len(numerals) == len(other.items) and all(re.fullmatch(r"[+-]?[0-9]+", each) for each in numerals):
            items = tuple(Number(Fraction(int(numeral)), None, False, numeral) for numeral in numerals)
            return Sequence("list", items, side.text)
    return side


def one_to_one(gold: SequenceOf[Any], answer: SequenceOf[Any], agree: Callable[[Any, Any], bool]) -> bool:
    """Match every element with a different one of the other side, in any order. Repeated elements count."""
    left = list(answer)
    for wanted in gold:
        found = next((index for index, item in enumerate(left) if agree(wanted, item)), None)
        if found is None:
            return False
        del left[found]
    return not left


def _same_relation(gold: Reading, answer: Reading, algebra: Algebra) -> bool:
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        if gold.name is not None and gold.name == answer.name:
            return _every_part(gold.parts[-1], answer.parts, algebra)
        # Two labels (``f(3)``, ``\angle ABC``) name different things; variables may be rearranged.
        label = any(side.name and not _PLAIN_VARIABLE.fullmatch(side.name) for side in (gold, answer))
        return not (label and gold.name and answer.name) and algebra.equal(gold.text, answer.text)
    if isinstance(gold, Relation):
        return gold.name is not None and same(gold.parts[-1], answer, algebra)
    return isinstance(answer, Relation) and _every_part(gold, answer.parts, algebra)


def _every_part(gold: Reading, parts: SequenceOf[Reading], algebra: Algebra) -> bool:
    """The last part must answer ``gold``, the steps before it need only have its value."""
    if not same(gold, parts[-1], algebra):
        return False
    return all(
        _same_value(gold, step, algebra) if isinstance(step, Expression) else same(gold, step, algebra)
        for step in parts[:-1]
    )


def latex(reading: Reading) -> str:
    """The text of a reading as algebra should see it: numbers as bare rationals without their unit."""
    if not isinstance(reading, Number):
        return reading.text
    value = reading.value / 100 if reading.percent else reading.value
    if value.denominator == 1:
        return str(value.numerator)
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
