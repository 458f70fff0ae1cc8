"""Runs inside the sandbox, never in the trainer: calls functions of the program, whose text is ``PROGRAM``.

stdin: a JSON list of ``{"function", "args"}``, or with ``"literal"``, the literal of ``(args, kwargs)``, in
the place of ``args``. stdout: one line for each call in their order, ``{"value": ...}`` (for a literal, the
value's ``repr``), or ``{"error": name}`` when the call raised or its value cannot be written so. The program
shares this process, so nothing here is a secret or a guard: expected values are not here, and a
forged line can only say what the program worked out itself.

A program that reads input where it is imported, or exits there, has what it had defined until then.
"""

PROGRAM = ""


def main() -> None:
    """Answer the calls, then end at once: what the program left running or registered does not run."""
    import ast
    import contextlib
    import json
    import os
    import sys
    import types
    from typing import Any

    class NoInput:
        """Stands for stdin: whatever the program reads from it ends its import."""

        def __getattr__(self, name: str) -> Any:
            raise EOFError(f"no input here, for {name}")

        def __iter__(self) -> Any:
            raise EOFError("no input here")

    plain = {type(None), bool, int, float, complex, str, bytes}

    def is_literal(value: Any) -> bool:
        if type(value) in (list, tuple, set):
            return all(map(is_literal, value))
        if type(value) is dict:
            return all(map(is_literal, value)) and all(map(is_literal, value.values()))
        return type(value) in plain

    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the program prints is not a result
    calls = json.loads(sys.stdin.read())
    sys.stdin = NoInput()
    solution = types.ModuleType("solution")
    sys.modules["solution"] = solution
    with contextlib.suppress(EOFError, SystemExit):
        exec(compile(PROGRAM, "solution.py", "exec"), solution.__dict__)
    for call in calls:
        name = call["function"]
        try:
            # LeetCode's form: a method of a class Solution.
            owner = solution if hasattr(solution, name) else solution.Solution()
            if "literal" in call:
                args, kwargs = ast.literal_eval(call["literal"])
                value = getattr(owner, name)(*args, **kwargs)
                if not is_literal(value):
                    raise TypeError(type(value).__name__)
                line = json.dumps({"value": repr(value)})
            else:
                line = json.dumps({"value": getattr(owner, name)(*call["args"])}, allow_nan=False)
        except Exception as error:  # noqa: BLE001 - any failure of the program is its answer to this call
            line = json.dumps({"error": type(error).__name__})
        results.write(line + "\n")
        results.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
