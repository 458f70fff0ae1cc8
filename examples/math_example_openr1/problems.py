r"""Templates of generated problems: eight problem types times eight answer types, one template each.

``@x`` stands for a number or word drawn by ``draw``. Words are few and numbers small, so that a policy
of a million weights can learn them; closed or infinite intervals are used because ``(1, 2)`` alone
might be a point.
"""

import random
import re
from math import gcd

PROBLEMS: dict[str, dict[str, tuple[str, str]]] = {
    "Algebra": {
        "integer": ("@F @v if @v + @a = @s.", "@b"),
        "decimal": ("@F @v as a decimal if 2@v = @m.", "@a.5"),
        "fraction": ("@F @v if @j@v = @i.", r"\frac{@i}{@j}"),
        "expression": ("Expand @a(@v + @b).", "@a@v + @p"),
        "equation": ("@F the line with slope @a that meets the y-axis at @b.", "y = @ax + @b"),
        "set": ("Solve (@v - @a)(@v - @b) = 0.", r"\{@a, @b\}"),
        "interval": (r"Solve @v + @a \le @s for real @v.", r"(-\infty, @b]"),
        "text": ("Is @a a root of @v^2 - @g = 0, yes or no?", r"\text{@Y}"),
    },
    "Geometry": {
        "integer": ("@F the area of a rectangle with sides @a and @b.", "@p"),
        "decimal": ("@F the area of a triangle with base @m and height 1 as a decimal.", "@a.5"),
        "fraction": ("A square of area 1 has @j equal parts. @F the area of @i of them.", r"\frac{@i}{@j}"),
        "expression": ("@F the exact area of a circle with radius @a.", r"@z\pi"),
        "equation": ("@F the circle with center (0, 0) and radius @a.", "x^2 + y^2 = @z"),
        "set": ("@F the point in the middle of (0, 0) and (@A, @B).", "(@a, @b)"),
        "interval": (
            "A triangle that may be flat has sides @a and @b. Give the interval of the third side.",
            "[@d, @s]",
        ),
        "text": ("Is a triangle with sides @a, @a and @w isosceles or equilateral?", r"\text{@I}"),
    },
    "Number Theory": {
        "integer": ("@F the remainder when @n is divided by @b.", "@a"),
        "decimal": ("Write @m/2 as a decimal for @N.", "@a.5"),
        "fraction": ("Write @X/@W in lowest terms.", r"\frac{@i}{@j}"),
        "expression": ("@F the product of @a and the number after @v.", "@a(@v + 1)"),
        "equation": ("Write as an equation that y is @a times x plus @b.", "y = @ax + @b"),
        "set": ("List all primes that divide @E for @N.", r"\{@P, @Q\}"),
        "interval": ("Give the interval of real @v that are at least @a and at most @b.", "[@a, @b]"),
        "text": ("Is the number @s + @c even or odd?", r"\text{@O}"),
    },
    "Combinatorics": {
        "integer": ("How many ways are there to pick one of @a pens and one of @b @T?", "@p"),
        "decimal": ("@F the mean number of heads in @m coin tosses of @N as a decimal.", "@a.5"),
        "fraction": ("A bag has @i red and @e blue @T. @F the chance of red.", r"\frac{@i}{@j}"),
        "expression": ("How many ways are there to pick one of @a pens and one of @v @T?", "@a@v"),
        "equation": (
            "There are y ways to pick one of @a pens and one of x @T. Write the equation.",
            "y = @ax",
        ),
        "set": ("A bag has a card @a and a card @b. List the values that @N can draw.", r"\{@a, @b\}"),
        "interval": ("Each card is at least @a and at most @b. Give the interval of their mean.", "[@a, @b]"),
        "text": ("Is the number of ways to pick one of @a pens and one of @b @T even or odd?", r"\text{@R}"),
    },
    "Calculus": {
        "integer": ("@F the derivative of @v^2 + @b@v at @v = @a.", "@H"),
        "decimal": ("@F the integral of @v + @a from 0 to 1 as a decimal.", "@a.5"),
        "fraction": ("@F the integral of @v^@K from 0 to 1.", r"\frac{1}{@o}"),
        "expression": ("@F the derivative of @a@v^2 + @b@v.", "@A@v + @b"),
        "equation": ("@F the tangent to y = x^2 at x = @a for @N.", "y = @Ax - @z"),
        "set": ("@F all zeros of the derivative of @v^3 - @Z@v + @b.", r"\{-@a, @a\}"),
        "interval": ("Give the largest interval on which (@v - @a)^2 + @b increases.", r"[@a, \infty)"),
        "text": ("Is @S@v + @a increasing or decreasing in @v?", r"\text{@D}"),
    },
    "Inequalities": {
        "integer": ("@F the least integer @v with @v > @a + @b.", "@L"),
        "decimal": (r"@F the greatest @v with 2@v \le @m as a decimal.", "@a.5"),
        "fraction": (r"@F the greatest @v with @j@v \le @i.", r"\frac{@i}{@j}"),
        "expression": ("@F the least value of (@v - @b)^2 + @at over real @v.", "@at"),
        "equation": (r"For which @v is (@v - @a)^2 + @b \ge @b an equality? Give an equation.", "@v = @a"),
        "set": (r"List all integers @v with @a \le @v \le @l.", r"\{@a, @l\}"),
        "interval": (r"Solve @v - @a \ge @b for real @v.", r"[@s, \infty)"),
        "text": ("Is @a + @b greater or less than @h?", r"\text{@G}"),
    },
    "Logic and Puzzles": {
        "integer": ("@N has @a @T and @M has @c more. How many @T does @M have?", "@q"),
        "decimal": ("@N cuts @m meters in two equal parts. @F one part as a decimal.", "@a.5"),
        "fraction": ("@N eats @i of @j equal parts of a cake. @F the part eaten.", r"\frac{@i}{@j}"),
        "expression": ("@N is @a years older than @M, who is @v. Write the age of @N.", "@v + @a"),
        "equation": ("@N has y @T, @a times the x @T of @M. Write the equation.", "y = @ax"),
        "set": ("Two numbers have sum @s and product @p. List them for @N.", r"\{@a, @b\}"),
        "interval": ("@N waits at least @a and at most @b hours. Give the interval.", "[@a, @b]"),
        "text": ("@N is older than @M. @M is older than @U. Who is the oldest?", r"\text{@N}"),
    },
    "Other": {
        "integer": ("Compute @a * @b + @c.", "@t"),
        "decimal": ("Write @a and a half as a decimal for @N.", "@a.5"),
        "fraction": ("Write @i of @j @T as a fraction.", r"\frac{@i}{@j}"),
        "expression": ("Write in symbols: @a times @v plus @b.", "@a@v + @b"),
        "equation": ("Write in symbols: @v plus @a is @b.", "@v + @a = @b"),
        "set": ("Write the set of the numbers @a and @b for @N.", r"\{@a, @b\}"),
        "interval": ("Write as an interval: all real numbers up to @a for @N.", r"(-\infty, @a]"),
        "text": ("On Monday @N waits @f days. Which day is it then?", r"\text{@V}"),
    },
}
NAMES = ("Ann", "Ben", "Eva", "Max", "Mia", "Tom")
THINGS = ("books", "cards", "eggs", "shells")
DAYS = ("Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SLOT = re.compile(r"@([A-Za-z])")


def draw(rng: random.Random, problem_type: str, answer_type: str) -> tuple[str, str]:
    """``(problem, answer)`` from one template."""
    slots = _slots(rng)
    problem, answer = PROBLEMS[problem_type][answer_type]
    return tuple(_SLOT.sub(lambda slot: str(slots[slot[1]]), text) for text in (problem, answer))  # type: ignore[return-value]


def _slots(rng: random.Random) -> dict[str, int | str]:
    a = rng.randint(2, 5)
    b = a + rng.randint(1, 4)
    c = rng.randint(1, 4)
    i, j = rng.choice([(i, j) for j in range(2, 8) for i in range(1, j) if gcd(i, j) == 1])
    k, f = rng.randint(2, 4), rng.randint(1, 6)
    yes = rng.random() < 0.5
    first, second = sorted(rng.sample((2, 3, 5, 7), 2))
    name, other, third = rng.sample(NAMES, 3)
    return {
        **{"a": a, "b": b, "c": c, "i": i, "j": j, "f": f, "P": first, "Q": second, "E": first * second},
        **{"s": a + b, "d": b - a, "p": a * b, "q": a + c, "t": a * b + c, "m": 2 * a + 1, "z": a * a},
        **{
            "A": 2 * a,
            "B": 2 * b,
            "H": 2 * a + b,
            "K": c + 1,
            "Z": 3 * a * a,
            "L": a + b + 1,
            "l": a + 1,
        },
        **{"n": b * c + a, "X": i * k, "W": j * k, "o": c + 2, "e": j - i},
        **{"g": a * a if yes else a * a + 1, "Y": "yes" if yes else "no"},
        **{"w": a if yes else a + 1, "I": "equilateral" if yes else "isosceles"},
        **{"S": b if yes else -b, "D": "increasing" if yes else "decreasing"},
        **{"h": a + b - 1 if yes else a + b + 1, "G": "greater" if yes else "less"},
        **{"O": _parity(a + b + c), "R": _parity(a * b), "V": DAYS[f - 1]},
        **{"N": name, "M": other, "U": third, "T": rng.choice(THINGS)},
        **{"v": rng.choice("xznk"), "F": rng.choice(("Find", "Give", "State"))},
    }


def _parity(number: int) -> str:
    return "odd" if number % 2 else "even"
