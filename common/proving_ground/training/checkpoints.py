"""What a training folder holds, and how a run is taken up again.

``run.json`` says whose folder it is. ``files.json`` in a checkpoint names its files and their sizes and is
written last: a checkpoint without it, or with a file that is missing or shorter, is what a killed process or
a full disk left.
"""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.dataset import write_json
from proving_ground.errors import CannotRunError
from proving_ground.events import say

RECORD = "run.json"
FILES = "files.json"
OURS = (
    "run.json",
    "metrics.jsonl",
    "trainer_state.json",
    "training_curve.png",
    "completions.json",
    "completions",
    "policy",
    "policy_initial",
    "README.md",
    "runs",
)
"""What a run writes besides its checkpoints; ``--overwrite`` removes these names and no others."""


@dataclass(frozen=True)
class RunRecord:
    """``run.json``: the state of the run in a folder.

    Attributes:
        state: ``running`` or ``finished``.
        shaped_by: hash of what a resumed run must share (model, data, rewards).
        test_mode: whether it was the one step of TEST_MODE_TRL, which is nobody's work to protect.
        before: what each grader said of the initial policy, for each held-out prompt, once it was asked.
        summary: the summary of a finished run, and ``problem`` why its claim does not hold.
    """

    state: str
    shaped_by: str
    test_mode: bool
    before: dict[str, list[float]] | None = None
    summary: Mapping[str, Any] | None = None
    problem: str = ""

    def write(self, folder: Path) -> None:
        """Write ``run.json`` atomically."""
        write_json(folder / RECORD, dataclasses.asdict(self))


def read_record(folder: Path) -> RunRecord:
    """The record of the run in ``folder``; raises ``CannotRunError`` for a file that is no such record."""
    path = folder / RECORD
    try:
        return RunRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CannotRunError(f"{path}: not a record of a training run ({error}); use --overwrite") from error


def found_run(
    folder: Path, *, resume: bool, overwrite: bool, test_mode: bool, shaped_by: str | None
) -> RunRecord | None:
    """The record to go on from, or ``None`` for a fresh start; nothing is changed yet.

    ``shaped_by``: as in ``RunRecord``; None where that cannot be told yet, and is not compared.
    Raises ``CannotRunError`` when the run would destroy another one's work or resume a different one.
    """
    if not (folder / RECORD).exists() or overwrite:
        return None
    record = read_record(folder)
    if record.test_mode:
        return None
    if not resume or test_mode:
        found = "a finished run" if record.state == "finished" else "an interrupted run"
        choice = (
            "--overwrite starts again" if test_mode else "--resume continues it, --overwrite starts again"
        )
        raise CannotRunError(f"{folder}: holds {found}; {choice}, --output-dir writes elsewhere")
    if shaped_by is not None and record.shaped_by != shaped_by:
        raise CannotRunError(
            f"{folder}: --resume with another model, data or reward than the run began with; "
            "restore them, or start again with --overwrite"
        )
    return record


def clear(folder: Path) -> None:
    """Remove what a training run has written into ``folder``, and nothing else; no run: nothing at all."""
    if not (folder / RECORD).exists():
        return
    for path in [*folder.glob("checkpoint-*"), *(folder / name for name in reversed(OURS))]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def list_files(checkpoint: Path) -> None:
    """Write ``files.json``: what belongs to the checkpoint, now that all of it is there."""
    files = {
        str(path.relative_to(checkpoint)): path.stat().st_size
        for path in checkpoint.rglob("*")
        if path.is_file()
    }
    write_json(checkpoint / FILES, files)


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; broken ones are removed with a line, so that nothing mistakes them."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        if problem := _problem(path):
            say(f"warning: {path}: {problem}; it is removed, an earlier checkpoint or the start is used")
            shutil.rmtree(path)
        else:
            whole.append(path)
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The number of optimizer steps that a checkpoint was made after."""
    return int(checkpoint.name.rpartition("-")[2])


def _problem(checkpoint: Path) -> str | None:
    try:
        files = json.loads((checkpoint / FILES).read_text(encoding="utf-8"))
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "the checkpoint was never finished"
    if state.get("global_step") != step_of(checkpoint):
        return f"it holds the state of step {state.get('global_step')}"
    for name, size in files.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size < size:
            return f"{name} is {path.stat().st_size} bytes long instead of {size}"
    return None
