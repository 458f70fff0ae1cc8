"""The builtin problem set, one module for each topic, in a fixed order."""

from examples.coding_example.problems import dicts, lists, numbers, parsing, recursion, stdio, strings
from examples.coding_example.problems.problem import Problem

ALL_PROBLEMS: tuple[Problem, ...] = tuple(
    problem
    for topic in (strings, parsing, lists, dicts, numbers, recursion, stdio)
    for problem in topic.PROBLEMS
)
