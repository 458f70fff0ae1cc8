"""What stands between a reward function and whoever calls it: what it returns is checked before it counts.

TRL turns ``None`` into ``NaN`` and takes any number it is given; a score of 7 or a ``NaN`` would
silently steer the policy.
"""

import contextlib
import functools
import math
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from proving_ground.errors import CannotRunError, ClaimError

RewardCallable: TypeAlias = Callable[..., Sequence[float | None]]


class RewardContractError(ClaimError):
    """A reward function broke its contract; the text names the check, the evidence and the remedy."""


def checked(
    name: str, reward: RewardCallable, *, seconds: float | None = None
) -> Callable[..., list[float | None]]:
    """Wrap ``reward`` so that each call returns one finite number in [0, 1], or ``None``, per completion.

    The wrapper is called ``name``, which TRL logs as ``rewards/<name>/mean``. ``CannotRunError``
    (``InfrastructureError`` above all) passes through unchanged; everything else that goes wrong, a call
    longer than ``seconds`` included, raises ``RewardContractError``.
    """

    @functools.wraps(reward)
    def wrapper(*, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        try:
            with _time_limit(name, seconds):
                scores = reward(completions=completions, **columns)
        except (CannotRunError, ClaimError):
            raise
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno}"
            raise RewardContractError(
                f"reward raised: {name} raised {type(error).__name__}: {error} ({where}); give a wrong or "
                "malformed answer 0.0, and raise InfrastructureError when scoring itself cannot work"
            ) from error
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
    if not isinstance(score, int | float):
        raise RewardContractError(f"reward type: {where}; return a float, or None where it does not apply")
    if not math.isfinite(score):
        raise RewardContractError(
            f"reward not finite: {where}; return 0.0 for a wrong answer, raise when scoring itself failed"
        )
    if not 0 <= score <= 1:
        raise RewardContractError(f"reward range: {where}; scale scores into [0, 1]")
    return float(score)


@contextlib.contextmanager
def _time_limit(name: str, seconds: float | None) -> Iterator[None]:
    """Interrupt the main thread after ``seconds``; elsewhere Python has no way to interrupt a function."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    expired = threading.Event()
    main = threading.get_ident()

    def interrupt() -> None:
        expired.set()
        signal.pthread_kill(main, signal.SIGINT)  # unlike interrupt_main, it ends a sleep or a blocking read

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if not expired.is_set():
            raise
        raise RewardContractError(
            f"reward too slow: {name} was still running after {seconds:g} s; make it faster, bound its time,"
            " or raise training.health.reward_seconds"
        ) from None
    finally:
        timer.cancel()
