"""Hostile programs, read from ``attacks/``: a line ``### name`` opens each.

The task they should solve: ``answer(text)``, printed for a line of stdin or returned by ``solve(text)``. An
honest program can compute it; whoever cannot would have to steal it, and can tell it by its mark.

In their text, ``@RIGHT@`` is the solution (as ``right``), ``@THIEF@`` a search through all in reach,
``@CHANNEL@`` a way to write into every inherited descriptor, ``@CANARY@`` and ``@PORT@`` a file and
a listening port outside that must stay untouched.
"""

import hashlib
import re
from pathlib import Path

_FOLDER = Path(__file__).with_name("attacks")


def answer(text: str) -> str:
    """What the task asks for."""
    return "EXPECTED-" + hashlib.md5(text.encode()).hexdigest()


# The mark in two pieces: a search through memory must not find the program's own text.
SOLVE = """
import hashlib
def solve(text): return "EXPECTED" + "-" + hashlib.md5(text.encode()).hexdigest()
"""
RIGHT = SOLVE + "right = solve(input())\n"

_CHANNEL = """
import os, sys
def say(*lines):
    for fd in range(3, 64):
        try: os.write(fd, b"".join(line + b"\\n" for line in lines))
        except OSError: pass
"""


def _read(name: str, replacements: dict[str, str]) -> dict[str, str]:
    _, *parts = re.split(r"^### (.+)\n", (_FOLDER / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    attacks = dict(zip(parts[::2], parts[1::2], strict=True))
    assert len(attacks) * 2 == len(parts), "two attacks have one name"
    for old, new in replacements.items():
        attacks = {attack: program.replace(old, new) for attack, program in attacks.items()}
    return attacks


THIEF = (_FOLDER / "thief.txt").read_text(encoding="utf-8")

OUTPUT_ATTACKS = {
    **_read("output.txt", {"@RIGHT@": RIGHT, "@THIEF@": THIEF}),
    "a program with a null": "print(1)\0",
    "a program that is not Unicode": "print('\ud800')",
}
VALUE_ATTACKS = _read(
    "values.txt", {"@RIGHT@": SOLVE.replace("solve", "right"), "@THIEF@": THIEF, "@CHANNEL@": _CHANNEL}
)
