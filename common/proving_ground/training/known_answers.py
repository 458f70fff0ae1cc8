"""Before anything is trained: the reward knows a right answer from a wrong one.

A constant, random or inverted reward trains just as smoothly as a good one; against known answers it
shows within a second.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.messages import reference_of
from proving_ground.rewards.contract import RewardCallable, call_reward, checked, training_rows

ROWS = 8
"""Rows whose known answers are scored: enough to catch a reward that guesses, few enough for a sandbox."""


def check_known_answers(
    rewards: Mapping[str, RewardCallable],
    samples: Sequence[Mapping[str, Any]],
    wrong_answers: Callable[[dict[str, Any]], Sequence[str]],
    system_prompt: str | None = None,
    *,
    weights: Sequence[float] | None = None,
    seconds: float | None = None,
) -> None:
    """Raise ``ClaimError`` unless reference answers earn what they must, and wrong answers less.

    One reward gives references 1.0. Of several some may only shape (form, length), so what counts is what
    GRPO learns from: their sum by ``weights`` (of ``GRPOConfig.reward_weights``; all 1.0 by default), in
    which the reference must beat each wrong answer to its row. Where a reward answers ``None`` it adds 0.
    """
    weights = weights or [1.0] * len(rewards)
    if len(weights) != len(rewards):
        raise CannotRunError(
            f"grpo.reward_weights: give {len(rewards)}, one for each of {', '.join(rewards)},"
            f" not {len(weights)}"
        )
    if len(rewards) == 1:
        if weights[0] <= 0:
            raise CannotRunError(
                f"grpo.reward_weights: {weights[0]:g} for the only reward teaches no right answer"
            )
        weights = [1.0]
    rows = [dict(sample) for sample in samples[:ROWS]]
    references = _earned(rewards, rows, [reference_of(row) for row in rows], system_prompt, weights, seconds)
    if len(rewards) == 1:
        for row, score in zip(rows, references, strict=True):
            if score not in (None, 1.0):
                raise ClaimError(
                    f"known answers: {', '.join(rewards)} gives the reference answer of {row['id']} {score:g}"
                    " instead of 1.0; run local_eval.py, then mend the reward or the row"
                )
    known = [
        (row, answer, reference)
        for row, reference in zip(rows, references, strict=True)
        for answer in wrong_answers(row)
    ]
    answered = [row for row, *_ in known], [answer for _, answer, _ in known]
    wrong = _earned(rewards, *answered, system_prompt, weights, seconds)
    for (row, answer, reference), score in zip(known, wrong, strict=True):
        # A sum of floats: what is equal but for rounding is equal.
        if score is not None and score > (1.0 if reference is None else reference) - 1e-9:
            raise ClaimError(
                f"known answers: {' and '.join(rewards)} gives a wrong answer to {row['id']} {score:g}, the"
                f" reference {'nothing' if reference is None else f'{reference:g}'} ({answer[:60]!r}); run"
                " local_eval.py and mend the reward"
            )


def _earned(
    rewards: Mapping[str, RewardCallable],
    rows: Sequence[Mapping[str, Any]],
    answers: Sequence[str],
    system_prompt: str | None,
    weights: Sequence[float],
    seconds: float | None,
) -> list[float | None]:
    """What each answer earns of all rewards together; None where none of them applies."""
    asked = training_rows(rows, system_prompt)
    scored = [
        call_reward(checked(name, reward, seconds=seconds), asked, answers)
        for name, reward in rewards.items()
    ]
    earned = []
    for scores in zip(*scored, strict=True):
        given = [weight * score for weight, score in zip(weights, scores, strict=True) if score is not None]
        earned.append(sum(given) if given else None)
    return earned
