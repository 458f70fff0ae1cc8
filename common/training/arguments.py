"""``GRPOConfig`` from the ``grpo`` section."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trl.trainer.grpo_config import GRPOConfig

from common.errors import CannotRunError
from common.training.fields import check_grpo

TEST_MODE: Mapping[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "fp16": False,
    "use_vllm": False,
    "deepspeed": None,
    "fsdp": None,
    "max_steps": 1,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "learning_rate": 2e-4,
    "per_device_train_batch_size": 64,
    "gradient_accumulation_steps": 1,
    "steps_per_generation": None,
    "generation_batch_size": None,
    "num_generations": 8,
    "max_completion_length": 48,
    "gradient_checkpointing": False,
    "push_to_hub": False,
}
"""What the switch TEST_MODE_TRL lays over the section: one optimisation step of the embedded policy on the
CPU, small enough for seconds and with groups enough that a constant reward is no accident."""


def build_config(section: Mapping[str, Any], output_dir: Path, *, test_mode: bool = False) -> GRPOConfig:
    """The arguments of ``GRPOTrainer``: the section's fields under TRL's own names.

    Raises ``CannotRunError`` for an unknown field, a wrong type, or values that do not go together.
    """
    fields = {"report_to": [], **check_grpo(section), **(TEST_MODE if test_mode else {})}
    try:
        return GRPOConfig(output_dir=str(output_dir), **fields)
    except (ValueError, TypeError, ImportError) as error:
        raise CannotRunError(f"grpo: {' '.join(str(error).split())}") from error
