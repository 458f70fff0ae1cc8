"""Problems that recursion solves. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "recursion",
        "easy",
        "Write `power(a, n)`, which returns a to the power of a whole number n >= 0, by recursion.",
        "def power(a, n):\n    return 1 if n == 0 else a * power(a, n - 1)",
        """
assert candidate(2, 10) == 1024
assert candidate(5, 0) == 1
assert candidate(-3, 3) == -27
assert candidate(7, 1) == 7
""",
    ),
    Problem(
        "recursion",
        "easy",
        "Write `gcd(a, b)`, which returns the greatest common divisor of two whole numbers, by recursion.",
        "def gcd(a, b):\n    return a if b == 0 else gcd(b, a % b)",
        """
assert candidate(12, 18) == 6
assert candidate(7, 5) == 1
assert candidate(9, 0) == 9
assert candidate(100, 75) == 25
""",
    ),
    Problem(
        "recursion",
        "easy",
        "Write `depth(tree)`, which returns how deeply lists are nested: 0 for a number, 1 for a list of"
        " numbers.",
        """
def depth(tree):
    if not isinstance(tree, list):
        return 0
    return 1 + max((depth(part) for part in tree), default=0)
""",
        """
assert candidate(5) == 0
assert candidate([]) == 1
assert candidate([1, [2, [3]], 4]) == 3
assert candidate([[], [1]]) == 2
""",
    ),
    Problem(
        "recursion",
        "medium",
        "Write `flat(tree)`, which lists the numbers of nested lists from left to right.",
        """
def flat(tree):
    if not isinstance(tree, list):
        return [tree]
    return [leaf for part in tree for leaf in flat(part)]
""",
        """
assert candidate([1, [2, [3, 4]], [], 5]) == [1, 2, 3, 4, 5]
assert candidate(7) == [7]
assert candidate([]) == []
assert candidate([[[0]]]) == [0]
""",
    ),
    Problem(
        "recursion",
        "medium",
        "Write `hanoi(n)`, which returns the moves that bring n discs from a to c by way of b, as a list of"
        " texts like ac.",
        """
def hanoi(n, start="a", between="b", goal="c"):
    if n == 0:
        return []
    first = hanoi(n - 1, start, goal, between)
    return first + [start + goal] + hanoi(n - 1, between, start, goal)
""",
        """
assert candidate(0) == []
assert candidate(1) == ["ac"]
assert candidate(2) == ["ab", "ac", "bc"]
assert candidate(3) == ["ac", "ab", "cb", "ac", "ba", "bc", "ac"]
""",
    ),
    Problem(
        "recursion",
        "medium",
        "Write `subsets(items)`, which lists all subsets of a list: first those without its first item, then"
        " those with it, each part built in the same way.",
        """
def subsets(items):
    if not items:
        return [[]]
    rest = subsets(items[1:])
    return rest + [[items[0]] + subset for subset in rest]
""",
        """
assert candidate([]) == [[]]
assert candidate([1]) == [[], [1]]
assert candidate([1, 2]) == [[], [2], [1], [1, 2]]
assert candidate([1, 2, 3]) == [[], [3], [2], [2, 3], [1], [1, 3], [1, 2], [1, 2, 3]]
""",
    ),
    Problem(
        "recursion",
        "hard",
        "Write `permutations(word)`, which lists all orders of the letters of a word, sorted, each once.",
        """
def permutations(word):
    if not word:
        return [""]
    found = set()
    for i, letter in enumerate(word):
        for rest in permutations(word[:i] + word[i + 1:]):
            found.add(letter + rest)
    return sorted(found)
""",
        """
assert candidate("ab") == ["ab", "ba"]
assert candidate("aab") == ["aab", "aba", "baa"]
assert candidate("") == [""]
assert candidate("abc") == ["abc", "acb", "bac", "bca", "cab", "cba"]
""",
    ),
    Problem(
        "recursion",
        "hard",
        "Write `queens(n)`, which returns in how many ways n queens stand on an n by n board so that none"
        " attacks another.",
        """
def queens(n, placed=()):
    if len(placed) == n:
        return 1
    ways, row = 0, len(placed)
    for column in range(n):
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(placed)):
            ways += queens(n, (*placed, column))
    return ways
""",
        """
assert candidate(1) == 1
assert candidate(2) == 0
assert candidate(4) == 2
assert candidate(5) == 10
assert candidate(6) == 4
""",
    ),
    Problem(
        "recursion",
        "hard",
        "Write `islands(rows)`, which counts the islands of a map: signs # that touch at their sides, in a"
        " list of texts of equal length.",
        """
def islands(rows):
    land = {(y, x) for y, row in enumerate(rows) for x, sign in enumerate(row) if sign == "#"}

    def sink(y, x):
        if (y, x) in land:
            land.remove((y, x))
            for step in (-1, 1):
                sink(y + step, x)
                sink(y, x + step)

    count = 0
    while land:
        sink(*next(iter(land)))
        count += 1
    return count
""",
        """
assert candidate(["##.", "..#", ".##"]) == 2
assert candidate(["...", "..."]) == 0
assert candidate([]) == 0
assert candidate(["#.#", ".#.", "#.#"]) == 5
assert candidate(["###", "#.#", "###"]) == 1
assert candidate(["#", "#", ".", "#"]) == 2
""",
    ),
)
