"""Reading a training script's log: how many steps there were, and whether their numbers make sense."""

import math
import subprocess
from typing import Any

from tests.support.clone import events

NUMBERS = ("loss", "reward", "reward_std", "grad_norm", "frac_reward_zero_std")


def check_steps(completed: subprocess.CompletedProcess[str], steps: int) -> list[dict[str, Any]]:
    """The ``train_step`` events of a run of exactly ``steps`` steps, each logged once, in order, and finite.

    Rewards lie in [0, 1], gradients are not negative, and in at least one step some group's rewards
    differ and a gradient flows: without that nothing can have been learned.
    """
    found = [event for event in events(completed) if event["event"] == "train_step"]
    assert [event["step"] for event in found] == list(range(1, steps + 1))
    for event in found:
        for name in NUMBERS:
            assert isinstance(event[name], float) and math.isfinite(event[name]), (name, event)
        assert 0.0 <= event["reward"] <= 1.0 and 0.0 <= event["frac_reward_zero_std"] <= 1.0, event
        assert event["reward_std"] >= 0.0 and event["grad_norm"] >= 0.0, event
    assert any(event["frac_reward_zero_std"] < 1.0 and event["grad_norm"] > 0.0 for event in found)
    return found
