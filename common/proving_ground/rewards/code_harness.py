"""Runs inside the sandbox, never in the trainer: calls functions of the program, whose text is ``PROGRAM``.

``CALLS``: marshalled, a list of ``{"function", "args"}``, or with ``"literal"``, the literal of
``(args, kwargs)``, in the place of ``args``. stdout: one line for each call in their order, ``{"value": ..}``
(for a literal, the value's ``repr``), or ``{"error": name}`` when the call raised or its value cannot be
written so. The program shares this process, so nothing here is a secret or a guard: expected values are not
here, and a forged line can only say what the program worked out itself.

A program that reads input where it is imported, or exits there, has what it had defined until then.
"""

PROGRAM = ""
CALLS = b""


def main() -> None:
    """Answer the calls, then end at once: what the program left running or registered does not run."""
    # Nothing that is written in Python: importing json and typing takes longer than most programs.
    import marshal
    import os
    import sys

    class NoInput:
        """Stands for stdin: whatever the program reads from it ends its import."""

        def __getattr__(self, name: str) -> object:
            raise EOFError(f"no input here, for {name}")

        def __iter__(self) -> object:
            raise EOFError("no input here")

    def not_json(value: object) -> object:
        raise TypeError(f"a {type(value).__name__} is no JSON")

    try:
        # What json.dumps(..., allow_nan=False) calls, without importing json; all before the program runs,
        # which may have changed sys.path since.
        from _json import encode_basestring_ascii, make_encoder

        def written(value: object) -> str:
            encoder = make_encoder(
                {}, not_json, encode_basestring_ascii, None, ": ", ", ", False, False, False
            )
            return "".join(encoder({"value": value}, 0))

        written(None)
    except (ImportError, TypeError):
        import json

        def written(value: object) -> str:
            return json.dumps({"value": value}, allow_nan=False)

    plain = {type(None), bool, int, float, complex, str, bytes}

    def is_literal(value: object) -> bool:
        if type(value) is list or type(value) is tuple or type(value) is set:
            return all(map(is_literal, value))
        if type(value) is dict:
            return all(map(is_literal, value)) and all(map(is_literal, value.values()))
        return type(value) in plain

    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the program prints is not a result
    calls = marshal.loads(CALLS)
    if any("literal" in call for call in calls):
        import ast
    sys.stdin = NoInput()
    solution = type(sys)("solution")
    sys.modules["solution"] = solution
    try:  # noqa: SIM105 - contextlib would have to be imported
        exec(compile(PROGRAM, "solution.py", "exec"), solution.__dict__)
    except (EOFError, SystemExit):
        pass
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
                line = written(repr(value))
            else:
                line = written(getattr(owner, name)(*call["args"]))
        except Exception as error:  # noqa: BLE001 - any failure of the program is its answer to this call
            line = f'{{"error": "{type(error).__name__}"}}'
        results.write(line + "\n")
        results.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
