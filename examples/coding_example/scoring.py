"""The reward of this example: all tests of a row, or nothing.

A fraction of the tests would pay for programs that return a constant; the row's tests are few and easy.
"""

from collections.abc import Sequence
from typing import Any

from proving_ground.messages import Completion
from proving_ground.rewards.code import DEFAULT, code_reward
from proving_ground.sandbox import SandboxSettings


def all_tests_pass(
    completions: Sequence[Completion],
    ground_truth: Sequence[str],
    *,
    sandbox: SandboxSettings = DEFAULT,
    **columns: Any,
) -> list[float | None]:
    """1.0 for a completion whose program passes every test of its row in the sandbox, else 0.0.

    Raises ``InfrastructureError`` for broken tests, and when nothing can isolate the programs.
    """
    return [*code_reward(completions, ground_truth, sandbox=sandbox, all_or_nothing=True, **columns)]
