"""The one call of a reward, and the guard around it: what goes in is the same everywhere, what comes out is
checked before it counts.

Each stage and each training calls a reward as ``GRPOTrainer`` does, with the rows of ``training_rows``. The
guard (``checked``) refuses scores that would silently steer the policy (TRL takes a 7 or a ``NaN`` as it is),
bounds the time, counts failures, and says in which line of the reward something went wrong.
"""

import asyncio
import functools
import inspect
import math
import os
import sysconfig
import traceback
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

from proving_ground.errors import CannotRunError, ClaimError, InfrastructureError
from proving_ground.messages import Completion, completion_text, prompt_of
from proving_ground.rewards.time_limit import TimeUp, call_within

RewardCallable: TypeAlias = Callable[..., Sequence[float | None]]
Row: TypeAlias = dict[str, Any]
"""One row of the trainer's dataset: ``prompt``, and what the reward is called with besides."""

FAILED = "failed/"
"""Start of the metric names under which failures are logged; the kind follows."""
_SHOWN = 120


class RewardContractError(ClaimError):
    """A reward function broke its contract; the text names the check, the evidence and the remedy."""


def training_rows(samples: Sequence[Mapping[str, Any]], system_prompt: str | None = None) -> list[Row]:
    """What the trainer's dataset holds for each sample, in their order.

    ``prompt`` is the chat before the reference answer, a system message first if there is one. Every other
    key of a sample but ``messages`` is a column, ``metadata`` included. Arrow gives all rows of a column the
    same keys, with ``None`` where a row has none; that is done here, so that it is so in every stage.
    """
    keys = dict.fromkeys(key for sample in samples for key in sample if key != "messages")
    columns = {key: _same_keys([sample.get(key) for sample in samples]) for key in keys}
    prompts = _same_keys([prompt_of(sample, system_prompt) for sample in samples])
    return [
        {"prompt": prompt, **{key: values[index] for key, values in columns.items()}}
        for index, prompt in enumerate(prompts)
    ]


def _same_keys(values: list[Any]) -> list[Any]:
    """``values`` as Arrow gives them back: dicts, also in lists and in dicts, all have the same keys."""
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, Mapping) for value in there):
        keys = dict.fromkeys(key for value in there for key in value)
        merged = {key: iter(_same_keys([value.get(key) for value in there])) for key in keys}
        return [None if value is None else {key: next(merged[key]) for key in keys} for value in values]
    if there and all(isinstance(value, list | tuple) for value in there):
        flat = iter(_same_keys([item for value in there for item in value]))
        return [None if value is None else [next(flat) for _ in value] for value in values]
    return values


def call_reward(
    reward: RewardCallable,
    rows: Sequence[Mapping[str, Any]],
    completions: Sequence[Completion],
    completion_ids: Sequence[Sequence[int]] | None = None,
    failures: Counter[str] | None = None,
) -> list[float | None]:
    """Call ``reward`` exactly as ``GRPOTrainer`` does, once, for one completion of each row of
    ``training_rows``.

    The reward is given ``prompts``, ``completions`` (each a list of messages; a text becomes one assistant
    message), ``completion_ids``, each column as a list, ``trainer_state``, ``log_extra`` and ``log_metric``.
    Outside of a training there is no policy: ``trainer_state`` is that of a training's start, what is logged
    goes nowhere, and without ``completion_ids`` a completion's UTF-8 bytes stand in for its tokens. What the
    reward reports as failed (``report_failures``) is counted in ``failures``; without them it raises
    ``InfrastructureError``, as it does for rows of different columns.
    """
    if not completions:
        return []
    messages = [as_messages(completion) for completion in completions]
    ids = completion_ids or [completion_text(turn).encode("utf-8", "replace") for turn in messages]
    for index, row in enumerate(rows):
        if odd := sorted(row.keys() ^ rows[0].keys()):
            here, there = (index, 0) if odd[0] in rows[0] else (0, index)
            raise InfrastructureError(
                f"row {here} has no column {odd[0]!r}, which row {there} has; give all rows the same columns,"
                " None where there is no value"
            )
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "prompt"}
    failed: Counter[str] = Counter()

    def log_metric(name: str, value: float) -> None:
        if name.startswith(FAILED):
            failed[name.removeprefix(FAILED)] += int(value)

    scores = reward(
        prompts=[row["prompt"] for row in rows],
        completions=messages,
        completion_ids=[[*tokens] for tokens in ids],
        **columns,
        trainer_state=SimpleNamespace(global_step=0, max_steps=1, epoch=0.0, log_history=[]),
        log_extra=lambda column, values: None,
        log_metric=log_metric,
    )
    if failures is not None:
        failures.update(failed)
    elif lost := +failed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in lost.most_common())
        raise InfrastructureError(
            f"the reward could not score {lost.total()} of {len(messages)} completions ({kinds}); try again"
        )
    return [*scores]


def as_messages(completion: Completion) -> list[dict[str, Any]]:
    """One completion as messages that each have a text: a mere tool call has the empty one, not ``None``."""
    if isinstance(completion, str):
        return [{"role": "assistant", "content": completion}]
    return [
        {**message, "content": "" if (content := message.get("content")) is None else content}
        for message in completion
    ]


def with_sandbox(reward: RewardCallable, settings: Any) -> RewardCallable:
    """``reward`` with these ``SandboxSettings``, if it runs programs: its parameter ``sandbox`` says so."""
    if "sandbox" not in inspect.signature(reward).parameters:
        return reward
    bound = functools.partial(reward, sandbox=settings)
    functools.update_wrapper(bound, bound.func)
    return bound


def report_failures(columns: Mapping[str, Any], kind: str, count: int = 1) -> None:
    """Say that ``count`` completions could not be scored; a reward gives ``None`` for each of them.

    ``columns`` are the keyword arguments that the reward was called with. ``kind`` is a short word
    (``launch``, ``worker_lost``, ``service``). TRL logs it as ``failed/<kind>``; under a guard it counts
    against the budget ``training.failures``.
    """
    log_metric = columns.get("log_metric")
    if log_metric is not None:
        log_metric(f"{FAILED}{kind}", float(count))


class Failures:
    """What rewards could not score, counted by kind, against a budget (``training.failures``).

    The budget is a share of the last ``WINDOW`` completions that were scored. The first ``AT_LEAST`` count as
    if they were so many, so that one failure in a small first batch is none too many.
    """

    WINDOW = 1000
    AT_LEAST = 200

    def __init__(self, budget: float) -> None:
        """``budget``: the share, in [0, 1]. ``broken`` is why nothing can be scored any more, if it is so."""
        self.budget = budget
        self.kinds: Counter[str] = Counter()
        self.completions = 0
        self.broken = ""
        self._recent: deque[tuple[int, int]] = deque()

    def add(self, kinds: Mapping[str, int], completions: int) -> None:
        """Count one call of a reward over ``completions`` completions."""
        self.kinds.update(kinds)
        self.completions += completions
        self._recent.append((completions, sum(kinds.values())))
        while self.recent[0] - self._recent[0][0] >= self.WINDOW:
            self._recent.popleft()

    @property
    def recent(self) -> tuple[int, int]:
        """How many completions the budget looks back on, and how many of them failed."""
        return sum(count for count, _ in self._recent), sum(failed for _, failed in self._recent)

    @property
    def problem(self) -> str:
        """Why the training must stop, in one line; empty while the failures stay within the budget."""
        if self.broken:
            return self.broken
        seen, failed = self.recent
        if failed <= self.budget * max(seen, self.AT_LEAST):
            return ""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common())
        return (
            f"rewards could not score {failed} of the last {seen} completions, more than training.failures"
            f" ({self.budget:g}) allows; since the start: {kinds}"
        )


def checked(
    name: str, reward: RewardCallable, *, seconds: float | None = None, failures: Failures | None = None
) -> Callable[..., list[float | None]]:
    """Wrap ``reward`` so that each call returns one finite number in [0, 1], or ``None``, per completion.

    The wrapper is called ``name``, which TRL logs as ``rewards/<name>/mean``. Completions reach the reward as
    messages, whatever the trainer has (``as_messages``). ``CannotRunError`` (``InfrastructureError`` above
    all) passes through unchanged; everything else that goes wrong, a call longer than ``seconds`` included,
    raises ``RewardContractError``. What the reward reports as failed (``report_failures``) is counted in
    ``failures``; with them an ``InfrastructureError`` is no end in mid-step: the call scores nothing, and the
    training ends after its step (``training.failures.FailureBudget``).
    """
    counted = failures or Failures(1.0)

    @functools.wraps(reward)
    def wrapper(*, completions: Sequence[Completion], **columns: Any) -> list[float | None]:
        columns["completions"] = [as_messages(completion) for completion in completions]
        log: Any = columns.get("log_metric")
        failed = Counter[str]()

        def log_metric(metric: str, value: float) -> None:
            if metric.startswith(FAILED):
                failed[metric.removeprefix(FAILED)] += int(value)
            else:
                log(metric, value)

        if log is not None:
            columns["log_metric"] = log_metric
        try:
            scores = call_within(seconds, lambda: _scores(reward, columns))
        except TimeUp:
            raise RewardContractError(
                f"reward too slow: {name} was still running after {seconds:g} s; make it faster, bound its"
                " time, or raise training.health.reward_seconds"
            ) from None
        except InfrastructureError as error:
            if failures is None:
                raise
            failures.broken = str(error)
            scores, failed = [None] * len(completions), Counter(infrastructure=len(completions))
        except (CannotRunError, ClaimError):
            raise
        except Exception as error:
            raise RewardContractError(_told(name, reward, error, columns)) from error
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
        counted.add(failed, len(completions))
        if log is not None:
            # TRL averages over calls: a kind that has been seen is logged by each, so that none is left out.
            for kind in sorted(counted.kinds):
                log(f"{FAILED}{kind}", float(failed[kind]))
        return [
            checked_score(name, position, score, columns["completions"][position])
            for position, score in enumerate(scores)
        ]

    wrapper.__name__ = wrapper.__qualname__ = name
    return wrapper


def _scores(reward: RewardCallable, columns: Mapping[str, Any]) -> Any:
    scores = reward(**columns)
    return asyncio.run(_awaited(scores)) if inspect.isawaitable(scores) else scores


async def _awaited(scores: Awaitable[Any]) -> Any:
    return await scores


def checked_score(name: str, position: int, score: Any, completion: Completion) -> float | None:
    """One score that is ``None`` or a finite number in [0, 1]; ``RewardContractError`` for any other."""
    if score is None:
        return None
    where = f"{name} returned {score!r} for completion {position} ({_short(completion)})"
    number = as_float(score)
    if number is None:
        raise RewardContractError(f"reward type: {where}; return a float, or None where it does not apply")
    if not math.isfinite(number):
        raise RewardContractError(
            f"reward not finite: {where}; return 0.0 for a wrong answer, None where scoring itself failed"
        )
    if not 0 <= number <= 1:
        raise RewardContractError(f"reward range: {where}; scale scores into [0, 1]")
    return number


def as_float(score: Any) -> float | None:
    """A number of Python's, numpy's or torch's, which TRL takes all; ``None`` for anything else."""
    try:
        return float(score.__float__())  # a text has no such method, though float() would read it
    except OverflowError:
        return math.inf if score > 0 else -math.inf
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return None


def _short(completion: Completion) -> str:
    text = completion_text(completion)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _told(name: str, reward: RewardCallable, error: Exception, columns: Mapping[str, Any]) -> str:
    """What an exception of the reward says to a person: its line, its completion, the columns there are."""
    file, line, local = _place(reward, error)
    completions = columns["completions"]
    texts = [completion_text(completion) for completion in completions]
    # The completion at work is whatever the reward's own variables hold of them.
    mine = [
        index
        for index, (completion, text) in enumerate(zip(completions, texts, strict=True))
        if any(value is completion or (text and value is text) or value == text != "" for value in local)
    ]
    index = mine[0] if mine else 0
    shown = f" on completion {index} ({_short(completions[index])})" if completions else ""
    there = ""
    if isinstance(error, KeyError | TypeError):
        known = sorted(columns.keys() - {"log_extra", "log_metric"})
        there = f"; the columns are {', '.join(known)}"
    return (
        f"reward function {name}() raised {type(error).__name__}: {error} ({file}:{line}){shown}{there};"
        " give a wrong or malformed answer 0.0, and raise InfrastructureError when scoring itself cannot work"
    )


def raised_at(reward: RewardCallable, error: BaseException) -> str:
    """``file:line`` of the reward's own code where ``error``, which a call of it raised, came from."""
    file, line, _ = _place(reward, error)
    return f"{file}:{line}"


def _place(reward: RewardCallable, error: BaseException) -> tuple[str, int, list[Any]]:
    """File, line and local values of the innermost frame in the reward's own file, not in a library's."""
    function = inspect.unwrap(reward.func if isinstance(reward, functools.partial) else reward)
    code = getattr(function, "__code__", None) or type(function).__call__.__code__
    package = str(Path(__file__).parents[1])
    libraries = (*(sysconfig.get_path(key) for key in ("stdlib", "purelib", "platlib")), package)
    frames = [*traceback.walk_tb(error.__traceback__)]
    own = [place for place in frames if place[0].f_code.co_filename == code.co_filename]
    if code.co_filename.startswith(package):
        # One of this package's may be made of somebody's parts: then theirs is the place to look at.
        theirs = [place for place in frames if not place[0].f_code.co_filename.startswith(libraries)]
        own = theirs or [place for place in own if place[0].f_code.co_filename != __file__]
    if not own:  # it could not even be called
        return _near(code.co_filename), code.co_firstlineno, []
    frame, line = own[-1]
    return _near(frame.f_code.co_filename), line, [*frame.f_locals.values()]


def _near(file: str) -> str:
    return os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file
