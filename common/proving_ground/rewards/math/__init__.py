r"""``math_reward``: 1.0 for a completion whose final answer equals the ground truth, else 0.0.

Numbers, words, tuples, sets and intervals are compared here, exactly and without importing anything
heavy; the rest goes to worker processes that run computer algebra within limits (``pool``). What
counts as the final answer stands in ``extract``, what counts as equal in ``judge``.
"""

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion, completion_text, strip_reasoning
from proving_ground.rewards.contract import report_failures
from proving_ground.rewards.math.extract import FORMATS, boxes_together, check_formats, final_answer
from proving_ground.rewards.math.judge import Algebra, check_gold, same
from proving_ground.rewards.math.notation import UnreadableError
from proving_ground.rewards.math.pool import (
    Allowance,
    BadGoldError,
    TooCostlyError,
    WorkerLostError,
    shared_pool,
)
from proving_ground.rewards.math.readings import Option, Reading, Relation, Sequence, read

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
    completions: SequenceOf[Completion], ground_truth: SequenceOf[str], **columns: Any
) -> list[float | None]:
    r"""Score the final ``\boxed{}`` of each completion against its ground truth: 1.0 or 0.0.

    ``completions`` are texts or message lists, ``ground_truth`` one string each; other columns are ignored.

    *What counts as the answer.* The last box after the reasoning, with a sign or ``\%`` that touches it.
    A box that is broken, negated, taken back or part of a larger term is no answer. Several boxes side by
    side are a hedge and wrong, unless the ground truth has as many parts; "or" may join those of a list.

    *What counts as equal.* Exact values, no rounding. A label on the left (``x =``, ``f(3) =``, ``|AB| =``)
    may be missing on one side; where the unknowns are named, names decide. A unit may be missing on one
    side; two stated units must agree, and nothing is converted. ``(B) 7`` says B and says 7. A numeral with
    a base (``12_5``) equals only the same digits in the same base. A calculation still to be done (``3+4``,
    ``\sum_{k=1}^{100} k``, ``\int_0^1 x\,dx``) may be a copy of the question and is wrong where the ground
    truth is a number; ``5!``, ``2^{10}`` and ``\binom{5}{2}`` are right.

    *Whose fault.* Wrong, missing, malformed and hostile answers score 0.0, and so does one that takes more
    than ``pool.COMPLETION_SECONDS`` of processor time. A completion whose worker was lost
    ``pool.ATTEMPTS`` times scores ``None`` and is reported as ``failed/worker_lost``. Raises
    ``InfrastructureError`` for a ground truth that is missing, unreadable or too costly to verify, for
    lists of different lengths, and when no verifier can start.
    """
    return _score(completions, ground_truth, ("boxed",), columns)


class MathReward:
    """``math_reward`` for other answer formats; a class, so that it can be pickled for a rollout worker."""

    def __init__(self, answer_formats: SequenceOf[str]) -> None:
        self.answer_formats = check_formats(answer_formats)
        self.__name__ = "_".join(("math_reward", *(name for name in self.answer_formats if name != "boxed")))

    def __call__(
        self, completions: SequenceOf[Completion], ground_truth: SequenceOf[str], **columns: Any
    ) -> list[float | None]:
        """As ``math_reward``."""
        return _score(completions, ground_truth, self.answer_formats, columns)


def make_math_reward(answer_formats: SequenceOf[str] = ("boxed",)) -> MathReward:
    """A reward that accepts answers in ``answer_formats``: some of ``FORMATS``, else ``ValueError``."""
    return MathReward(answer_formats)


def answers_equal(gold: str, answer: str) -> bool:
    """Whether two bare answers (no completion around them) agree, ``gold`` being the reference.

    Raises ``InfrastructureError`` for a ``gold`` that cannot be verified; an unreadable ``answer``
    is simply not equal.
    """
    try:
        return _judge(_read_gold(gold), [_read_or_none(answer)], _allowance) == 1.0
    except BadGoldError as error:
        raise InfrastructureError(f"ground truth {_shown(gold)} cannot be verified: {error}") from error
    except WorkerLostError as error:
        raise InfrastructureError(f"the math verifier was lost: {error}") from error


def is_parseable_answer(text: str) -> bool:
    """Whether ``text`` can serve as a ground truth. Raises ``InfrastructureError`` if no verifier runs."""
    try:
        check_gold(_read_gold(text), _allowance())
    except BadGoldError:
        return False
    except WorkerLostError as error:
        raise InfrastructureError(f"the math verifier was lost: {error}") from error
    return True


def _allowance() -> Algebra:
    return Allowance(shared_pool())


class _NeedsWorkerError(Exception):
    """This pair cannot be decided without computer algebra."""


class _NoAlgebra:
    """Stands in for the pool, to find the rows that need it."""

    def equal(self, gold: str, answer: str) -> bool:
        raise _NeedsWorkerError

    def check(self, gold: str) -> None:
        raise _NeedsWorkerError


def _score(
    completions: SequenceOf[Completion],
    ground_truth: SequenceOf[str],
    formats: SequenceOf[str],
    columns: dict[str, Any],
) -> list[float | None]:
    if isinstance(ground_truth, str) or len(completions) != len(ground_truth):
        count = "one string" if isinstance(ground_truth, str) else str(len(ground_truth))
        raise InfrastructureError(
            f"math_reward got {len(completions)} completions but {count} for ground_truth"
        )
    scores: list[float | None] = [0.0] * len(completions)

    def judge(index: int, algebra: Callable[[], Algebra]) -> None:
        try:
            text = strip_reasoning(completion_text(completions[index]))
            gold = _read_gold(ground_truth[index])
            scores[index] = _judge(gold, _answers(text, formats, gold), algebra)
        except WorkerLostError:
            scores[index] = None
        except BadGoldError as error:
            shown = _shown(ground_truth[index])
            raise InfrastructureError(
                f"ground_truth[{index}] = {shown} cannot be verified: {error}"
            ) from error

    waiting = []
    for index in range(len(completions)):
        try:
            judge(index, _NoAlgebra)
        except _NeedsWorkerError:
            waiting.append(index)
    if waiting:
        with ThreadPoolExecutor(min(shared_pool().size, -(-len(waiting) // _ROWS_PER_WORKER))) as threads:
            list(threads.map(lambda index: judge(index, _allowance), waiting))
    if lost := scores.count(None):
        report_failures(columns, "worker_lost", lost)
    return scores


def _answers(text: str, formats: SequenceOf[str], gold: Reading) -> list[Reading | None]:
    """What the completion may be saying: its final answer, or its last boxes together."""
    answers = [_read_or_none(final_answer(text, formats))]
    parts = _parts(gold)
    if parts is not None and len(parts.items) > 1 and "boxed" in formats:
        boxes = boxes_together(text, len(parts.items), either=parts.kind != "()")
        if len(boxes) == len(parts.items):
            items = [_read_or_none(box) for box in boxes]
            answers.append(Sequence("list", tuple(filter(None, items)), ", ".join(boxes)))
    return answers


def _parts(gold: Reading) -> Sequence | None:
    """The list, set or tuple that a ground truth is, where it has parts."""
    while isinstance(gold, Option | Relation):
        gold = gold.content if isinstance(gold, Option) else gold.parts[-1]
    return gold if isinstance(gold, Sequence) and gold.kind in ("list", "{}", "()") else None


def _judge(gold: Reading, answers: SequenceOf[Reading | None], algebra: Callable[[], Algebra]) -> float:
    # The ground truth is checked even without an answer: a broken one must show, not score 0.
    check_gold(gold, algebra())
    allowance = algebra()
    try:
        return float(any(answer is not None and same(gold, answer, allowance) for answer in answers))
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
