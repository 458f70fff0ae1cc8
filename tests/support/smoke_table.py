"""One table of what the last smoke runs left in ``outputs/smoke``: ``python -m tests.support.smoke_table``.

Needs nothing but the standard library: ``make smoke`` prints it where only nox is installed.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "outputs" / "smoke"
STEPS = "smoke.json"


def text_of(line: dict[str, Any]) -> str:
    """A line of the table: example, step, result, seconds, and what the step showed."""
    shown = ", ".join(f"{key} {value}" for key, value in line["shown"].items())
    result = "ok" if line["ok"] else "FAILED"
    return f"{line['example']:<26}{line['step']:<30}{result:<8}{line['seconds']:>7.1f} s  {shown}".rstrip()


def table(examples: Iterable[str], kept: Path = KEPT) -> str:
    """All steps of ``examples``, and a line for each that left none."""
    texts = []
    for example in examples:
        path = kept / example / STEPS
        lines = _lines(path)
        seconds = sum(line["seconds"] for line in lines)
        good = bool(lines) and all(line["ok"] for line in lines)
        whole = {"example": example, "step": "in all" if lines else "did not get that far", "ok": good}
        texts += [text_of(line) for line in [*lines, {**whole, "seconds": seconds, "shown": {}}]]
    return "\n".join(texts)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The steps that a run left; none where it left no whole file."""
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))
        return lines if all(text_of(line) for line in lines) else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


if __name__ == "__main__":
    chosen = sys.argv[1:] or sorted(path.parent.name for path in ROOT.glob("examples/*/config.json"))
    sys.stdout.write(table(chosen) + "\n")
