"""The adapter between rewards and TRL, and the anchors: neither needs torch."""

import math
import time
from typing import Any

import pytest

from examples.trl_integration import grpo_example
from proving_ground.errors import CannotRunError, ClaimError, InfrastructureError
from proving_ground.rewards.contract import RewardContractError, checked
from proving_ground.training.anchors import check_anchors

SAMPLES = grpo_example.make_rows(4)


def call(scores: Any, completions: int = 2, seconds: float | None = None) -> list[float | None]:
    def reward(completions: list[str], **columns: Any) -> Any:
        return scores() if callable(scores) else scores

    return checked("mine", reward, seconds=seconds)(completions=["a"] * completions)


def test_good_scores_pass_through_under_the_name_that_trl_logs() -> None:
    assert call([1, None]) == [1.0, None]
    assert call([True, 0.5]) == [1.0, 0.5]
    assert checked("mine", lambda completions: [])(completions=[]) == []
    assert checked("mine", lambda completions: []).__name__ == "mine"


@pytest.mark.parametrize(
    ("scores", "check"),
    [
        ([1.0], "reward length"),
        ([1.0, 0.0, 0.0], "reward length"),
        ([], "reward length"),
        (1.0, "reward type"),
        ("10", "reward type"),
        ({"a": 1.0, "b": 0.0}, "reward type"),
        (None, "reward type"),
        (["1.0", 0.0], "reward type"),
        ([[1.0], 0.0], "reward type"),
        ([math.nan, 0.0], "reward not finite"),
        ([0.0, math.inf], "reward not finite"),
        ([1.5, 0.0], "reward range"),
        ([0.0, -0.1], "reward range"),
    ],
)
def test_what_breaks_the_contract_is_named(scores: Any, check: str) -> None:
    with pytest.raises(RewardContractError, match=f"^{check}: mine returned .*; "):
        call(scores)


def test_an_exception_is_named_with_its_place() -> None:
    with pytest.raises(
        RewardContractError,
        match=r"reward raised: mine raised ZeroDivisionError.*test_reward_contract.py:\d+",
    ):
        call(lambda: 1 / 0)


def test_infrastructure_failures_pass_unchanged() -> None:
    def broken() -> None:
        raise InfrastructureError("the sandbox is gone")

    with pytest.raises(InfrastructureError, match=r"^the sandbox is gone$"):
        call(broken)


def test_a_reward_that_hangs_is_interrupted() -> None:
    started = time.monotonic()
    with pytest.raises(RewardContractError, match=r"reward too slow: mine was still running after 0\.2 s"):
        call(lambda: time.sleep(30), seconds=0.2)
    assert time.monotonic() - started < 10
    assert call([1.0, 0.0], seconds=5.0) == [1.0, 0.0]


def test_a_keyboard_interrupt_stays_one() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, seconds=60.0)


def anchors(reward: Any) -> None:
    check_anchors({"mine": reward}, SAMPLES, grpo_example.wrong_answers)


def test_anchors_accept_a_reward_that_knows_right_from_wrong() -> None:
    anchors(grpo_example.reward)


@pytest.mark.parametrize(
    ("reward", "problem"),
    [
        (lambda completions, **columns: [1.0] * len(completions), "gives a wrong answer to .* 1.0"),
        (lambda completions, **columns: [0.0] * len(completions), "reference answer of .* 0 instead of 1.0"),
        (
            lambda completions, ground_truth, **columns: [
                1.0 - score for score in grpo_example.reward(completions, ground_truth)
            ],
            "reference answer of .* 0 instead of 1.0",
        ),
    ],
    ids=["always right", "never right", "opposite"],
)
def test_anchors_refuse_a_reward_that_does_not(reward: Any, problem: str) -> None:
    with pytest.raises(
        ClaimError, match=f"^reward anchors: mine {problem.replace('reference', 'gives the reference')}"
    ):
        anchors(reward)


def test_a_format_reward_may_like_a_wrong_answer_that_another_one_refuses() -> None:
    def well_formed(completions: Any, **columns: Any) -> list[float | None]:
        return [1.0] * len(completions)

    rewards = {"form": well_formed, "answer": grpo_example.reward}
    check_anchors(rewards, SAMPLES, grpo_example.wrong_answers)


def test_anchors_let_a_broken_service_through() -> None:
    def broken(completions: Any, **columns: Any) -> list[float | None]:
        raise CannotRunError("no sandbox")

    with pytest.raises(CannotRunError, match="no sandbox"):
        anchors(broken)
