"""Rows of public sets: HumanEval's are read as they are, MBPP's are brought into the same form."""

import ast

from proving_ground.preparation import Row

MBPP_COLUMNS = ("task_id", "text", "code", "test_list")
SANITIZED_COLUMNS = ("task_id", "prompt", "code", "test_list")
"""MBPP's edited subset names its question as HumanEval does."""


def adapt(row: Row) -> Row:
    """A row of MBPP in HumanEval's columns; any other row as it is.

    MBPP's questions do not say how the function is to be named and called; its tests do. So the question
    is completed by the head of the solution's function that the first test calls.
    """
    question = row.get("text", row.get("prompt"))
    code, tests = row.get("code"), row.get("test_list")
    if not isinstance(question, str) or not isinstance(code, str) or not isinstance(tests, list):
        return row
    head, name = _called(code, "\n".join(map(str, tests)))
    return {
        "task_id": f"MBPP/{row.get('task_id')}",
        "prompt": f"{question.strip()} Define `{head}`." if question.strip() else "",
        "entry_point": name,
        "canonical_solution": code.replace("\r\n", "\n").expandtabs(4),
        "test": "\n".join(map(str, tests)),
    }


def _called(code: str, tests: str) -> tuple[str, str]:
    """``name(arguments)`` and ``name`` of the function of ``code`` that ``tests`` call first, or blanks."""
    try:
        functions = {node.name: node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
        called = [
            node.func.id
            for node in ast.walk(ast.parse(tests))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
    except (SyntaxError, ValueError, RecursionError):
        return "", ""
    name = next((name for name in called if name in functions), "")
    return (f"{name}({ast.unparse(functions[name].args)})", name) if name else ("", "")
