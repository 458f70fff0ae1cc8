"""Looking into a sandbox from inside, and at the machine from outside."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from proving_ground.sandbox import Limits, RunResult, Sandbox

SMALL = Limits(timeout_seconds=5.0, memory_mb=256, processes=8, open_files=32, tmp_mb=8, output_bytes=100_000)


def report(sandbox: Sandbox, expression: str, setup: str = "", limits: Limits | None = None) -> Any:
    """The value of an expression inside the sandbox, after ``setup``."""
    imports = "import ctypes, json, os, resource, socket, sys, threading, time"
    result = sandbox.run(f"{imports}\n{setup}\nprint(json.dumps({expression}))", limits=limits)
    assert result.status == "finished", result.stderr
    return json.loads(result.stdout)


def at_once(sandbox: Sandbox, programs: Iterable[str], *inputs: Iterable[str]) -> list[RunResult]:
    """Run all programs, as many at a time as the sandbox has workers; results in their order."""
    with ThreadPoolExecutor(max_workers=sandbox.workers) as pool:
        return list(pool.map(sandbox.run, programs, *inputs))


def alive(token: str) -> list[int]:
    """Processes anywhere on the machine whose program, in their ``/box``, contains ``token``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("main.py", "solution.py"):
            try:
                if token in (process / "root/box" / name).read_text("utf-8", "replace"):
                    found.append(int(process.name))
            except OSError:  # not ours to see, or just ended
                continue
    return found
