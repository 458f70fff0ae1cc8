"""Before anything is trained: the reward knows a right answer from a wrong one.

A constant, random or inverted reward trains just as smoothly as a good one; against known answers it
shows within a second.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proving_ground.errors import ClaimError
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
    seconds: float | None = None,
) -> None:
    """Raise ``ClaimError`` unless reference answers score 1.0 and wrong answers less.

    Of several rewards each may answer ``None`` where it does not apply, and some wrong answers may satisfy
    one of them (a well-formed wrong answer satisfies a format reward), but none may satisfy all.
    """
    rows = [dict(sample) for sample in samples[:ROWS]]
    references = _scores(rewards, rows, [reference_of(row) for row in rows], system_prompt, seconds)
    for name, scores in references.items():
        for row, score in zip(rows, scores, strict=True):
            if score not in (None, 1.0):
                raise ClaimError(
                    f"known answers: {name} gives the reference answer of {row['id']} {score:g} instead of"
                    " 1.0; run local_eval.py, then mend the reward or the row"
                )
    pairs = [(row, answer) for row in rows for answer in wrong_answers(row)]
    wrong = _scores(
        rewards, [row for row, _ in pairs], [answer for _, answer in pairs], system_prompt, seconds
    )
    for position, (row, answer) in enumerate(pairs):
        given = [score for scores in wrong.values() if (score := scores[position]) is not None]
        if given and min(given) == 1.0:
            raise ClaimError(
                f"known answers: {' and '.join(wrong)} gives a wrong answer to {row['id']} 1.0 "
                f"({answer[:60]!r}); run local_eval.py and mend the reward"
            )


def _scores(
    rewards: Mapping[str, RewardCallable],
    rows: Sequence[Mapping[str, Any]],
    answers: Sequence[str],
    system_prompt: str | None,
    seconds: float | None,
) -> dict[str, list[float | None]]:
    asked = training_rows(rows, system_prompt)
    return {
        name: call_reward(checked(name, reward, seconds=seconds), asked, answers)
        for name, reward in rewards.items()
    }
