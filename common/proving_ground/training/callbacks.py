"""Callbacks for any trainer: a progress bar, the event log, and a signal that ends a run with a checkpoint.

``stdout_for_events`` keeps stdout for the events while libraries print.
"""

import contextlib
import json
import logging
import math
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from proving_ground.dataset import atomic_writer
from proving_ground.events import emit, progress_bar
from proving_ground.rollouts import keep_within
from proving_ground.training.checkpoints import list_files

HEADLINE = ("loss", "reward", "reward_std", "grad_norm", "frac_reward_zero_std")
"""What a ``train_step`` event shows; ``metrics.jsonl`` has everything TRL logs."""


@contextlib.contextmanager
def stdout_for_events() -> Iterator[None]:
    """Send what libraries print on stdout to stderr, and silence their notices that nobody acts on.

    An ``EventLog`` that was made before goes on writing to stdout.
    """
    # vLLM's workers are processes of their own, which a Python-level redirection does not reach.
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
    from datasets.utils.logging import disable_progress_bar as disable_datasets_bars
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    disable_datasets_bars()
    for name in ("transformers", "trl", "datasets", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class ProgressBar(TrainerCallback):
    """Moves one bar a step on stderr; transformers' own writes to stdout, which belongs to the events."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Draw the bar, on the main process alone."""
        if state.is_world_process_zero:
            self._bar = progress_bar(self._title, state.max_steps, state.global_step)

    def note(self, text: str) -> None:
        """Show ``text`` behind the bar from its next step on."""
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)

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


class EventLog(ProgressBar):
    """One line of JSON per logged step on stdout, and all that TRL logs in ``metrics.jsonl``.

    stdout is the one of the moment when the log was made. A run that goes on from a checkpoint first drops
    the lines after it, so that each step stands in the file once. The trainer's own ``ProgressCallback`` and
    ``PrinterCallback`` print on stdout, too: remove them, or use ``stdout_for_events``.
    """

    def __init__(self, output_dir: str | Path) -> None:
        super().__init__("GRPO")
        self._path = Path(output_dir) / "metrics.jsonl"
        self._stdout = sys.stdout

    def emit(self, event: str, **fields: Any) -> None:
        """Write one event (see ``proving_ground.events.emit``), or none where nobody reads any more."""
        try:
            with contextlib.redirect_stdout(self._stdout):
                emit(event, **fields)
        except BrokenPipeError:
            # Ctrl-C ends the tee behind this process, too, and must not cost the checkpoint.
            gone, nowhere = self._stdout.fileno(), os.open(os.devnull, os.O_WRONLY)
            for stream in (2, gone):
                if os.path.sameopenfile(stream, gone):
                    os.dup2(nowhere, stream)
            os.close(nowhere)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Announce the run, and drop lines that this run is about to write again."""
        self.emit("start", stage="train", step=state.global_step, max_steps=state.max_steps)
        if not state.is_world_process_zero:
            return
        lines = self._path.read_bytes().splitlines(True) if self._path.exists() else []
        with atomic_writer(self._path) as stream:
            stream.writelines(line for line in lines if 0 < _step_of(line) <= state.global_step)
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
        headline = {key: _finite(logs.get(key)) for key in HEADLINE}
        self.emit("train_step", step=state.global_step, **headline)
        row = {"step": state.global_step, **{key: _finite(value) for key, value in logs.items()}}
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, allow_nan=False) + "\n")
        keep_within(self._path.with_name("completions"))
        self.note(f"reward {headline['reward']}, loss {headline['loss']}")


def _finite(value: Any) -> Any:
    """``value``, or ``None`` for what JSON cannot write (``NaN``, infinities)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _step_of(line: bytes) -> int:
    """The step of a line of ``metrics.jsonl``; 0 for one that a killed writer left unfinished."""
    try:
        return int(json.loads(line)["step"]) if line.endswith(b"\n") else 0
    except (ValueError, TypeError, KeyError):
        return 0


class Checkpoints(TrainerCallback):
    """Notes which files make a checkpoint whole, and makes one when SIGTERM or Ctrl-C asks the run to end.

    Schedulers send SIGTERM before they kill. Inside ``with checkpoints.on_signals():`` both interrupt; while
    the trainer trains, the step in progress is finished and a checkpoint written before ``train()`` returns
    with ``interrupted`` set. A second signal interrupts at once.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._training = False

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen where Python lets us, in the main thread; not to Ctrl-C where a shell has it ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {signal.SIGTERM: signal.getsignal(signal.SIGTERM)}
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            before[signal.SIGINT] = signal.default_int_handler
        try:
            for number in before:
                signal.signal(number, self._on_signal)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        if self.interrupted or not self._training:
            raise KeyboardInterrupt
        self.interrupted = True
        # Not print: the signal may have come in the middle of one, which cannot be entered twice.
        with contextlib.suppress(OSError):  # nobody reads any more
            os.write(2, b"\nthis step is finished and kept as a checkpoint; again, and it ends at once\n")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """From now on a step can be finished first."""
        self._training = True

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """All ranks stop at the same step, or those that go on would wait for the others for ever."""
        self.interrupted = bool(broadcast_object_list([self.interrupted])[0])
        if self.interrupted:
            control.should_save = control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The trainer has written the checkpoint: note its files."""
        if state.is_world_process_zero:
            list_files(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """What comes now can be interrupted anywhere."""
        self._training = False
