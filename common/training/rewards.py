"""What stands between a reward function and TRL: what it returns is checked before it trains anything.

TRL turns ``None`` into ``NaN`` and takes any number it is given; a score of 7 or a ``NaN`` would
silently steer the policy.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from common.errors import ClaimError

RewardCallable: TypeAlias = Callable[..., Sequence[float | None]]


class RewardContractError(ClaimError):
    """A reward function broke its contract; the text names the check, the evidence and the remedy."""


def checked(name: str, reward: RewardCallable) -> Callable[..., list[float | None]]:
    """Wrap ``reward`` so that each call returns one finite number in [0, 1], or ``None``, per completion.

    The wrapper is called ``name``, which TRL logs as ``rewards/<name>/mean``. What ``reward`` raises
    passes through unchanged, ``InfrastructureError`` above all. Raises ``RewardContractError`` otherwise.
    """

    @functools.wraps(reward)
    def wrapper(*, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        scores = reward(completions=completions, **columns)
        if isinstance(scores, str | bytes | Mapping) or not hasattr(scores, "__len__"):
            raise RewardContractError(
                f"reward type: {name} returned {type(scores).__name__} instead of a list; "
                "return one score per completion"
            )
        if len(scores) != len(completions):
            raise RewardContractError(
                f"reward length: {name} returned {len(scores)} scores for {len(completions)} completions; "
                "return one score per completion, in their order"
            )
        return [_score(name, position, score) for position, score in enumerate(scores)]

    wrapper.__name__ = wrapper.__qualname__ = name
    return wrapper


def _score(name: str, position: int, score: Any) -> float | None:
    if score is None:
        return None
    where = f"{name} returned {score!r} for completion {position}"
    # bool is an int, and "correct: True" is what a verifier hands on; a numpy scalar has no reason to be here.
    if not isinstance(score, int | float):
        raise RewardContractError(f"reward type: {where}; return a float, or None where it does not apply")
    if not math.isfinite(score):
        raise RewardContractError(
            f"non-finite reward: {where}; return 0.0 for a wrong answer, raise when scoring itself failed"
        )
    if not 0 <= score <= 1:
        raise RewardContractError(f"reward range: {where}; scale scores into [0, 1]")
    return float(score)
