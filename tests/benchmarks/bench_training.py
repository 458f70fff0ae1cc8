"""What a training step costs here and in bare TRL: ``python tests/benchmarks/bench_training.py``.

The same policy, rows, reward, arguments and random numbers go through a bare ``GRPOTrainer`` and through one
with this project's reward checks, event log and health checks. The two take turns, a step each, in one
process: both do the same work under the same noise. Times are CPU seconds, since the machine may be shared.

Once beside TRL at its defaults, once beside TRL that keeps its completions in a file, as ours does; and once
bare TRL beside itself: two equal trainers of one process differ, too, by -2 and +5 % in two runs, and what
is nearer to 1 than that says nothing.
"""

import argparse
import contextlib
import io
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.config import EmbeddedConfig, HealthConfig
from proving_ground.rewards.contract import checked, training_rows
from proving_ground.training.callbacks import EventLog
from proving_ground.training.embedded import embedded_policy
from proving_ground.training.health import HealthChecks
from proving_ground.training.policy import Policy, build_dataset, load_policy
from proving_ground.training.settings import build_config
from tests.benchmarks import table
from tests.proving_ground.training import words

SAMPLES = words.make_samples(100)
ROWS = training_rows(SAMPLES)
SKIPPED = 3
"""First steps, which fill caches, count for neither."""
EMBEDDED = {"hidden_size": 128, "layers": 2, "warm_start_steps": 60, "warm_start_learning_rate": 3e-3}
GRPO: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "learning_rate": 5e-4,
    "lr_scheduler_type": "constant",
    "per_device_train_batch_size": 64,
    "num_generations": 8,
    "max_completion_length": 12,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "disable_tqdm": True,
}
PEERS: dict[str, dict[str, Any]] = {
    "bare TRL": {},
    "TRL with log_completions": {"log_completions": True, "num_completions_to_print": 0},
}


class Turns(TrainerCallback):
    """Hands over to the other trainer at each step's beginning, so that a step's log counts as its own."""

    def __init__(self, mine: threading.Semaphore, theirs: threading.Semaphore) -> None:
        self.mine, self.theirs = mine, theirs
        self.seconds: list[float] = []
        self.started: float | None = None

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        if self.started is not None:
            self.seconds.append(time.process_time() - self.started)
        else:
            torch.manual_seed(0)
        # Both draw the same random numbers, and so the same completions: what is left is what is compared.
        state = torch.get_rng_state()
        self.theirs.release()
        self.mine.acquire()
        torch.set_rng_state(state)
        self.started = time.process_time()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.theirs.release()


def bare(policy: Policy, folder: Path, steps: int, turns: Turns, **kept: Any) -> GRPOTrainer:
    """What a script written straight against TRL does."""
    return GRPOTrainer(
        model=policy.model,
        reward_funcs=[words.reward],
        args=GRPOConfig(output_dir=str(folder), max_steps=steps, **GRPO, **kept),
        train_dataset=build_dataset(ROWS, policy.tokenizer),
        processing_class=policy.tokenizer,
        callbacks=[turns],
    )


def ours(policy: Policy, folder: Path, steps: int, turns: Turns) -> GRPOTrainer:
    """The same with everything that the project adds."""
    return GRPOTrainer(
        model=policy.model,
        reward_funcs=[checked("reward", words.reward, seconds=300.0)],
        args=build_config({**GRPO, "max_steps": steps}, folder),
        train_dataset=build_dataset(ROWS, policy.tokenizer),
        processing_class=policy.tokenizer,
        callbacks=[EventLog(folder), HealthChecks(HealthConfig()), turns],
    )


def main() -> None:
    """Train both, in turns, and compare step by step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=50, help="paired optimizer steps")
    steps = parser.parse_args().steps + SKIPPED + 1  # a step is measured when the next begins
    for peer, kept in PEERS.items():
        in_turns("GRPO step", ours, peer, kept, steps)
    in_turns("GRPO step, nothing added", bare, "bare TRL", {}, steps)


def in_turns(
    what: str, build: Callable[..., GRPOTrainer], peer: str, kept: dict[str, Any], steps: int
) -> None:
    """One row of the table: a trainer's step in the main thread, the peer's in another one."""
    answers = [words.demonstrations(sample) for sample in SAMPLES]
    with (
        tempfile.TemporaryDirectory() as scratch,
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        folder = Path(scratch)
        config = EmbeddedConfig.model_validate(EMBEDDED)
        start = embedded_policy(ROWS, answers, config=config, cache_dir=folder / "cache", seed=1)
        here, there = threading.Semaphore(0), threading.Semaphore(0)
        turns = {"ours": Turns(here, there), "bare": Turns(there, here)}
        mine = build(load_policy(start), folder / "ours", steps, turns["ours"])
        theirs = bare(load_policy(start), folder / "bare", steps, turns["bare"], **kept)
        # Time limits of rewards are signals, which only the main thread gets: so ours trains in it.
        other = threading.Thread(target=theirs.train, daemon=True)
        other.start()
        here.acquire()  # until the first has reached its first step
        mine.train()
        other.join()
    times = {name: [1000 * each for each in turn.seconds[SKIPPED:]] for name, turn in turns.items()}
    table.row(what, peer, times["bare"], times["ours"], "ms CPU")


if __name__ == "__main__":
    main()
