r"""``math_reward``: 1.0 for a completion whose final answer equals the ground truth, else 0.0.

Numbers, words, tuples, sets and intervals are compared here, exactly and without importing anything
heavy; the rest goes to worker processes that run computer algebra within limits (``pool``). What
counts as the final answer stands in ``extract``, what counts as equal in ``judge``.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeAlias

from common.errors import InfrastructureError
from common.messages import Completion, completion_text, strip_reasoning
from common.rewards.math.extract import FORMATS, final_answer
from common.rewards.math.judge import check_gold, same
from common.rewards.math.notation import UnreadableError
from common.rewards.math.pool import BadGoldError, shared_pool
from common.rewards.math.readings import Reading, read

__all__ = [
    "FORMATS",
    "answers_equal",
    "final_answer",
    "is_parseable_answer",
    "make_math_reward",
    "math_reward",
]

MathReward: TypeAlias = Callable[..., list[float | None]]
"""``reward(completions, ground_truth, **columns)``, as TRL calls it."""

_read = lru_cache(maxsize=8192)(read)


class _NeedsWorkerError(Exception):
    """Raised by ``_NoAlgebra``: this pair cannot be decided without computer algebra."""


class _NoAlgebra:
    """Stands in for the pool, to find the pairs that need it."""

    def equal(self, gold: str, answer: str) -> bool:
        raise _NeedsWorkerError

    def check(self, gold: str) -> None:
        raise _NeedsWorkerError


_NO_ALGEBRA = _NoAlgebra()


def make_math_reward(answer_formats: Sequence[str] = ("boxed",)) -> MathReward:
    r"""A reward that accepts answers in ``answer_formats`` (some of ``FORMATS``, else ``ValueError``).

    The returned function takes ``completions`` (texts or message lists), ``ground_truth`` (one
    string each) and ignores other columns; it returns one float per completion, 1.0 or 0.0. Wrong,
    missing, malformed and hostile answers score 0.0. It raises ``InfrastructureError`` for a
    ground truth that is missing, unreadable or too costly to verify, for lists of different
    lengths, and when the verifier itself cannot run: none of these is the completion's fault.
    """
    formats = tuple(answer_formats)
    final_answer("", formats)

    def reward(
        completions: Sequence[Completion], ground_truth: Sequence[str], **columns: Any
    ) -> list[float | None]:
        return _score(completions, ground_truth, formats)

    reward.__name__ = reward.__qualname__ = "_".join(
        ("math_reward", *(name for name in formats if name != "boxed"))
    )
    reward.__doc__ = f"1.0 where the final answer ({', '.join(formats)}) equals ``ground_truth``, else 0.0."
    return reward


def _score(
    completions: Sequence[Completion], ground_truth: Sequence[str], formats: Sequence[str]
) -> list[float | None]:
    if isinstance(ground_truth, str) or len(completions) != len(ground_truth):
        count = "one string" if isinstance(ground_truth, str) else str(len(ground_truth))
        raise InfrastructureError(
            f"math_reward got {len(completions)} completions but {count} for ground_truth"
        )
    golds = [_read_gold(gold, index) for index, gold in enumerate(ground_truth)]
    answers = [_read_answer(completion, formats) for completion in completions]
    scores: list[float | None] = [0.0] * len(golds)
    waiting = []
    for index, (gold, answer) in enumerate(zip(golds, answers, strict=True)):
        try:
            scores[index] = _judge(gold, answer, _NO_ALGEBRA)
        except _NeedsWorkerError:
            waiting.append(index)

    def judge_row(index: int) -> None:
        try:
            scores[index] = _judge(golds[index], answers[index], shared_pool())
        except BadGoldError as error:
            raise _bad_gold(index, ground_truth[index], error) from error

    if len(waiting) > 1:
        with ThreadPoolExecutor(min(shared_pool().size, len(waiting))) as threads:
            list(threads.map(judge_row, waiting))
    elif waiting:
        judge_row(waiting[0])
    return scores


def _judge(gold: Reading, answer: Reading | None, algebra: Any) -> float:
    # The ground truth is checked even without an answer: a broken one must show, not score 0.
    check_gold(gold, algebra)
    return 1.0 if answer is not None and same(gold, answer, algebra) else 0.0


def _read_gold(gold: object, index: int) -> Reading:
    if not isinstance(gold, str):
        raise _bad_gold(index, gold, f"{type(gold).__name__}, not a string")
    try:
        return _read(gold)
    except UnreadableError as error:
        raise _bad_gold(index, gold, error) from error


def _bad_gold(index: int, gold: object, why: object) -> InfrastructureError:
    shown = repr(gold)
    shown = shown if len(shown) <= 80 else shown[:80] + "..."
    return InfrastructureError(
        f"ground_truth[{index}] = {shown} cannot be verified: {' '.join(str(why).split())}"
    )


def _read_answer(completion: Completion, formats: Sequence[str]) -> Reading | None:
    answer = final_answer(strip_reasoning(completion_text(completion)), formats)
    try:
        return _read(answer) if answer is not None else None
    except UnreadableError:
        return None


def answers_equal(gold: str, answer: str) -> bool:
    """Whether two bare answers (no completion around them) agree, ``gold`` being the reference.

    Raises ``InfrastructureError`` for a ``gold`` that cannot be verified; an unreadable ``answer``
    is simply not equal.
    """
    reading = _read_gold(gold, 0)
    try:
        other = _read(answer)
    except UnreadableError:
        other = None
    try:
        return _judge(reading, other, shared_pool()) == 1.0
    except BadGoldError as error:
        raise _bad_gold(0, gold, error) from error


def is_parseable_answer(text: str) -> bool:
    """Whether ``text`` can serve as a ground truth. Raises ``InfrastructureError`` if no verifier runs."""
    try:
        check_gold(_read(text), shared_pool())
    except (UnreadableError, BadGoldError):
        return False
    return True


math_reward: MathReward = make_math_reward()
