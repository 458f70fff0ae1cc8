"""A clone of the project to run an example in, and readers of what its scripts print and write."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conftest import ROOT
from tests.support.offline import python_offline


class Execute(Protocol):
    """Runs this interpreter with arguments and additional environment variables."""

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]: ...


def events(completed: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """stdout, which must be JSON lines and nothing else."""
    return [json.loads(line) for line in completed.stdout.splitlines()]


def summary(completed: subprocess.CompletedProcess[str], stage: str) -> dict[str, Any]:
    """The summary of a stage that must have succeeded."""
    assert completed.returncode == 0, completed.stderr
    last = events(completed)[-1]
    assert (last["event"], last["stage"], last["ok"]) == ("summary", stage, True)
    return last


def rows(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


ALONE = {"local_eval.py": "local_eval", "fireworks_preview.py": "preview", "trl_grpo_integration.py": "train"}
"""What an example without step scripts is told to run of itself: it has rows and a reward, no step 0."""


class Clone:
    """A fresh git repository with the project's files, where an example runs with its default paths.

    ``execute`` runs a Python script with switches or other variables: offline, or as it is.
    """

    def __init__(self, root: Path, name: str, execute: Execute = python_offline) -> None:
        self.root = root
        self.execute = execute
        self.folder = root / "examples" / name
        self.outputs = root / "outputs" / name
        tracked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(tracked, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, root / path)
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "as cloned")

    @property
    def data(self) -> Path:
        """Where the example's rows lie: beside its step 0, or where a task without one writes them."""
        prepared = (self.folder / "prepare_data.py").is_file()
        return self.folder if prepared else self.outputs / "data"

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        command = ["git", "-C", str(self.root), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def run(
        self, script: str, *options: str, changes: Sequence[str] = (), **switches: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the example's scripts; skips the test where the example has no such step.

        ``changes``: files of the example that the script is meant to change, of those that git knows.
        """
        words = [script]
        if script in ALONE and (self.folder / "task.py").is_file() and not (self.folder / script).is_file():
            words = ["task.py", ALONE[script]]
        if not (self.folder / words[0]).is_file():
            pytest.skip(f"{self.folder.name} has no {script}")
        completed = self.execute(str(self.folder / words[0]), *words[1:], *options, **switches)
        meant = "".join(f" M examples/{self.folder.name}/{path}\n" for path in changes)
        assert self.git("status", "--porcelain") == meant, f"{script} left files that git does not ignore"
        return completed
