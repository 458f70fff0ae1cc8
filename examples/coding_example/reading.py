"""What a raw row says: its program, its question, and, where it does not say so, its topic and difficulty."""

import ast
from collections.abc import Sequence
from typing import Any

from proving_ground.preparation import Row

TOPICS = {"str": "strings", "list": "lists", "dict": "dicts"}


def program_of(row: Row) -> str | None:
    """The whole reference program, or ``None`` when there is none that defines what the tests call.

    The solution alone where it is whole; else the prompt, a function's head, continued by the solution.
    """
    for program in (row["canonical_solution"], row["prompt"] + row["canonical_solution"]):
        tree = _parsed(program)
        if tree and (not row["entry_point"] or row["entry_point"] in _functions(tree)):
            return str(program).strip()
    return None


def question_of(row: Row) -> str:
    """The prompt; where that is code, a request to complete it."""
    prompt = str(row["prompt"]).strip()
    is_code = program_of(row) != str(row["canonical_solution"]).strip()
    return f"Complete this function:\n\n```python\n{prompt}\n```" if is_code else prompt


def difficulty_of(program: str) -> str:
    """By the number of statements, heads of functions included."""
    count = sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(program)))
    return "easy" if count <= 4 else "medium" if count <= 9 else "hard"


def topic_of(program: str, tests: Sequence[dict[str, Any]]) -> str:
    """By whether the program reads input or calls itself, and by what it is given."""
    if tests[0]["kind"] == "stdio":
        return "stdio"
    for function in ast.walk(ast.parse(program)):
        if isinstance(function, ast.FunctionDef) and any(
            isinstance(node, ast.Name) and node.id == function.name for node in ast.walk(function)
        ):
            return "recursion"
    kinds = [TOPICS.get(type(argument).__name__, "numbers") for argument in tests[0].get("args", [])]
    return kinds[0] if kinds else "numbers"


def _parsed(program: str) -> ast.Module | None:
    try:
        return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _functions(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
