"""One score from several rewards: each part scores its piece of the ground truth, weights combine them.

The ground truth of a row is a JSON object with a key per part, ``{"math": "7", "code": [...tests]}``. A part
gets its value as it would get a whole ground truth: a string as it is, anything else as JSON text.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NoReturn, TypeAlias

from proving_ground.errors import InfrastructureError
from proving_ground.messages import Completion
from proving_ground.rewards.code import code_reward
from proving_ground.rewards.contract import FAILED, checked_score, with_sandbox
from proving_ground.rewards.math import math_reward
from proving_ground.rewards.rows import row_name
from proving_ground.strict_json import read_document

Reward: TypeAlias = Callable[..., Sequence[float | None]]


class PartReward:
    """One part alone, as a reward function over composite rows, so that TRL logs and weighs it by itself."""

    def __init__(self, name: str, reward: Reward) -> None:
        self.name, self.reward = name, reward
        self.__name__ = name

    def __call__(
        self,
        completions: Sequence[Completion],
        ground_truth: Sequence[str],
        *,
        sandbox: Any = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score the rows that have this part; ``None`` for those that have not.

        Raises ``InfrastructureError`` for a ground truth that is no JSON object with at least one part, and
        whatever the part's reward raises.
        """
        if isinstance(ground_truth, str) or len(completions) != len(ground_truth):
            raise InfrastructureError(
                f"{self.name} needs one ground truth for each of {len(completions)} completions"
            )
        truths = [_truth(truth, row_name(i, columns.get("id"))) for i, truth in enumerate(ground_truth)]
        mine = [index for index, truth in enumerate(truths) if self.name in truth]
        scores: list[float | None] = [None] * len(completions)
        if mine:
            chosen = {
                key: [values[index] for index in mine] if _is_column(values, len(truths)) else values
                for key, values in columns.items()
            }
            reward = self.reward if sandbox is None else with_sandbox(self.reward, sandbox)
            found = reward(
                completions=[completions[index] for index in mine],
                ground_truth=[truths[index][self.name] for index in mine],
                **chosen,
            )
            for index, score in zip(mine, found, strict=True):
                scores[index] = checked_score(self.name, index, score, completions[index])
        return scores


class CompositeReward:
    """The weighted mean of several parts; a class, so that it can be pickled for a rollout worker."""

    def __init__(self, parts: Mapping[str, Reward], weights: Mapping[str, float], gate: str | None) -> None:
        if not parts or parts.keys() != weights.keys():
            raise ValueError(f"parts {sorted(parts)} and weights {sorted(weights)} must name the same")
        if not all(math.isfinite(weight) and weight > 0 for weight in weights.values()):
            raise ValueError(f"weights must be positive numbers: {dict(weights)}")
        if gate is not None and gate not in parts:
            raise ValueError(f"the gate {gate!r} is none of the parts {sorted(parts)}")
        self.parts = {name: PartReward(name, reward) for name, reward in parts.items()}
        self.weights, self.gate = dict(weights), gate
        self.__name__ = "composite_reward"

    def __call__(
        self,
        completions: Sequence[Completion],
        ground_truth: Sequence[str],
        *,
        sandbox: Any = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score each completion: the weighted mean of its parts, in [0, 1].

        ``ground_truth``: for each a JSON object with one or more of the parts. Other columns reach every
        part, and ``sandbox`` (``SandboxSettings``) those that run programs. A part that does not apply (it is
        not in the row, or its reward says ``None``) is left out and the other weights are scaled up to fill
        its place; ``None`` when none applies, and when a part failed to score (``report_failures``). With a
        gate, the other parts count only where the gate's score is 1.0, or where it does not apply.

        Raises ``InfrastructureError`` for a broken ground truth, and what a part raises, unchanged.
        """
        for index, truth in enumerate([] if isinstance(ground_truth, str) else ground_truth):
            where = row_name(index, columns.get("id"))
            if unknown := _truth(truth, where).keys() - self.parts.keys():
                _broken(where, f"unknown part {min(unknown)!r}; the parts are {', '.join(self.parts)}")
        scores, lost = [], set[int]()
        for name, part in self.parts.items():
            failures: list[str] = []
            given = _reporting_to(failures, columns)
            found = part(completions, ground_truth, sandbox=sandbox, **given)
            scores.append(found)
            if failures:  # the other parts alone would score what nobody knows
                lost |= {
                    index
                    for index, score in enumerate(found)
                    if score is None and name in _truth(ground_truth[index], "")
                }
        return [
            None if index in lost else self.combine(dict(zip(self.parts, row, strict=True)))
            for index, row in enumerate(zip(*scores, strict=True))
        ]

    def combine(self, scores: Mapping[str, float | None]) -> float | None:
        """The score of one completion from the scores of its parts."""
        applicable = {name: score for name, score in scores.items() if score is not None}
        if not applicable:
            return None
        if self.gate in applicable and applicable[self.gate] < 1.0:
            applicable = {name: score if name == self.gate else 0.0 for name, score in applicable.items()}
        # The products and the weights are summed alike, so that full marks in all parts are exactly 1.0.
        earned = math.fsum(self.weights[name] * score for name, score in applicable.items())
        return earned / math.fsum(self.weights[name] for name in applicable)


def make_composite_reward(
    parts: Mapping[str, Reward], weights: Mapping[str, float], gate: str | None = None
) -> CompositeReward:
    """Combine reward functions, named as in the ground truth, by positive ``weights``.

    TRL does the same with several reward functions and ``reward_weights``, but for two things: it adds
    instead of averaging, so a row that lacks a part can earn less there (the advantages within its group
    are the same once scaled), and it knows no gate. Raises ``ValueError`` for names or weights that do not
    fit.
    """
    return CompositeReward(parts, weights, gate)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, str]:
    value = read_document(text)
    if not isinstance(value, dict) or not value:
        raise ValueError("expected a JSON object with one or more parts")
    return {name: part if isinstance(part, str) else json.dumps(part) for name, part in value.items()}


def _truth(text: Any, where: str) -> Mapping[str, str]:
    if not isinstance(text, str):
        _broken(where, f"expected a JSON string, found {type(text).__name__}")
    try:
        return _parsed(text)
    except ValueError as error:
        _broken(where, str(error))


def _broken(where: str, problem: str) -> NoReturn:
    raise InfrastructureError(f"broken ground_truth of {where}: {problem}; fix the dataset")


def _reporting_to(failures: list[str], columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """``columns`` whose ``log_metric`` also notes in ``failures`` what is reported as failed."""
    log = columns.get("log_metric")
    if log is None:
        return columns

    def log_metric(name: str, value: float) -> None:
        if name.startswith(FAILED):
            failures.append(name)
        log(name, value)

    return {**columns, "log_metric": log_metric}


def _is_column(values: Any, rows: int) -> bool:
    """Whether this is one value per row; TRL also passes its state and functions."""
    return isinstance(values, list | tuple) and len(values) == rows


composite_reward = make_composite_reward(
    {"math": math_reward, "code": partial(code_reward, all_or_nothing=True)}, {"math": 0.5, "code": 0.5}
)
math_part = composite_reward.parts["math"]
code_part = composite_reward.parts["code"]
