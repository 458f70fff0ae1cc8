"""Problems that ask for a whole program. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "stdio",
        "easy",
        "Write a program that reads two lines, a whole number on each, and prints their sum.",
        "print(int(input()) + int(input()))",
        r"""
assert run("3\n4\n") == "7\n"
assert run("-5\n5\n") == "0\n"
assert run("1000000\n1\n") == "1000001\n"
""",
    ),
    Problem(
        "stdio",
        "easy",
        "Write a program that reads one line and prints it backwards.",
        "print(input()[::-1])",
        r"""
assert run("hello\n") == "olleh\n"
assert run("a b\n") == "b a\n"
assert run("x\n") == "x\n"
""",
    ),
    Problem(
        "stdio",
        "easy",
        "Write a program that reads a whole number n and prints the numbers from 1 to n, one a line.",
        "for number in range(1, int(input()) + 1):\n    print(number)",
        r"""
assert run("3\n") == "1\n2\n3\n"
assert run("1\n") == "1\n"
assert run("5\n") == "1\n2\n3\n4\n5\n"
""",
    ),
    Problem(
        "stdio",
        "medium",
        "Write a program that reads all lines and prints each with its number before it, as 1: first line.",
        """
import sys

for number, line in enumerate(sys.stdin, 1):
    print(f"{number}: {line.rstrip()}")
""",
        r"""
assert run("a\nb\n") == "1: a\n2: b\n"
assert run("one line\n") == "1: one line\n"
assert run("x\n\nz\n") == "1: x\n2:\n3: z\n"
""",
    ),
    Problem(
        "stdio",
        "medium",
        "Write a program that reads whole numbers, with spaces or line ends between them, and prints the"
        " smallest, the largest and their sum on one line.",
        """
import sys

values = [int(word) for word in sys.stdin.read().split()]
print(min(values), max(values), sum(values))
""",
        r"""
assert run("3 1 2\n") == "1 3 6\n"
assert run("5\n-5\n10\n") == "-5 10 10\n"
assert run("7\n") == "7 7 7\n"
""",
    ),
    Problem(
        "stdio",
        "medium",
        "Write a program that reads commands, one a line, and keeps a total that begins with 0: add N, sub N,"
        " and show, which prints the total.",
        """
import sys

total = 0
for line in sys.stdin:
    word, *rest = line.split()
    if word == "show":
        print(total)
    else:
        total += int(rest[0]) if word == "add" else -int(rest[0])
""",
        r"""
assert run("add 5\nsub 2\nshow\n") == "3\n"
assert run("show\nadd 1\nshow\n") == "0\n1\n"
assert run("sub 4\nshow\nadd 10\nshow\n") == "-4\n6\n"
""",
    ),
    Problem(
        "stdio",
        "hard",
        "Write a program that reads a text and prints each of its words (split at spaces, in lower case) with"
        " its number of occurrences, the most frequent first, equal ones by the alphabet, as word 2.",
        """
import sys

counts = {}
for word in sys.stdin.read().lower().split():
    counts[word] = counts.get(word, 0) + 1
for word in sorted(counts, key=lambda each: (-counts[each], each)):
    print(word, counts[word])
""",
        r"""
assert run("a b a\n") == "a 2\nb 1\n"
assert run("The cat\nthe dog\n") == "the 2\ncat 1\ndog 1\n"
assert run("z y x\n") == "x 1\ny 1\nz 1\n"
""",
    ),
    Problem(
        "stdio",
        "hard",
        "Write a program that reads a width and a height from one line and then a map of that size, one row a"
        " line, and prints the map turned to the right by a quarter.",
        """
width, height = (int(word) for word in input().split())
rows = [input() for _ in range(height)]
for x in range(width):
    print("".join(rows[y][x] for y in range(height - 1, -1, -1)))
""",
        r"""
assert run("3 2\nabc\ndef\n") == "da\neb\nfc\n"
assert run("1 1\n#\n") == "#\n"
assert run("2 3\nab\ncd\nef\n") == "eca\nfdb\n"
""",
    ),
    Problem(
        "stdio",
        "hard",
        "Write a program that reads n and then n lines of a name and a number of points, and prints the names"
        " with their points added up, the most points first, equal ones by name, as name: points.",
        """
points = {}
for _ in range(int(input())):
    name, number = input().split()
    points[name] = points.get(name, 0) + int(number)
for name, total in sorted(points.items(), key=lambda item: (-item[1], item[0])):
    print(f"{name}: {total}")
""",
        r"""
assert run("3\nann 5\nben 7\nann 4\n") == "ann: 9\nben: 7\n"
assert run("2\nz 1\ny 1\n") == "y: 1\nz: 1\n"
assert run("1\nmia 0\n") == "mia: 0\n"
""",
    ),
)
