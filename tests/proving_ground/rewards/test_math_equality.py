r"""What counts as the same answer: tables of pairs, ground truth first.

Each row goes through ``answers_equal``; rows marked in no way may use the worker processes.
"""

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.math import answers_equal, is_parseable_answer
from proving_ground.rewards.math.units import _SPELLINGS, compatible, read_unit

SAME = [
    # numbers
    ("7", "7"),
    ("7", "+7"),
    ("-7", "−7"),
    ("-7", "€-7"),
    (r"\{(1, 2)\}", "(1, 2)"),
    ("-7", r"\$ -7"),
    ("7", "7."),
    ("7", "7.00"),
    ("7", "007"),
    ("0", "-0"),
    (".5", "0.5"),
    ("0.5", r"\frac{1}{2}"),
    (r"\frac{1}{2}", "0.5"),
    (r"\frac{1}{2}", "1/2"),
    (r"\frac{1}{2}", r"\dfrac12"),
    (r"\frac{1}{2}", r"\tfrac{2}{4}"),
    (r"-\frac{1}{2}", r"\frac{-1}{2}"),
    ("1.5", r"1\frac{1}{2}"),
    (r"\frac{5}{3}", "1 2/3"),
    (r"0.\overline{3}", r"\frac13"),
    (r"0.1\overline{6}", r"\frac16"),
    ("½", "0.5"),
    ("300000000", r"3 \times 10^{8}"),
    ("0.00015", r"1.5 \cdot 10^{-4}"),
    ("1000", "1,000"),
    ("1000", "1{,}000"),
    ("1000", r"1\,000"),
    ("1000", "1 000"),
    ("1000", r"1,\!000"),
    ("1,234,567.5", "1234567.5"),
    ("5 million", "5000000"),
    # delimiters and dressing
    ("7", "$7$"),
    ("7", r"\(7\)"),
    ("7", r"\boxed{7}"),
    ("7", "{7}"),
    ("7", "(7)"),
    ("7", r"\text{7}"),
    ("7", r"\mathbf{7}"),
    ("7", "**7**"),
    ("7", r"\displaystyle 7"),
    # percent, money, units
    ("50%", r"50\%"),
    ("50%", "0.5"),
    (r"50\%", r"\frac{1}{2}"),
    ("0.5", "50%"),
    ("50%", "50"),
    ("50", "50%"),
    ("50%", "50 percent"),
    ("5", r"\$5"),
    ("$5.00", "5 dollars"),
    ("-5", "-$5"),
    ("1500", "$1,500"),
    ("5", "5 cm"),
    ("5 cm", "5"),
    ("5 cm", r"5\text{ cm}"),
    ("5 cm", r"5\,\mathrm{cm}"),
    ("5 cm", "5 centimeters"),
    (r"5\text{ cm}^2", "5 cm²"),
    (r"5\text{ cm}^2", "5 square centimetres"),
    ("60 mph", "60 miles per hour"),
    ("12", r"12\text{ apples}"),
    ("12", "12 apples"),
    ("30", r"30^\circ"),
    ("30°", "30 degrees"),
    (r"2\sqrt{3}", r"2\sqrt{3}\text{ cm}"),
    ("1010_2", r"1010_{2}"),
    ("-50", "-50%"),
    ("1234.05", r"1,234.05\text{ cm}"),
    ("8", r"8\text{ kn}"),
    ("5", "5 tennis balls"),
    ("median", "the median"),
    ("(5,7), (7,5)", "x=5, y=7 or x=7, y=5"),
    # words and option letters
    ("even", "Even"),
    (r"\text{Tuesday}", "Tuesday"),
    ("June 5", "june 5"),
    ("3 feet 5 inches", r"3\text{ feet }5\text{ inches}"),
    (r"\angle ABC", r"\angle{ABC}"),
    ("no solution", r"\text{No solution.}"),
    ("yes", r"\textbf{Yes}"),
    ("B", "(B)"),
    ("B", r"\text{B}"),
    ("B", r"\textbf{(B)}"),
    ("B", "B."),
    (r"\text{(B)}", "B"),
    (r"\emptyset", r"\varnothing"),
    # structures
    ("(1,2)", "(1, 2)"),
    ("(1,2)", r"\left(1,\; 2\right)"),
    ("(1,2)", "(1.0, 4/2)"),
    ("(1,2)", "1, 2"),
    ("(1000, 2)", "(1,000, 2)"),
    (r"\{1,2\}", r"\{2,1\}"),
    (r"\{1,2\}", "2, 1"),
    ("1, 2", "2 and 1"),
    ("1, 2", r"1 \text{ or } 2"),
    ("5", r"\{5\}"),
    ("100, 200, 300", "100,200,300"),
    (r"\pm 2", "-2, 2"),
    (r"1 \pm \sqrt{2}", r"1-\sqrt{2}, 1+\sqrt{2}"),
    ("(1,2), (3,4)", "(3,4), (1,2)"),
    ("A, C", "C and A"),
    (r"(-\infty, 3]", r"(-∞, 3]"),
    (r"(-\infty,1)\cup(2,\infty)", r"(2, \infty) \cup (-\infty, 1)"),
    ("(1,2)", r"x \in (1,2)"),
    ("3:4", "3 : 4"),
    # equations
    ("5", "x = 5"),
    ("x = 5", "5"),
    ("x=5", r"x = \frac{10}{2}"),
    ("5", "x = 10/2 = 5"),
    ("5", "x = 2 + 3 = 5"),
    ("1, 2", "x = 1, 2"),
    ("1, 2", r"x = 2 \text{ or } x = 1"),
    ("x=1, y=2", "y = 2, x = 1"),
    ("(1,2)", "(x,y) = (1,2)"),
    ("3.14", r"x \approx 3.14"),
    (r"\frac13", r"\frac13 \approx 0.333"),
    ("y = 2x + 3", "2x - y + 3 = 0"),
    ("x^2+y^2=1", "2x^2 + 2y^2 = 2"),
    ("f(x) = x^2", "f(x) = x \\cdot x"),
    # expressions
    (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
    ("(x+1)^2", "x^2+2x+1"),
    ("x/2", "0.5x"),
    ("0.3x", "0.1x + 0.2x"),
    ("1024", "2^{10}"),
    ("2", r"\sqrt{4}"),
    ("120", "5!"),
    (r"\sin 30^\circ", r"\frac12"),
    ("3+2i", "2i+3"),
    (r"\tan x", r"\frac{\sin x}{\cos x}"),
    (r"\frac{n(n+1)}{2}", r"\sum_{k=1}^{n} k"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&\frac82\end{pmatrix}"),
    ("x > 3", "3 < x"),
    (r"\{x \mid x > 3\}", "x > 3"),
    ("x > 3", r"(3, \infty)"),
    (r"[1, 2]", r"1 \le x \le 2"),
    (r"x \ne 2", r"(-\infty,2)\cup(2,\infty)"),
    (r"\frac{1}{2004!}", r"\frac{1}{2004!}"),
]

DIFFERENT = [
    ("7", "$-7"),
    ("0", r"0 \text{ or more}"),
    ("0", r"0 \text{ or maybe } 7"),
    # numbers: exact, no tolerance
    ("7", "8"),
    ("7", "-7"),
    ("7", "77"),
    (r"\frac13", "0.333"),
    (r"\frac13", "0.3333333333333333"),
    ("3.14", r"\pi"),
    (r"\sqrt{2}", "1.41421356"),
    ("1", "0.9999999999"),
    ("12345678901234567890", "12345678901234567891"),
    (r"2\frac{1}{2}", "1"),
    (r"2\frac{1}{2}", r"2 \cdot \frac{1}{2}"),
    ("7", "7 7"),
    ("12", "3 4 5"),
    ("7", "７8"),
    ("1", "1²3"),
    ("52", "5²"),
    # thousands and tuples
    ("1000", "(1,000)"),
    ("1000", "1, 000"),
    ("(1,234)", "1234"),
    ("1234", "(1,234)"),
    ("1000", "1.000"),
    # percent, money, units
    ("50%", "0.05"),
    ("0.5", "0.5%"),
    ("1", "1%"),
    ("5", "5 million"),
    ("5", "5 hundred"),
    ("5", "5 dozen"),
    ("5", "5 or more"),
    ("5", "5m"),
    ("5", "5 xy"),
    ("5 cm", "5 m"),
    ("5 cm", r"5\text{ cm}^2"),
    ("5 m", "500 cm"),
    ("5 km/h", "5 mph"),
    ("$5", "5 cents"),
    ("$5", "€5"),
    (r"\frac{\pi}{6}", r"30^\circ"),
    ("1010_2", "1010_3"),
    ("10", "1010_2"),
    ("5 minutes", "5 seconds"),
    ("2", r"2\frac{0}{3}"),
    (r"\{1,2\}", r"\{1,2)"),
    ("[1,2]", r"1 \le x < 2"),
    ("[1,2]", r"1 \le x \le 3"),
    ("[1,2]", r"0 \le x \le 2"),
    ("[1,2)", "[2,1)"),
    # words and option letters
    ("even", "odd"),
    ("even", "evening"),
    ("even", "not even"),
    (r"\text{no}", "on"),
    ("Tuesday", "7"),
    ("June 5", "June 6"),
    ("3 feet 5 inches", "5 feet 3 inches"),
    (r"\angle ABC", r"\angle BAC"),
    ("B", "C"),
    ("B", "b"),
    ("B", "B or C"),
    ("B", "A, B"),
    ("B", "2"),
    ("B", "BC"),
    # structures
    ("(1,2)", "(2,1)"),
    ("(1,2)", "2, 1"),
    ("(1,2)", "[1,2]"),
    ("(1,2)", "(1,2]"),
    ("[1,2)", "[1,2]"),
    ("[1,2]", "1, 2"),
    ("(1,2)", r"\{1,2\}"),
    ("(1,2)", "(1,2,3)"),
    ("(1,2,3)", "(1,2)"),
    (r"\{1,2\}", r"\{1,2,3\}"),
    (r"\{1,2\}", r"\{1,1\}"),
    ("1, 2", "1, 2, 2"),
    ("1, 1", "1, 2"),
    ("2", "1, 2"),
    ("42", "41 or 42"),
    ("42", r"41 \text{ or } 42"),
    ("42", r"\{41, 42\}"),
    ("2", r"\pm 2"),
    (r"\pm 2", "2"),
    (r"(-\infty, 3]", r"(-\infty, 3)"),
    (r"(-\infty, 3]", r"(\infty, 3]"),
    (r"(-\infty,1)\cup(2,\infty)", r"(-\infty,1)\cup[2,\infty)"),
    ("3:4", "4:3"),
    ("12:30", "6:15"),
    # equations
    ("5", "x = 6"),
    ("x = 5", "y = 5"),
    ("42", "41 = 42"),
    ("42", "x = 41 = 42"),
    ("x^2+y^2=1", "x^2+y^2=2"),
    ("x^2+y^2=1", "1"),
    ("y = 2x", "y = 2x + 1"),
    (r"\pi", r"3.14 \approx \pi"),
    # expressions
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
    (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"),
    (r"\frac{x}{2^{99}}", r"\frac{x}{2^{98}}"),
    (r"x = \frac{1}{2^{99}}", r"x = \frac{1}{2^{98}}"),
    ("1", r"1 + \frac{1}{2004!}"),
    (r"\sqrt{2}", r"\sqrt{2} + 10^{-100}"),
    (r"\sqrt{2}", r"\sqrt{2} \cdot (1 + 10^{-100})"),
    (r"\frac{\pi}{2^{99}}", r"\frac{\pi}{2^{98}}"),
    (r"\pi(R^2-r^2)", "0"),
    (r"\pi R^2", r"\pi r^2"),
    ("x", "|x|"),
    ("x+1", "y+1"),
    ("(x+1)^2", "x^2+1"),
    ("x^2", "x^3"),
    (r"x > 3", r"x \ge 3"),
    (r"x > 3", r"x < 3"),
    (r"x > 3", r"-x > -3"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&5\end{pmatrix}"),
    (r"\sin 30^\circ", r"\sin 30"),
    # a plain number asked for, a calculation given
    ("7", "3+4"),
    ("12", r"3 \times 4"),
    ("12", r"3 \cdot 4"),
    ("12", "3*4"),
    ("3", "7 - 4"),
    ("12", "3(4)"),
    ("5", r"\sqrt{9 + 16}"),
    # nothing
    ("7", ""),
    ("7", " "),
    ("7", "?"),
    ("7", "None"),
    ("7", r"\frac{7}{"),
    ("7", "7}{"),
    ("7", r"\frac{7}{0}"),
    ("7", "7\x00"),
    ("7", "7\ud800"),
    ("7", "٧"),
]

BROKEN_GOLDS = [
    "",
    "   ",
    "???",
    "@@@@",
    "}{",
    r"\frac{1}{",
    "(1,2",
    "3 4 5",
    "x =",
    "2x +",
    r"\text{}",
    r"\boxed{}",
]
BROKEN_GOLDS += [
    "7\x00",
    "\ud800",
    "1" * 3000,
    r"\frac{1}{0}",
    r"9^{9^{9^{9}}}",
    "(10^9)!",
    "(1, , 2)",
]

PARSEABLE = [
    "7",
    r"\frac{1}{2}",
    "even",
    "(1,2]",
    "x = 5",
    r"\sqrt{2}",
    "B",
    r"\text{no solution}",
    "1, 2",
    "x > 3",
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_same(gold: str, answer: str) -> None:
    assert answers_equal(gold, answer)


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
def test_different(gold: str, answer: str) -> None:
    assert not answers_equal(gold, answer)


@pytest.mark.parametrize("gold", sorted({gold for gold, _ in SAME + DIFFERENT}))
def test_every_gold_of_the_tables_equals_itself(gold: str) -> None:
    assert answers_equal(gold, gold)


def test_two_different_known_units_never_agree() -> None:
    units = sorted({read_unit(spelling, True) for spelling in _SPELLINGS}, key=str)
    assert len(units) > 100
    agreeing = [
        (left, right) for left in units for right in units if compatible(left, right) and left != right
    ]
    assert agreeing == []


@pytest.mark.parametrize("gold", BROKEN_GOLDS)
def test_broken_gold_raises_even_for_the_identical_answer(gold: str) -> None:
    assert not is_parseable_answer(gold)
    with pytest.raises(InfrastructureError, match="cannot be verified") as caught:
        answers_equal(gold, gold)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", PARSEABLE)
def test_parseable(text: str) -> None:
    assert is_parseable_answer(text)
