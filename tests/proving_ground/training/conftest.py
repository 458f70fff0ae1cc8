"""One tiny warm-started policy for all tests of a worker, and trainers that learn the template's task."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from examples.trl_integration import grpo_example
from proving_ground.config import Config, HealthConfig

SAMPLES = grpo_example.make_rows(120)

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
    "gradient_checkpointing": False,
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


@pytest.fixture(scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of warm-started policies."""
    return tmp_path_factory.mktemp("policies")


Training = Callable[..., Any]


@pytest.fixture
def training(policies: Path, tmp_path: Path) -> Training:
    """``training(reward, grpo={...}, health={...})`` gives a trainer, with ``.health`` its checks."""

    def build(
        reward: Any = grpo_example.reward,
        *,
        grpo: Mapping[str, Any] | None = None,
        health: Mapping[str, Any] | None = None,
        console: Any = None,
    ) -> Any:
        from proving_ground import training as t

        model = Config.model_validate({"model": {"embedded": EMBEDDED}}).model
        args = t.build_config({**GRPO, **(grpo or {})}, tmp_path)
        policy = t.build_policy(model, SAMPLES, grpo_example.phrasings, cache_dir=policies, seed=1)
        checks = t.HealthChecks(HealthConfig.model_validate({"patience": 3, **(health or {})}))
        trainer = t.build_trainer(
            policy,
            {"reward": reward},
            args,
            t.build_dataset(SAMPLES),
            callbacks=[t.EventLog(tmp_path, console or t.Console()), checks],
            reward_seconds=checks.config.reward_seconds,
        )
        trainer.health = checks
        return trainer

    return build
