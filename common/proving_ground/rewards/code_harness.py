"""Runs inside the sandbox, never in the trainer: calls functions of the program, whose text is ``PROGRAM``.

stdin: a JSON list of ``{"function", "args"}``. stdout: one line for each call in their order,
``{"value": ...}``, or ``{"error": name}`` when the call raised or its value is not JSON. The program shares
this process, so nothing here is a secret or a guard: expected values are not here, and a forged line can
only say what the program worked out itself.
"""

PROGRAM = ""


def main() -> None:
    """Answer the calls, then end at once: what the program left running or registered does not run."""
    import json
    import os
    import sys
    import types

    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the program prints is not a result
    calls = json.loads(sys.stdin.read())
    solution = types.ModuleType("solution")
    sys.modules["solution"] = solution
    exec(compile(PROGRAM, "solution.py", "exec"), solution.__dict__)
    for call in calls:
        try:
            value = getattr(solution, call["function"])(*call["args"])
            line = json.dumps({"value": value}, allow_nan=False)
        except Exception as error:  # noqa: BLE001 - any failure of the program is its answer to this call
            line = json.dumps({"error": type(error).__name__})
        results.write(line + "\n")
        results.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
