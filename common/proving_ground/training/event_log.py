"""The event log: one line per logged step on stdout and in ``metrics.jsonl``, beside the progress bar."""

import json
import math
from pathlib import Path
from typing import Any

from transformers import TrainerControl, TrainerState, TrainingArguments

from proving_ground.training.console import Console
from proving_ground.training.progress import ProgressBar

HEADLINE = ("loss", "reward", "reward_std", "grad_norm", "frac_reward_zero_std")
"""What a ``train_step`` event shows; ``metrics.jsonl`` has everything TRL logs."""


def finite(value: Any) -> Any:
    """``value``, or ``None`` for what JSON cannot write (``NaN``, infinities)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class EventLog(ProgressBar):
    """Writes what TRL logs, as TRL logs it.

    A ``metrics.jsonl`` left by the steps after the checkpoint that a run resumes from is cut back to it,
    so that each step stands in the file once.
    """

    def __init__(self, output_dir: Path, console: Console) -> None:
        super().__init__("GRPO")
        self._path = output_dir / "metrics.jsonl"
        self._console = console

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Announce the run, and drop lines that this run is about to write again."""
        self._console.emit("start", stage="train", step=state.global_step, max_steps=state.max_steps)
        if not state.is_world_process_zero:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = self._path.read_text(encoding="utf-8").splitlines(True) if self._path.exists() else []
        kept = [
            line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= state.global_step
        ]
        self._path.write_text("".join(kept), encoding="utf-8")
        super().on_train_begin(args, state, control, **kwargs)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        """Write one logged step; the summary that the trainer logs at its end has no loss and is left out."""
        if "loss" not in logs or not state.is_world_process_zero:
            return
        headline = {key: finite(logs.get(key)) for key in HEADLINE}
        self._console.emit("train_step", step=state.global_step, **headline)
        row = {"step": state.global_step, **{key: finite(value) for key, value in logs.items()}}
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, allow_nan=False) + "\n")
        self.note(f"reward {headline['reward']}, loss {headline['loss']}")
