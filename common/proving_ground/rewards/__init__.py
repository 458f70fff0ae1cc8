"""Reward functions in TRL's form: ``reward(completions, ground_truth, **columns) -> list[float | None]``.

Importing them is cheap: what is slow to import (sympy, jsonschema) is loaded by the first call that needs it.
"""

from proving_ground.rewards.code import code_reward
from proving_ground.rewards.composite import composite_reward
from proving_ground.rewards.function_calls import function_call_reward
from proving_ground.rewards.math import math_reward

__all__ = ["code_reward", "composite_reward", "function_call_reward", "math_reward"]
