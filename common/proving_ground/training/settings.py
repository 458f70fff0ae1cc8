"""``GRPOConfig`` from the configuration: which defaults hold, and the test mode."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trl.trainer.grpo_config import GRPOConfig

from proving_ground.config import Config, check_grpo, grpo_of
from proving_ground.errors import CannotRunError

OURS: Mapping[str, Any] = {
    "report_to": [],
    # Rollouts are kept (see rollouts.py), and not printed.
    "log_completions": True,
    "num_completions_to_print": 0,
    # Otherwise the trainer replaces a loss that is not finite by an average, and no check ever sees it.
    "logging_nan_inf_filter": False,
}
"""Where our defaults differ from TRL's; the section overrides them."""

SAMPLING = ("temperature", "top_p", "top_k", "max_completion_length", "chat_template_kwargs")
"""Fields of ``GRPOConfig`` that say how completions are sampled."""

TEST_MODE_ROWS = 8
"""Rows that the test mode asks, the shortest, and that the policy is warm-started on."""

TEST_MODE_GRPO: Mapping[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "fp16": False,
    "use_vllm": False,
    "deepspeed": None,
    "fsdp": None,
    "activation_checkpointing": False,
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

TEST_MODE_EMBEDDED: Mapping[str, Any] = {
    "hidden_size": 64,
    "layers": 2,
    "heads": 4,
    "rewarded_share": 0.4,
    "warm_start_steps": 60,
    "warm_start_batch_size": 16,
    "warm_start_learning_rate": 5e-3,
}


def in_test_mode(config: Config) -> Config:
    """``config`` as the switch TEST_MODE_TRL runs it: one real optimizer step, in seconds.

    The step is small but not fake: the embedded policy is warm-started until it sometimes earns the reward
    on the rows it is asked, so that rewards differ inside groups and weights move.
    """
    embedded = config.model.embedded.model_copy(update={**TEST_MODE_EMBEDDED, "grpo": {}})
    model = config.model.model_copy(
        update={"name": "embedded", "revision": None, "dtype": "float32", "embedded": embedded}
    )
    training = config.training.model_copy(update={"prove": False})
    grpo = {**config.model.embedded.grpo, **config.grpo, **TEST_MODE_GRPO}
    return config.model_copy(update={"model": model, "training": training, "grpo": grpo})


def sampling_of(config: Config, *, embedded: bool, **given: Any) -> dict[str, Any]:
    """How completions are sampled in training (the fields ``SAMPLING``), ``given`` ones aside.

    ``embedded``: whether the policy is an embedded one, trained or not, whatever its name.
    """
    model = config.model.model_copy(update={"name": "embedded" if embedded else "another"})
    section = {**grpo_of(config.model_copy(update={"model": model})), **given}
    fields = GRPOConfig.__dataclass_fields__
    return {name: section.get(name, fields[name].default) for name in SAMPLING}


def build_config(section: Mapping[str, Any], output_dir: Path) -> GRPOConfig:
    """``GRPOConfig`` with the section's fields; ``CannotRunError`` for one that does not fit the others."""
    fields = {**OURS, **check_grpo(section)}
    try:
        return GRPOConfig(output_dir=str(output_dir), **fields)
    except (ValueError, TypeError, ImportError) as error:
        if "use_cpu" in str(error):
            raise CannotRunError(
                "grpo: this configuration wants a GPU (bf16 or fp16), and torch finds none; take one that"
                " is made for the CPU, or say --grpo.use_cpu true --grpo.bf16 false"
            ) from error
        raise CannotRunError(f"grpo: {' '.join(str(error).split())}") from error
