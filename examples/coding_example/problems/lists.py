"""Problems over lists. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "lists",
        "easy",
        "Write `second_largest(values)`, which returns the second largest of the different numbers of a list,"
        " or None when there are fewer than two.",
        """
def second_largest(values):
    ranked = sorted(set(values))
    return ranked[-2] if len(ranked) > 1 else None
""",
        """
assert candidate([3, 1, 2]) == 2
assert candidate([5, 5, 4]) == 4
assert candidate([7, 7]) is None
assert candidate([]) is None
assert candidate([-1, -2]) == -2
""",
    ),
    Problem(
        "lists",
        "easy",
        "Write `without_repeats(values)`, which keeps the first of equal items of a list, in their order.",
        "def without_repeats(values):\n    return list(dict.fromkeys(values))",
        """
assert candidate([3, 1, 3, 2, 1]) == [3, 1, 2]
assert candidate([]) == []
assert candidate(["b", "a", "b"]) == ["b", "a"]
""",
    ),
    Problem(
        "lists",
        "easy",
        "Write `running_total(values)`, which returns the list of the sums of the first 1, 2, 3, ... numbers."
        "",
        """
def running_total(values):
    totals, total = [], 0
    for value in values:
        total += value
        totals.append(total)
    return totals
""",
        """
assert candidate([1, 2, 3]) == [1, 3, 6]
assert candidate([]) == []
assert candidate([5, -5, 2]) == [5, 0, 2]
""",
    ),
    Problem(
        "lists",
        "medium",
        "Write `chunks(values, size)`, which cuts a list into lists of `size` items; the last may be shorter."
        "",
        "def chunks(values, size):\n    return [values[i:i + size] for i in range(0, len(values), size)]",
        """
assert candidate([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
assert candidate([1, 2], 5) == [[1, 2]]
assert candidate([], 3) == []
assert candidate([1, 2, 3, 4, 5, 6], 3) == [[1, 2, 3], [4, 5, 6]]
""",
    ),
    Problem(
        "lists",
        "medium",
        "Write `transpose(rows)`, which turns the rows of a matrix, a list of lists, into its columns.",
        """
def transpose(rows):
    return [[row[i] for row in rows] for i in range(len(rows[0]))] if rows else []
""",
        """
assert candidate([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]
assert candidate([[1, 2, 3]]) == [[1], [2], [3]]
assert candidate([]) == []
assert candidate([[1], [2]]) == [[1, 2]]
""",
    ),
    Problem(
        "lists",
        "medium",
        "Write `longest_run(values)`, which returns the length of the longest run of equal neighbours in a"
        " list.",
        """
def longest_run(values):
    best = run = 0
    for i, value in enumerate(values):
        run = run + 1 if i > 0 and values[i - 1] == value else 1
        best = max(best, run)
    return best
""",
        """
assert candidate([1, 1, 2, 2, 2, 3]) == 3
assert candidate([]) == 0
assert candidate([4]) == 1
assert candidate([1, 2, 1, 2]) == 1
assert candidate([9, 9, 9, 1, 9]) == 3
assert candidate([5, 0, 0, 5]) == 2
""",
    ),
    Problem(
        "lists",
        "hard",
        "Write `merge_spans(spans)`, which joins overlapping or touching pairs [first, last] and returns"
        " those that are left, sorted.",
        """
def merge_spans(spans):
    merged = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged
""",
        """
assert candidate([[1, 3], [2, 6], [8, 10]]) == [[1, 6], [8, 10]]
assert candidate([[1, 4], [4, 5]]) == [[1, 5]]
assert candidate([]) == []
assert candidate([[5, 9], [1, 10], [2, 3]]) == [[1, 10]]
assert candidate([[6, 7], [1, 2], [4, 5]]) == [[1, 2], [4, 5], [6, 7]]
""",
    ),
    Problem(
        "lists",
        "hard",
        "Write `best_sum(values)`, which returns the largest sum of neighbouring numbers of a list that is"
        " not empty.",
        """
def best_sum(values):
    best = here = values[0]
    for value in values[1:]:
        here = max(value, here + value)
        best = max(best, here)
    return best
""",
        """
assert candidate([-2, 1, -3, 4, -1, 2, 1, -5, 4]) == 6
assert candidate([-3, -1, -2]) == -1
assert candidate([5]) == 5
assert candidate([1, 2, 3]) == 6
assert candidate([8, -9, 8]) == 8
assert candidate([4, -1, -9, 2]) == 4
""",
    ),
    Problem(
        "lists",
        "hard",
        "Write `spiral(rows)`, which lists the items of a matrix along a spiral from the top left, clockwise."
        "",
        """
def spiral(rows):
    items = []
    while rows:
        items += rows[0]
        rows = [list(column) for column in zip(*rows[1:])][::-1]
    return items
""",
        """
assert candidate([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [1, 2, 3, 6, 9, 8, 7, 4, 5]
assert candidate([[1, 2], [3, 4]]) == [1, 2, 4, 3]
assert candidate([[1, 2, 3]]) == [1, 2, 3]
assert candidate([[1], [2], [3]]) == [1, 2, 3]
assert candidate([]) == []
""",
    ),
)
