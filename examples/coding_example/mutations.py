"""A program with one small mistake: what tests that are worth something must notice.

Three kinds of mistake: another operator, a number that is off by one, another constant.
"""

import ast
from collections.abc import Callable, Iterator, Mapping

_OPERATORS: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def operator_swap(node: ast.AST) -> bool:
    """``+`` for ``-``, ``<`` for ``>=``, ``and`` for ``or``: the first operator of an expression."""
    match node:
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign() if type(node.op) in _OPERATORS:
            node.op = _OPERATORS[type(node.op)]()  # type: ignore[assignment]
        case ast.Compare() if type(node.ops[0]) in _OPERATORS:
            node.ops[0] = _OPERATORS[type(node.ops[0])]()  # type: ignore[call-overload]
        case _:
            return False
    return True


def off_by_one(node: ast.AST) -> bool:
    """A whole number becomes the next one; an end of ``range`` that is no number gets ``+ 1``."""
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            node.value = value + 1
        case ast.Call(func=ast.Name(id="range"), args=[*args]) if not isinstance(args[-1], ast.Constant):
            node.args[-1] = ast.BinOp(args[-1], ast.Add(), ast.Constant(1))
        case _:
            return False
    return True


def wrong_constant(node: ast.AST) -> bool:
    """Another number, the other truth value, a text with a sign too many."""
    match node:
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value) | float(value)):
            node.value = value + 7
        case ast.Constant(value=str(value)):
            node.value = f"{value}#"
        case _:
            return False
    return True


KINDS: Mapping[str, Callable[[ast.AST], bool]] = {
    "operator swap": operator_swap,
    "off by one": off_by_one,
    "wrong constant": wrong_constant,
}
"""Each changes a node in place and says whether it could."""


def mutants(program: str, kind: str) -> Iterator[str]:
    """The program with one mistake of ``kind``, once for each place where it can be made.

    Docstrings and the annotations of functions are no places: nothing depends on them.
    """
    return (_mutant(program, kind, place) for place in _possible(program, kind))


def one_of_each(program: str) -> list[str]:
    """One mutant of each kind that the program has a place for: the one in the middle of its places."""
    possible = {kind: _possible(program, kind) for kind in KINDS}
    return [_mutant(program, kind, places[len(places) // 2]) for kind, places in possible.items() if places]


def _possible(program: str, kind: str) -> list[int]:
    """Where a mistake can be made; all are made in one tree: none makes another possible or impossible."""
    return [place for place, node in enumerate(_places(ast.parse(program))) if KINDS[kind](node)]


def _mutant(program: str, kind: str, place: int) -> str:
    tree = ast.parse(program)
    KINDS[kind](_places(tree)[place])
    return ast.unparse(ast.fix_missing_locations(tree))


def _places(tree: ast.AST) -> list[ast.AST]:
    """The nodes that a program's results can depend on, in a fixed order."""
    idle: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            idle.add(id(node.value))
        for name in ("annotation", "returns"):
            if annotation := getattr(node, name, None):
                idle.update(id(part) for part in ast.walk(annotation))
    return [node for node in ast.walk(tree) if id(node) not in idle]
