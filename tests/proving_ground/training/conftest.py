"""One tiny warm-started policy for all tests of a worker, and trainers that learn the template's task."""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from proving_ground.config import EmbeddedConfig, HealthConfig
from proving_ground.rewards.contract import checked, training_rows
from tests.proving_ground.training import words

SAMPLES = words.make_samples(120)
ROWS = training_rows(SAMPLES)
SEED = 1
"""Of the policy that all tests share: a whole run of ``SAMPLES`` with it begins with the same one."""

EMBEDDED = {
    "hidden_size": 64,
    "layers": 2,
    "heads": 4,
    "vocabulary": 400,
    "rewarded_share": 0.4,
    "warm_start_steps": 200,
    "warm_start_learning_rate": 3e-3,
}
GRPO = {
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
    "max_steps": 4,
    "logging_steps": 1,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "constant",
    "per_device_train_batch_size": 16,
    "num_generations": 4,
    "max_completion_length": 12,
    "save_strategy": "no",
    "seed": 7,
}


@pytest.fixture(autouse=True, scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """The cache of warm-started policies, which pytest's workers share: the first one makes a policy.

    None of an earlier run is in it: warm starts are under test here.
    """
    base = tmp_path_factory.getbasetemp()
    cache = (base if worker_id == "master" else base.parent) / "cache"
    folder = cache / "proving_ground" / "policies"
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(cache))
        yield folder


Training = Callable[..., Any]


@pytest.fixture
def training(policies: Path, tmp_path: Path) -> Training:
    """``training(reward, grpo={...}, health={...})`` gives a trainer, with ``.health`` its checks."""

    def build(
        reward: Any = words.reward,
        *,
        grpo: Mapping[str, Any] | None = None,
        health: Mapping[str, Any] | None = None,
    ) -> Any:
        from transformers.trainer_callback import PrinterCallback, ProgressCallback
        from trl import GRPOTrainer

        from proving_ground.training.callbacks import EventLog
        from proving_ground.training.health import HealthChecks
        from proving_ground.training.policy import build_dataset, load_policy
        from proving_ground.training.settings import build_config

        args = build_config({**GRPO, **(grpo or {})}, tmp_path)
        policy = load_policy(tiny_policy(policies))
        checks = HealthChecks(HealthConfig.model_validate({"patience": 3, **(health or {})}))
        trainer = GRPOTrainer(
            model=policy.model,
            reward_funcs=[checks.watched(checked("reward", reward, seconds=checks.config.reward_seconds))],
            args=args,
            train_dataset=build_dataset(ROWS, policy.tokenizer),
            processing_class=policy.tokenizer,
            callbacks=[EventLog(tmp_path), checks],
        )
        trainer.remove_callback(ProgressCallback)
        trainer.remove_callback(PrinterCallback)
        trainer.health = checks
        return trainer

    return build


def tiny_policy(policies: Path) -> str:
    """The folder of a policy that sometimes names the last word in the rewarded form."""
    from proving_ground.training.embedded import embedded_policy

    answers = [words.demonstrations(sample) for sample in SAMPLES]
    config = EmbeddedConfig.model_validate(EMBEDDED)
    with (policies.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return embedded_policy(ROWS, answers, config=config, cache_dir=policies, seed=SEED)
