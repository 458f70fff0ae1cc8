"""What the switch TEST_MODE_TRL makes of a configuration: one real optimisation step, in seconds.

The step is small but not fake: the policy is warm-started until it sometimes earns the reward on the
rows it is asked, so that rewards differ inside groups and weights move.
"""

from typing import Any

from proving_ground.config import Config

ROWS = 16
"""Rows that are asked, and that the policy is warm-started on."""

GRPO: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "fp16": False,
    "use_vllm": False,
    "deepspeed": None,
    "fsdp": None,
    "gradient_checkpointing": False,
    "max_steps": 1,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "push_to_hub": False,
    "per_device_train_batch_size": 64,
    "gradient_accumulation_steps": 1,
    "steps_per_generation": None,
    "generation_batch_size": None,
    "num_generations": 8,
    "max_completion_length": 64,
    "warmup_steps": 0,
}

EMBEDDED: dict[str, Any] = {
    "hidden_size": 64,
    "layers": 2,
    "heads": 4,
    "rewarded_share": 0.4,
    "warm_start_steps": 120,
    "warm_start_batch_size": 32,
    "warm_start_learning_rate": 5e-3,
}


def in_test_mode(config: Config) -> Config:
    """``config`` with the test mode's settings over it; everything else stays as it was written."""
    embedded = config.model.embedded.model_copy(update=EMBEDDED)
    model = config.model.model_copy(update={"name": "embedded", "dtype": "float32", "embedded": embedded})
    training = config.training.model_copy(update={"prove": False})
    return config.model_copy(update={"model": model, "training": training, "grpo": {**config.grpo, **GRPO}})
