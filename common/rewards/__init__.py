"""Reward functions in TRL's form: ``reward(completions, ground_truth, **columns) -> list[float | None]``.

Each loads when first asked for, so that importing one reward never pays for another.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.rewards.code import code_reward
    from common.rewards.composite import composite_reward
    from common.rewards.function_calls import function_call_reward
    from common.rewards.math import math_reward

__all__ = ["code_reward", "composite_reward", "function_call_reward", "math_reward"]

_MODULES = {
    "code_reward": "common.rewards.code",
    "composite_reward": "common.rewards.composite",
    "function_call_reward": "common.rewards.function_calls",
    "math_reward": "common.rewards.math",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
