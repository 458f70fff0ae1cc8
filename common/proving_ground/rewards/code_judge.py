"""Runs inside a sandbox of its own, without the program: evaluates a row's assertions over what it returned.

stdin: a JSON list of ``{"function", "source", "calls"}``, each call ``{"literal", "answer"}``: the literal of
``(args, kwargs)``, and what the harness said of it. Where ``source`` calls ``function``, the next answer is
returned, or raised. stdout: one JSON line for each source in order, one of

- ``{"passed": bool}``;
- ``{"needs": literal, "after": n}``: the source went another way after ``n`` calls, and this call is next.

With ``"calls": null`` nothing is known yet: the function returns something that agrees to everything, and the
line is ``{"foreseen": [literal, ...]}``, the calls that the source makes then.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # to import typing takes longer than most sources take to judge; so does random
    from typing import Any


def main() -> None:
    """Judge all sources, each in a namespace of its own and with the same random numbers."""
    import ast
    import builtins
    import json
    import os
    import sys

    class Agrees:
        """Takes part in any expression and compares as true."""

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return self

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self

        def __iter__(self) -> Any:
            return iter(())

        def __len__(self) -> int:
            return 1

        def __bool__(self) -> bool:
            return True

        def __hash__(self) -> int:
            return 0

        def __float__(self) -> float:
            return 1.0

        def __index__(self) -> int:
            return 1

    def agree(self: Any, *_: Any) -> Any:
        return self

    operators = "add sub mul truediv floordiv mod divmod pow and or xor lshift rshift"
    names = [*operators.split(), *(f"r{name}" for name in operators.split()), "neg", "pos", "abs", "invert"]
    for name in [*names, "getitem", "round"]:
        setattr(Agrees, f"__{name}__", agree)
    for name in ("eq", "ne", "lt", "le", "gt", "ge", "contains"):
        setattr(Agrees, f"__{name}__", lambda *_: True)

    class OtherWay(BaseException):
        """A call that no answer is known for; not for an ``except`` of the source."""

    class NoAsserts(ast.NodeTransformer):
        """While calls are foreseen a condition is evaluated, but stops nothing."""

        def visit_Assert(self, node: ast.Assert) -> ast.AST:
            return ast.copy_location(ast.Expr(node.test), node)

    def judge(function: str, source: str, calls: Any) -> dict[str, Any]:
        made: list[str] = []

        def asked(*args: Any, **kwargs: Any) -> Any:
            literal = repr((args, kwargs))
            made.append(literal)
            if calls is None:
                ast.literal_eval(literal)  # or there is no way to ask
                return Agrees()
            if len(made) > len(calls) or calls[len(made) - 1]["literal"] != literal:
                raise OtherWay
            answer = calls[len(made) - 1]["answer"]
            if "value" in answer:
                return ast.literal_eval(answer["value"])
            known: Any = getattr(builtins, str(answer.get("error")), None)
            if not (isinstance(known, type) and issubclass(known, Exception)):
                known = RuntimeError
            raise known("raised by the program")

        tree = ast.parse(source)
        if calls is None:
            tree = ast.fix_missing_locations(NoAsserts().visit(tree))
        if "random" in source:
            import random

            random.seed(0)
        try:
            code = compile(tree, "asserts.py", "exec", dont_inherit=True)  # this file's annotations
            exec(code, {"__name__": "asserts", function: asked})
        except OtherWay:
            return {"needs": made[-1], "after": len(made) - 1}
        except Exception as error:  # noqa: BLE001 - an assertion or anything else: it does not hold
            return {"foreseen": made} if calls is None else {"passed": False, "why": repr(error)[:200]}
        return {"foreseen": made} if calls is None else {"passed": True}

    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for test in json.loads(sys.stdin.read()):
        results.write(json.dumps(judge(test["function"], test["source"], test["calls"])) + "\n")
        results.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
