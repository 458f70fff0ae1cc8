r"""``math_reward``: 1.0 for a completion whose final answer equals the ground truth, else 0.0.

Numbers, words, tuples, sets and intervals are compared here, exactly and without importing anything
heavy; the rest goes to worker processes that run computer algebra within limits (``pool``). What
counts as the final answer stands in ``extract``, what counts as equal in ``judge``.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion, completion_text, strip_reasoning
from proving_ground.rewards.math.extract import FORMATS, check_formats, final_answer
from proving_ground.rewards.math.judge import Algebra, check_gold, same
from proving_ground.rewards.math.notation import UnreadableError
from proving_ground.rewards.math.pool import BadGoldError, TooCostlyError, shared_pool
from proving_ground.rewards.math.readings import Reading, read

__all__ = [
    "FORMATS",
    "MathReward",
    "answers_equal",
    "final_answer",
    "is_parseable_answer",
    "make_math_reward",
    "math_reward",
]

_ROWS_PER_WORKER = 4
"""A worker takes seconds to start, so another one must have this many rows to do."""

_read = lru_cache(maxsize=8192)(read)


def math_reward(
    completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
) -> list[float | None]:
    r"""Score the last ``\boxed{}`` of each completion against its ground truth.

    ``completions`` are texts or message lists, ``ground_truth`` one string each; other columns are
    ignored. Returns one float per completion, 1.0 or 0.0: wrong, missing, malformed and hostile
    answers score 0.0. Raises ``InfrastructureError`` for a ground truth that is missing, unreadable
    or too costly to verify, for lists of different lengths, and when the verifier itself cannot
    run: none of these is the completion's fault.
    """
    return _score(completions, ground_truth, ("boxed",))


class MathReward:
    """``math_reward`` for other answer formats; a class, so that it can be pickled for a rollout worker."""

    def __init__(self, answer_formats: Sequence[str]) -> None:
        self.answer_formats = check_formats(answer_formats)
        self.__name__ = "_".join(("math_reward", *(name for name in self.answer_formats if name != "boxed")))

    def __call__(
        self, completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
    ) -> list[float | None]:
        """As ``math_reward``."""
        return _score(completions, ground_truth, self.answer_formats)


def make_math_reward(answer_formats: Sequence[str] = ("boxed",)) -> MathReward:
    """A reward that accepts answers in ``answer_formats``: some of ``FORMATS``, else ``ValueError``."""
    return MathReward(answer_formats)


def answers_equal(gold: str, answer: str) -> bool:
    """Whether two bare answers (no completion around them) agree, ``gold`` being the reference.

    Raises ``InfrastructureError`` for a ``gold`` that cannot be verified; an unreadable ``answer``
    is simply not equal.
    """
    try:
        return _judge(_read_gold(gold), _read_or_none(answer), shared_pool()) == 1.0
    except BadGoldError as error:
        raise InfrastructureError(f"ground truth {_shown(gold)} cannot be verified: {error}") from error


def is_parseable_answer(text: str) -> bool:
    """Whether ``text`` can serve as a ground truth. Raises ``InfrastructureError`` if no verifier runs."""
    try:
        check_gold(_read_gold(text), shared_pool())
    except BadGoldError:
        return False
    return True


class _NeedsWorkerError(Exception):
    """This pair cannot be decided without computer algebra."""


class _NoAlgebra:
    """Stands in for the pool, to find the rows that need it."""

    def equal(self, gold: str, answer: str) -> bool:
        raise _NeedsWorkerError

    def check(self, gold: str) -> None:
        raise _NeedsWorkerError


def _score(
    completions: Sequence[Completion], ground_truth: Sequence[str], formats: Sequence[str]
) -> list[float | None]:
    if isinstance(ground_truth, str) or len(completions) != len(ground_truth):
        count = "one string" if isinstance(ground_truth, str) else str(len(ground_truth))
        raise InfrastructureError(
            f"math_reward got {len(completions)} completions but {count} for ground_truth"
        )
    scores: list[float | None] = [0.0] * len(completions)

    def judge(index: int, algebra: Algebra) -> None:
        try:
            answer = final_answer(strip_reasoning(completion_text(completions[index])), formats)
            scores[index] = _judge(_read_gold(ground_truth[index]), _read_or_none(answer), algebra)
        except BadGoldError as error:
            shown = _shown(ground_truth[index])
            raise InfrastructureError(
                f"ground_truth[{index}] = {shown} cannot be verified: {error}"
            ) from error

    waiting = []
    for index in range(len(completions)):
        try:
            judge(index, _NoAlgebra())
        except _NeedsWorkerError:
            waiting.append(index)
    if waiting:
        pool = shared_pool()
        with ThreadPoolExecutor(min(pool.size, -(-len(waiting) // _ROWS_PER_WORKER))) as threads:
            list(threads.map(lambda index: judge(index, pool), waiting))
    return scores


def _judge(gold: Reading, answer: Reading | None, algebra: Algebra) -> float:
    # The ground truth is checked even without an answer: a broken one must show, not score 0.
    check_gold(gold, algebra)
    try:
        return 1.0 if answer is not None and same(gold, answer, algebra) else 0.0
    except TooCostlyError:
        return 0.0


def _read_gold(gold: object) -> Reading:
    if not isinstance(gold, str):
        raise BadGoldError(f"{type(gold).__name__}, not a string")
    try:
        return _read(gold)
    except UnreadableError as error:
        raise BadGoldError(str(error)) from error


def _read_or_none(answer: str | None) -> Reading | None:
    try:
        return None if answer is None else _read(answer)
    except UnreadableError:
        return None


def _shown(gold: object) -> str:
    shown = repr(gold)
    return shown if len(shown) <= 80 else shown[:80] + "..."
