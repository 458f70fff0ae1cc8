"""The builtin source: the problem set, each problem once, among drills without end and bad rows.

The schema is that of public sets: ``task_id``, ``prompt``, ``entry_point``, ``canonical_solution``, ``test``.
About one row in nine is bad: each filter finds something to drop.
"""

import random
from collections.abc import Iterator

from examples.coding_example.problems import ALL_PROBLEMS
from examples.coding_example.problems.drills import drill_row


def builtin_rows(seed: int) -> Iterator[dict[str, str]]:
    """An endless stream of raw rows; the same for the same seed."""
    rng = random.Random(seed)
    problems = [problem.row(number) for number, problem in enumerate(ALL_PROBLEMS, 1)]
    rng.shuffle(problems)
    good = drill_row(rng)
    while True:
        kind = rng.random()
        if kind < 0.11:
            yield _bad_row(rng, good)
        elif kind < 0.5 and problems:
            yield problems.pop()
        else:
            good = drill_row(rng)
            yield good


def _bad_row(rng: random.Random, good: dict[str, str]) -> dict[str, str]:
    """What makes a row one that must be dropped, or a duplicate of the last good one."""
    test = good["test"]
    head, first, *_ = test.splitlines(keepends=True)
    return rng.choice(
        [
            {**good, "prompt": "  "},
            {**good, "canonical_solution": ""},
            {**good, "canonical_solution": good["canonical_solution"].replace("(", "((", 1)},
            {**good, "entry_point": "no_such_function"},
            {**good, "test": f"{head}    for i in range(9):\n        assert candidate(i) == i\n"},
            {**good, "test": head + first},
            {**good, "test": head + first * 3},
            {**good, "prompt": good["prompt"].upper()},
            dict(good),
        ]
    )
