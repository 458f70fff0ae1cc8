"""An endless family of one-line problems with a small vocabulary, so that a policy of a million weights can
learn them in a minute. Their rows have the same schema as those of the problem set.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FUNCTIONS = ("f", "g", "h")
ARGUMENTS = {"numbers": ("x", "n", "k"), "strings": ("s", "t", "w"), "lists": ("v", "u", "p")}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Drill:
    """One sort of drill: what is asked, the expression that answers it, its value, and inputs that tell.

    ``{x}`` is the argument, ``{a}`` and ``{b}`` are numbers of the problem.
    """

    topic: str
    asked: str
    expression: str
    value: Callable[[Any, int, int], Any]


DRILLS: Sequence[Drill] = (
    Drill("numbers", "returns {x} plus {a}", "{x} + {a}", lambda x, a, b: x + a),
    Drill("numbers", "returns {x} minus {a}", "{x} - {a}", lambda x, a, b: x - a),
    Drill("numbers", "returns {x} times {a} plus {b}", "{x} * {a} + {b}", lambda x, a, b: x * a + b),
    Drill("numbers", "returns {x} times {a} minus {b}", "{x} * {a} - {b}", lambda x, a, b: x * a - b),
    Drill("numbers", "tells whether {x} is above {a}", "{x} > {a}", lambda x, a, b: x > a),
    Drill("numbers", "tells whether {x} is below {a}", "{x} < {a}", lambda x, a, b: x < a),
    Drill("strings", "returns {x} repeated {a} times", "{x} * {a}", lambda x, a, b: x * a),
    Drill("strings", "returns the first {a} letters of {x}", "{x}[:{a}]", lambda x, a, b: x[:a]),
    Drill("strings", "returns {x} without its first {a} letters", "{x}[{a}:]", lambda x, a, b: x[a:]),
    Drill("lists", "returns the first {a} items of {x}", "{x}[:{a}]", lambda x, a, b: x[:a]),
    Drill("lists", "returns {x} without its first {a} items", "{x}[{a}:]", lambda x, a, b: x[a:]),
    Drill(
        "lists",
        "returns the items of {x} above {a}",
        "[i for i in {x} if i > {a}]",
        lambda x, a, b: [i for i in x if i > a],
    ),
    Drill(
        "lists",
        "returns the items of {x} times {a}",
        "[i * {a} for i in {x}]",
        lambda x, a, b: [i * a for i in x],
    ),
    Drill(
        "stdio",
        "reads a number and prints it plus {a}",
        "print(int(input()) + {a})",
        lambda x, a, b: x + a,
    ),
    Drill(
        "stdio",
        "reads a number and prints it times {a} plus {b}",
        "print(int(input()) * {a} + {b})",
        lambda x, a, b: x * a + b,
    ),
)


def drill_row(rng: random.Random) -> dict[str, str]:
    """One drill in the raw schema."""
    # Those with two numbers have twenty times as many forms, so they repeat themselves later.
    [drill] = rng.choices(DRILLS, [4 if "{b}" in drill.asked else 1 for drill in DRILLS])
    a, b = rng.randint(2, 12), rng.randint(1, 20)
    name, x = rng.choice(FUNCTIONS), rng.choice(ARGUMENTS.get(drill.topic, ("",)))
    words: Mapping[str, Any] = {"x": x, "a": a, "b": b}
    asked, expression = drill.asked.format(**words), drill.expression.format(**words)
    stdio = drill.topic == "stdio"
    inputs = _inputs(rng, drill.topic, a)
    if stdio:
        prompt, solution = f"Write a program that {asked}.", expression
        asserts = [
            f"run({f'{each}{chr(10)}'!r}) == {f'{drill.value(each, a, b)}{chr(10)}'!r}" for each in inputs
        ]
    else:
        prompt, solution = f"Write {name}({x}) that {asked}.", f"def {name}({x}):\n    return {expression}"
        asserts = [f"candidate({each!r}) == {drill.value(each, a, b)!r}" for each in inputs]
    lines = "".join(f"    assert {line}\n" for line in asserts)
    return {
        "task_id": "builtin/drill",
        "prompt": prompt,
        "entry_point": "" if stdio else name,
        "canonical_solution": f"{solution}\n",
        "test": f"def check({'run' if stdio else 'candidate'}):\n{lines}",
        "topic": drill.topic,
        "difficulty": "drill",
    }


def _inputs(rng: random.Random, topic: str, a: int) -> list[Any]:
    """Inputs on both sides of every limit that a drill can ask for, and long enough to be cut at ``a``."""
    if topic == "strings":
        return ["".join(rng.sample(LETTERS, size)) for size in (a, a + 1, a + 3)]
    if topic == "lists":
        return [[a - 1, a, a + 1], [rng.randint(0, 30) for _ in range(a + 2)], [*range(a + 4, 0, -1)]]
    return [a - 1, a, a + 1, rng.randint(20, 90)]
