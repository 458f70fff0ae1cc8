"""The event log: one line per logged step on stdout and in ``metrics.jsonl``, and the progress bar."""

import json
import math
import sys
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from common.training.console import Console

HEADLINE = ("loss", "reward", "reward_std", "grad_norm", "frac_reward_zero_std")
"""What a ``train_step`` event shows; ``metrics.jsonl`` has everything TRL logs."""


def finite(value: Any) -> Any:
    """``value``, or ``None`` for what JSON cannot write (``NaN``, infinities)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class EventLog(TrainerCallback):
    """Writes what TRL logs, as TRL logs it.

    A ``metrics.jsonl`` left by the steps after the checkpoint that a run resumes from is cut back to it,
    so that each step stands in the file once.
    """

    def __init__(self, output_dir: Path, console: Console) -> None:
        self._path = output_dir / "metrics.jsonl"
        self._console = console
        self._bar: Any = None

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
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc="GRPO", file=sys.stderr, dynamic_ncols=True
        )

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
        if self._bar is not None:
            self._bar.set_postfix_str(f"reward {headline['reward']}, loss {headline['loss']}", refresh=False)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(1)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
