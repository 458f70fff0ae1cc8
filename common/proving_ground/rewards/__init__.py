"""Reward functions in TRL's form: ``reward(completions, ground_truth, **columns) -> list[float | None]``.

Each loads when first asked for, so that importing one reward never pays for another.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proving_ground.rewards.code import code_reward
    from proving_ground.rewards.composite import composite_reward
    from proving_ground.rewards.function_calls import function_call_reward
    from proving_ground.rewards.math import math_reward

__all__ = ["code_reward", "composite_reward", "function_call_reward", "math_reward"]

_MODULES = {
    "code_reward": "proving_ground.rewards.code",
    "composite_reward": "proving_ground.rewards.composite",
    "function_call_reward": "proving_ground.rewards.function_calls",
    "math_reward": "proving_ground.rewards.math",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
