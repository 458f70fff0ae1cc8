"""What smoke and live runs share: real subprocesses, a table of steps, and the search for secrets."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.clone import Clone
from tests.support.smoke_table import KEPT, STEPS, text_of


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter; the hub stays out of reach, servers do not."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **environ}
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


class Report:
    """One line per step, printed when the step ends: what it took and what it showed."""

    def __init__(self, example: str, capfd: pytest.CaptureFixture[str]) -> None:
        self.lines: list[dict[str, Any]] = []
        self._example = example
        self._capfd = capfd

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """A step of the run; what it shows goes into the yielded mapping."""
        shown: dict[str, Any] = {}
        line = {"example": self._example, "step": name, "ok": False, "seconds": 0.0, "shown": shown}
        self.lines.append(line)
        start = time.monotonic()
        try:
            yield shown
            line["ok"] = True
        finally:
            line["seconds"] = round(time.monotonic() - start, 1)
            with self._capfd.disabled():
                sys.stderr.write(("\n" if len(self.lines) == 1 else "") + text_of(line) + "\n")

    def keep(self, clone: Clone, **folders: Path) -> None:
        """Leave in ``outputs/smoke/<example>`` what the report page is made from; no models."""
        kept = KEPT / self._example
        shutil.rmtree(kept, ignore_errors=True)
        models = shutil.ignore_patterns("checkpoint-*", "policy*", "cache")
        found = {kept: clone.outputs, **{kept / name: path for name, path in folders.items()}}
        for target, source in found.items():
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=models)
        kept.mkdir(parents=True, exist_ok=True)
        (kept / STEPS).write_text(json.dumps(self.lines, indent=2) + "\n")


def files_with(secrets: Iterable[str], *folders: Path) -> list[Path]:
    """Files below ``folders`` that hold one of the ``secrets``."""
    words = [secret.encode() for secret in secrets]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(word in path.read_bytes() for word in words)]
