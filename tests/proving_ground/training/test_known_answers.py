"""What must hold of a reward before it trains: right answers win, wrong ones do not."""

from typing import Any

import pytest

from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.training.known_answers import check_known_answers
from tests.proving_ground.training import words

SAMPLES = words.make_samples(4)


def check(reward: Any) -> None:
    check_known_answers({"mine": reward}, SAMPLES, words.wrong_answers)


def test_known_answers_accept_a_reward_that_knows_right_from_wrong() -> None:
    check(words.reward)


@pytest.mark.parametrize(
    ("reward", "problem"),
    [
        (
            lambda completions, **columns: [1.0] * len(completions),
            "gives a wrong answer to .* 1, the",
        ),
        (lambda completions, **columns: [0.0] * len(completions), "reference answer of .* 0 instead of 1.0"),
        (
            lambda completions, ground_truth, **columns: [
                1.0 - score for score in words.reward(completions, ground_truth)
            ],
            "reference answer of .* 0 instead of 1.0",
        ),
    ],
    ids=["always right", "never right", "opposite"],
)
def test_known_answers_refuse_a_reward_that_does_not(reward: Any, problem: str) -> None:
    with pytest.raises(
        ClaimError, match=f"^known answers: mine {problem.replace('reference', 'gives the reference')}"
    ):
        check(reward)


def well_formed(completions: Any, **columns: Any) -> list[float | None]:
    return [1.0] * len(completions)


def short(completions: Any, **columns: Any) -> list[float | None]:
    """Only shapes: nobody's reference gets 1.0, and the empty answer gets most."""
    return [1 / (2 + len(str(completion))) for completion in completions]


@pytest.mark.parametrize("shaping", [well_formed, short])
def test_a_shaping_reward_may_like_a_wrong_answer_while_the_sum_does_not(shaping: Any) -> None:
    rewards = {"shape": shaping, "answer": words.reward}
    check_known_answers(rewards, SAMPLES, words.wrong_answers)


@pytest.mark.parametrize("weights", [[5.0, 0.0], [1.0, -1.0]])
def test_what_counts_is_the_sum_by_weights(weights: list[float]) -> None:
    rewards = {"shape": short, "answer": words.reward}
    with pytest.raises(ClaimError, match=r"shape and answer gives a wrong answer to .*, the reference "):
        check_known_answers(rewards, SAMPLES, words.wrong_answers, weights=weights)


def test_a_tie_but_for_rounding_is_a_tie() -> None:
    def paid(right: float, wrong: float) -> Any:
        return lambda **columns: [right if score else wrong for score in words.reward(**columns)]

    with pytest.raises(ClaimError, match=r"a and b gives a wrong answer to .* 0\.3, the reference 0\.3"):
        check_known_answers({"a": paid(0.1, 0.3), "b": paid(0.2, 0.0)}, SAMPLES, words.wrong_answers)


def test_one_weight_for_two_rewards_is_one_line() -> None:
    rewards = {"shape": short, "answer": words.reward}
    with pytest.raises(CannotRunError, match=r"^grpo.reward_weights: give 2, one for each of shape, answer"):
        check_known_answers(rewards, SAMPLES, words.wrong_answers, weights=[1.0])


def test_known_answers_let_a_broken_service_through() -> None:
    def broken(completions: Any, **columns: Any) -> list[float | None]:
        raise CannotRunError("no sandbox")

    with pytest.raises(CannotRunError, match="no sandbox"):
        check(broken)


@pytest.mark.parametrize("weights", [[0.0], [-1.0], [1.0, 1.0]])
def test_weights_by_which_the_only_reward_teaches_nothing(weights: list[float]) -> None:
    with pytest.raises(CannotRunError, match=r"^grpo.reward_weights: "):
        check_known_answers({"answer": words.reward}, SAMPLES, words.wrong_answers, weights=weights)
    check_known_answers({"answer": words.reward}, SAMPLES, words.wrong_answers, weights=[0.5])
