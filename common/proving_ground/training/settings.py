"""``GRPOConfig`` from the configuration: which fields there are, which defaults hold, and the test mode."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from trl.trainer.grpo_config import GRPOConfig

from proving_ground.config import Config
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

PRETRAINED: Mapping[str, Any] = {
    "learning_rate": 1e-6,
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 10,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 8,
    "max_completion_length": 512,
    "temperature": 1.0,
}
"""Defaults for a policy that was pretrained: what published runs of half a billion weights and more use."""

SAMPLING = ("temperature", "top_p", "top_k", "max_completion_length", "chat_template_kwargs")
"""Fields of ``GRPOConfig`` that say how completions are sampled."""

SET_ELSEWHERE = {"output_dir": "--output-dir"}

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
    model = config.model.model_copy(update={"name": "embedded", "dtype": "float32", "embedded": embedded})
    training = config.training.model_copy(update={"prove": False})
    grpo = {**config.model.embedded.grpo, **config.grpo, **TEST_MODE_GRPO}
    return config.model_copy(update={"model": model, "training": training, "grpo": grpo})


def grpo_of(config: Config) -> dict[str, Any]:
    """The fields of ``GRPOConfig`` that hold for the configured policy.

    ``model.embedded.grpo`` is for the embedded policy alone, ``PRETRAINED`` for any other; the ``grpo``
    section, which the command line can change, overrides both.
    """
    below = config.model.embedded.grpo if config.model.name == "embedded" else PRETRAINED
    return check_grpo({**below, **config.grpo})


def sampling_of(config: Config, *, embedded: bool, **given: Any) -> dict[str, Any]:
    """How completions are sampled in training (the fields ``SAMPLING``), ``given`` ones aside.

    ``embedded``: whether the policy is an embedded one, trained or not, whatever its name.
    """
    model = config.model.model_copy(update={"name": "embedded" if embedded else "another"})
    section = {**grpo_of(config.model_copy(update={"model": model})), **given}
    fields = GRPOConfig.__dataclass_fields__
    return {name: section.get(name, fields[name].default) for name in SAMPLING}


@cache
def _field_types() -> Mapping[str, Any]:
    return get_type_hints(GRPOConfig)


def check_grpo(section: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``section`` whose every key is a field of ``GRPOConfig`` and whose values have its type.

    Numbers given for a text field become text, since the command line cannot tell them apart.
    Raises ``CannotRunError`` naming the field and the type expected.
    """
    return {name: _checked(name, value) for name, value in section.items()}


def _checked(name: str, value: Any) -> Any:
    types = _field_types()
    if name in SET_ELSEWHERE:
        raise CannotRunError(f"grpo.{name}: set it with {SET_ELSEWHERE[name]}")
    if name not in types:
        raise CannotRunError(f"grpo.{name}: TRL's GRPOConfig has no such field")
    adapter = TypeAdapter(types[name], config=ConfigDict(allow_inf_nan=False))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    for given in [value, str(value)] if is_number else [value]:
        try:
            return adapter.validate_python(given, strict=True)
        except ValidationError:
            continue
    expected = getattr(types[name], "__name__", None) or str(types[name]).replace("typing.", "")
    raise CannotRunError(f"grpo.{name}: expected {expected}, got {value!r}")


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
