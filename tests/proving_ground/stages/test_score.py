"""A reward with a bug is told in one line by every step, and never becomes a score."""

from pathlib import Path
from typing import Any

import pytest

from proving_ground.rewards.contract import RewardContractError
from proving_ground.stages.task import Task, score

TURNS = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "1"}]
SAMPLE = {"id": "a", "messages": TURNS, "ground_truth": "1", "metadata": {}}


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ([1.0], "returned 1 scores for 2 completions"),
        (None, "returned NoneType instead of a list"),
        (["1.0", 1.0], "returned '1.0' for completion 0"),
        ([7, 1], "scale scores into"),
        ([float("nan"), 1.0], "reward not finite"),
        (ZeroDivisionError("x"), r"raised ZeroDivisionError: x \(.*test_score.py:\d+\)"),
    ],
)
def test_what_a_reward_returns_is_checked(returned: Any, words: str) -> None:
    def reward(completions: Any, ground_truth: Any, **columns: Any) -> Any:
        if isinstance(returned, Exception):
            raise returned
        return returned

    task = Task(folder=Path("x"), reward=reward)
    with pytest.raises(RewardContractError, match=words):
        score(task, ["a", "b"], [SAMPLE, SAMPLE])
