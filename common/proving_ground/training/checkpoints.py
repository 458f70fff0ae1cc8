"""What a training folder holds, and how a run is taken up again.

``run.json`` says whose folder it is. A checkpoint is whole once its ``trainer_state.json`` can be read,
because the trainer writes that file last; anything less is the remains of a killed process.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving_ground.dataset import write_json
from proving_ground.errors import CannotRunError

RECORD = "run.json"
OURS = (
    "run.json",
    "metrics.jsonl",
    "trainer_state.json",
    "training_curve.png",
    "policy",
    "policy_initial",
    "README.md",
    "completions",
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
        before: pass@1 of the initial policy for each held-out prompt, once it was measured.
        summary: the summary of a finished run, and ``problem`` why its claim does not hold.
    """

    state: str
    shaped_by: str
    test_mode: bool
    before: list[float] | None = None
    summary: Mapping[str, Any] | None = None
    problem: str = ""

    def write(self, folder: Path) -> None:
        """Write ``run.json`` atomically."""
        write_json(folder / RECORD, self.__dict__)


def read_record(folder: Path) -> RunRecord:
    """The record of the run in ``folder``; raises ``CannotRunError`` for a file that is no such record."""
    path = folder / RECORD
    try:
        return RunRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CannotRunError(f"{path}: not a record of a training run ({error}); use --overwrite") from error


def open_folder(
    folder: Path, *, resume: bool, overwrite: bool, test_mode: bool, shaped_by: str
) -> RunRecord | None:
    """Decide what becomes of ``folder``; returns the record to go on from, ``None`` for a fresh start.

    Raises ``CannotRunError`` when the run would destroy another one's work or resume a different one.
    """
    if not (folder / RECORD).exists():
        return None  # not a run's folder, and whatever lies there is not ours to remove
    if overwrite or (record := read_record(folder)).test_mode:
        clear(folder)
        return None
    if not resume or test_mode:
        found = "a finished run" if record.state == "finished" else "an interrupted run"
        choice = (
            "--overwrite starts again" if test_mode else "--resume continues it, --overwrite starts again"
        )
        raise CannotRunError(f"{folder}: holds {found}; {choice}, --output-dir writes elsewhere")
    if record.shaped_by != shaped_by:
        raise CannotRunError(
            f"{folder}: --resume with another model, data or reward than the run began with; "
            "restore them, or start again with --overwrite"
        )
    return record


def clear(folder: Path) -> None:
    """Remove what a training run has written into ``folder``, and nothing else."""
    for path in [*(folder / name for name in OURS), *folder.glob("checkpoint-*")]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; unfinished ones are removed, so that nothing mistakes them for one."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        step = _step(path)
        if step is None:
            shutil.rmtree(path)
        else:
            whole.append((step, path))
    return max(whole)[1] if whole else None


def _step(checkpoint: Path) -> int | None:
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    step = state.get("global_step")
    return step if isinstance(step, int) and checkpoint.name == f"checkpoint-{step}" else None
