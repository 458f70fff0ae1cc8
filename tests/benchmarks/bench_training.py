"""What the skeleton adds to a training step, and how long learning takes.

    python tests/benchmarks/bench_training.py [--steps 30] [--rounds 3]

The same policy, data, reward and arguments go through a bare TRL script (``GRPOTrainer`` and nothing else)
and through this project's trainer with its reward checks, event log and health checks, in turns.
stdout gets JSON lines, stderr the table. Times are CPU seconds: the machine may be shared.
"""

import argparse
import contextlib
import io
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from proving_ground.config import EmbeddedConfig, HealthConfig
from proving_ground.events import emit, say
from proving_ground.rewards.contract import checked, training_rows
from proving_ground.training.callbacks import EventLog, stdout_for_events
from proving_ground.training.embedded import embedded_policy
from proving_ground.training.health import HealthChecks
from proving_ground.training.policy import build_dataset, load_policy
from proving_ground.training.proof import pass_at_1
from proving_ground.training.settings import build_config
from tests.proving_ground.training import words

TARGET = 0.9
SAMPLES = words.make_samples(200)
ROWS = training_rows(SAMPLES)
EMBEDDED = {"hidden_size": 128, "layers": 2, "warm_start_steps": 200, "warm_start_learning_rate": 3e-3}
GRPO = {
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


def cpu_seconds(train: Callable[[], object]) -> float:
    """CPU seconds of one training, all threads, prints thrown away."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        start = time.process_time()
        train()
        return time.process_time() - start


def bare(policy: Any, folder: Path, steps: int) -> GRPOTrainer:
    """What a script written straight against TRL does."""
    return GRPOTrainer(
        model=policy.model,
        reward_funcs=[words.reward],
        args=GRPOConfig(output_dir=str(folder), max_steps=steps, **GRPO),
        train_dataset=build_dataset(ROWS[:100], policy.tokenizer),
        processing_class=policy.tokenizer,
    )


def ours(policy: Any, folder: Path, steps: int) -> GRPOTrainer:
    """The same with everything that the skeleton adds."""
    return GRPOTrainer(
        model=policy.model,
        reward_funcs=[checked("reward", words.reward, seconds=300.0)],
        args=build_config({**GRPO, "max_steps": steps}, folder),
        train_dataset=build_dataset(ROWS[:100], policy.tokenizer),
        processing_class=policy.tokenizer,
        callbacks=[EventLog(folder), HealthChecks(HealthConfig())],
    )


def main() -> None:
    """Compare step times, then train to the target."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=30, help="optimizer steps of one round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each, in turns")
    options = parser.parse_args()
    config = EmbeddedConfig.model_validate(EMBEDDED)
    answers = [words.demonstrations(sample) for sample in SAMPLES[:100]]
    with tempfile.TemporaryDirectory() as scratch, stdout_for_events():
        folder = Path(scratch)
        build_config(GRPO, folder)

        def policy() -> Any:
            return load_policy(
                embedded_policy(ROWS[:100], answers, config=config, cache_dir=folder / "cache", seed=1)
            )

        warm_start = cpu_seconds(policy)
        seconds: dict[str, list[float]] = {"bare": [], "ours": []}
        for build in (bare, ours):  # the first steps of a process fill caches; they count for neither
            cpu_seconds(build(policy(), folder, 3).train)
        for _ in range(options.rounds):
            for build in (bare, ours):
                trainer = build(policy(), folder, options.steps)
                seconds[build.__name__].append(cpu_seconds(trainer.train) / options.steps)
        start = time.process_time()
        trained, accuracy = 0, 0.0
        current = policy()
        while accuracy < TARGET and trained < 200:
            trainer = ours(current, folder, 10)
            cpu_seconds(trainer.train)
            trained += 10
            accuracy = float(pass_at_1(trainer, ROWS[100:], words.reward, per_prompt=2).mean())
        learning = time.process_time() - start
    per_step = {name: statistics.median(values) for name, values in seconds.items()}
    overhead = per_step["ours"] / per_step["bare"] - 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    emit(
        "bench_training",
        cpu_seconds_per_step=per_step,
        overhead=round(overhead, 4),
        warm_start_cpu_seconds=round(warm_start, 2),
        target=TARGET,
        accuracy=accuracy,
        steps_to_target=trained,
        cpu_seconds_to_target=round(learning, 2),
        peak_memory_mib=round(peak),
    )
    say(f"CPU s per step   {per_step['bare']:.4f} bare, {per_step['ours']:.4f} ours, {overhead:+.2%}")
    say(f"to pass@1 {accuracy:.3f}   {warm_start:.1f} s warm start, {learning:.1f} s, {trained} steps")
    say(f"peak memory      {peak:.0f} MiB")


if __name__ == "__main__":
    main()
