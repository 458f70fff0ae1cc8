"""The adapter between rewards and TRL, which needs no torch."""

import asyncio
import json
import math
import os
import time
from collections import Counter
from typing import Any

import numpy
import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.rewards.composite import make_composite_reward
from proving_ground.rewards.contract import (
    Failures,
    RewardContractError,
    call_reward,
    checked,
    report_failures,
    training_rows,
)


def call(scores: Any, completions: int = 2, seconds: float | None = None) -> list[float | None]:
    def reward(completions: list[str], **columns: Any) -> Any:
        return scores() if callable(scores) else scores

    return checked("mine", reward, seconds=seconds)(completions=["a"] * completions)


def test_good_scores_pass_through_under_the_name_that_trl_logs() -> None:
    assert call([1, None]) == [1.0, None]
    assert call([True, 0.5]) == call([numpy.bool_(True), numpy.float32(0.5)]) == [1.0, 0.5]
    assert checked("mine", lambda completions: [])(completions=[]) == []
    assert checked("mine", lambda completions: []).__name__ == "mine"


@pytest.mark.parametrize(
    ("scores", "check"),
    [
        ([1.0], "reward length"),
        ([1.0, 0.0, 0.0], "reward length"),
        ([], "reward length"),
        (1.0, "reward type"),
        ("10", "reward type"),
        ({"a": 1.0, "b": 0.0}, "reward type"),
        (None, "reward type"),
        (["1.0", 0.0], "reward type"),
        ([[1.0], 0.0], "reward type"),
        ([numpy.array([1.0, 0.0]), 0.0], "reward type"),
        ([math.nan, 0.0], "reward not finite"),
        ([0.0, math.inf], "reward not finite"),
        ([1.5, 0.0], "reward range"),
        ([2**1024, 0.0], "reward not finite"),
        ([0.0, -0.1], "reward range"),
    ],
)
def test_what_breaks_the_contract_is_named(scores: Any, check: str) -> None:
    with pytest.raises(RewardContractError, match=f"^{check}: mine returned .*; "):
        call(scores)


def test_an_exception_is_named_with_its_place() -> None:
    with pytest.raises(
        RewardContractError,
        match=r"reward function mine\(\) raised ZeroDivisionError.*test_reward_contract.py:\d+",
    ):
        call(lambda: 1 / 0)


def sample(name: str, question: str, **columns: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": "yes"}]
    return {"id": name, "ground_truth": "1", "messages": messages, **columns}


ROWS = [sample("a", "?", metadata={"k": 1}), sample("b", "!", metadata={"l": 2})]


def test_rows_are_what_the_trainer_holds() -> None:
    """Dicts of a column have all keys, as Arrow gives them back."""
    first, second = training_rows(ROWS, "Be brief.")
    system = {"role": "system", "content": "Be brief."}
    assert first["prompt"] == [system, {"role": "user", "content": "?"}]
    assert "messages" not in first and first["ground_truth"] == "1"
    assert (first["metadata"], second["metadata"]) == ({"k": 1, "l": None}, {"k": None, "l": 2})
    deep = [
        {**row, "deep": value} for row, value in zip(ROWS, ([{"a": 1}, {"b": {"c": 2}}], None), strict=True)
    ]
    assert [row["deep"] for row in training_rows(deep)] == [
        [{"a": 1, "b": None}, {"a": None, "b": {"c": 2}}],
        None,
    ]


def test_a_column_that_one_row_lacks_is_none_there() -> None:
    rows = training_rows([ROWS[0], {**ROWS[1], "hint": "x"}])
    assert [row["hint"] for row in rows] == [None, "x"]


@pytest.mark.parametrize(("with_hint", "lacks"), [(0, 1), (1, 0)])
def test_rows_of_different_columns_are_refused_in_one_line(with_hint: int, lacks: int) -> None:
    rows = [{"prompt": "?", "ground_truth": "1"} for _ in range(2)]
    rows[with_hint]["hint"] = "x"
    with pytest.raises(
        InfrastructureError, match=f"row {lacks} has no column 'hint', which row {with_hint}"
    ) as caught:
        call_reward(lambda **columns: [1.0, 1.0], rows, ["a", "b"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "completion", ["yes", [{"content": "yes"}], [{"content": None}], [{"tool_calls": []}]]
)
def test_the_idiom_of_trl_works_for_whatever_came_back(completion: Any) -> None:
    def reward(completions: Any, **columns: Any) -> list[float]:
        return [len(completion[0]["content"]) / 3 for completion in completions]

    expected = [1.0] if "yes" in str(completion) else [0.0]
    assert call_reward(reward, training_rows(ROWS[:1]), [completion]) == expected
    assert checked("mine", reward)(completions=[completion]) == expected


def test_async_rewards_are_awaited_as_trl_does() -> None:
    async def reward(completions: Any, **columns: Any) -> list[float]:
        await asyncio.sleep(0)
        return [0.5] * len(completions)

    assert checked("mine", reward, seconds=60)(completions=["a", "b"]) == [0.5, 0.5]

    async def hangs(completions: Any, **columns: Any) -> list[float]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(RewardContractError, match="reward too slow"):
        checked("mine", hangs, seconds=0.1)(completions=["a"])


def told(reward: Any, completions: Any = ("first", "second one that is broken"), **columns: Any) -> str:
    with pytest.raises(RewardContractError) as caught:
        checked("mine", reward)(completions=completions, **columns)
    return str(caught.value)


def test_a_broken_reward_is_told_its_own_line_and_the_completion() -> None:
    """Not the library's line in which json gave up, and not the first completion."""

    def reward(completions: Any, **columns: Any) -> list[float]:
        return [
            float(json.loads(completion[0]["content"])) if "broken" in completion[0]["content"] else 0.0
            for completion in completions
        ]

    line = reward.__code__.co_firstlineno + 2
    text = told(reward)
    assert f"raised JSONDecodeError: Expecting value: line 1 column 1 (char 0) ({here()}:{line})" in text
    assert "on completion 1 ('second one that is broken')" in text and "first" not in text
    assert "… " not in text and "…')" in told(reward, ["broken " * 100])


def test_a_missing_column_is_told_with_those_there_are() -> None:
    def lacks(completions: Any, answer: Any, **columns: Any) -> list[float]:
        return []

    def looks(completions: Any, **columns: Any) -> list[float]:
        return columns["answer"]  # type: ignore[no-any-return]

    for reward, line in ((lacks, 0), (looks, 1)):
        text = told(reward, ground_truth=["1", "2"], metadata=[{}, {}])
        assert "answer" in text and f"{here()}:{reward.__code__.co_firstlineno + line}" in text
        assert "; the columns are completions, ground_truth, metadata;" in text


def test_a_part_of_a_composite_is_told_its_own_line() -> None:
    def part(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
        return [1 / 0]

    whole = make_composite_reward({"mine": part}, {"mine": 1.0})
    assert f"{here()}:{part.__code__.co_firstlineno + 1}" in told(
        whole, ["x"], ground_truth=['{"mine": "1"}']
    )


def here() -> str:
    return os.path.relpath(__file__)


@pytest.mark.parametrize("score", [7, -0.5, float("nan"), "1"])
def test_a_score_of_a_part_is_checked_like_a_whole_one(score: Any) -> None:
    """A part of 7 with a weight of 0.1 beside a zero would pass as a whole score."""

    def part(completions: Any, ground_truth: Any, **columns: Any) -> Any:
        return [score]

    def zero(completions: Any, ground_truth: Any, **columns: Any) -> Any:
        return [0.6]

    whole = make_composite_reward({"part": part, "zero": zero}, {"part": 0.1, "zero": 0.9})
    truth = ['{"part": "x", "zero": "y"}']
    for reward in (whole, whole.parts["part"]):
        with pytest.raises(RewardContractError, match=rf"part returned {score!r} for completion 0 \('x'\)"):
            reward(["x"], truth)


def nowhere(name: str, value: float) -> None:
    pass


def test_a_part_that_failed_leaves_the_whole_unscored() -> None:
    """The other part's score alone would be a guess; a part that does not apply is left out as before."""
    reported: list[str] = []

    def fails(completions: Any, **columns: Any) -> list[float | None]:
        report_failures(columns, "launch")
        return [None, *([0.5] * (len(completions) - 1))]

    def right(completions: Any, **columns: Any) -> list[float | None]:
        return [1.0] * len(completions)

    whole = make_composite_reward({"code": fails, "math": right}, {"code": 0.5, "math": 0.5})
    truths = ['{"math": "1"}', '{"code": "1", "math": "1"}', '{"code": "1", "math": "1"}']
    scores = whole(["x"] * 3, truths, log_metric=lambda name, value: reported.append(name))
    assert (scores, reported) == ([1.0, None, 0.75], ["failed/launch"])


def failing(share: int, kind: str = "launch") -> Any:
    """A reward that fails to score each ``share``-th completion that it ever sees."""
    seen = [0]

    def reward(completions: Any, **columns: Any) -> list[float | None]:
        scores: list[float | None] = []
        for _ in completions:
            seen[0] += 1
            scores.append(None if seen[0] % share == 0 else 1.0)
        if lost := scores.count(None):
            report_failures(columns, kind, lost)
        return scores

    return reward


@pytest.mark.parametrize("batch", [1, 16, 64, 500])
def test_a_few_failures_are_counted_and_a_twentieth_stops(batch: int) -> None:
    failures = Failures(0.02)
    reward = checked("mine", failing(1000), failures=failures)
    for _ in range(0, 10_000, batch):
        reward(completions=["x"] * batch, log_metric=nowhere)
        assert failures.problem == ""
    assert 9 <= failures.kinds["launch"] <= 10 and failures.completions >= 10_000

    failures, calls = Failures(0.02), 0
    reward = checked("mine", failing(20, "worker_lost"), failures=failures)
    while not failures.problem:
        reward(completions=["x"] * batch, log_metric=nowhere)
        calls += 1
        assert (calls - 1) * batch < 100, "within one batch, or a hundred completions of smaller ones"
    assert "more than training.failures (0.02) allows; since the start: " in failures.problem
    assert failures.problem.endswith(f"{failures.kinds['worker_lost']} worker_lost")


def test_late_failures_stop_as_well() -> None:
    """What went well long ago is no budget for a service that is gone now."""
    failures = Failures(0.02)
    for _ in range(1000):
        failures.add({}, 100)
    failures.add({"service": 30}, 64)
    assert "30 of the last 1064" in failures.problem


def test_failures_reach_the_log_of_the_trainer_by_kind() -> None:
    logged: list[tuple[str, float]] = []
    reward = checked("mine", failing(2))
    for count in (2, 1):
        reward(completions=["x"] * count, log_metric=lambda name, value: logged.append((name, value)))
    assert logged == [("failed/launch", 1.0), ("failed/launch", 0.0)], "zeros too, as TRL averages over calls"
    bare: list[tuple[str, float]] = []
    failing(2)(["x"] * 4, log_metric=lambda name, value: bare.append((name, value)))
    assert bare == [("failed/launch", 2.0)], "a trainer of one's own sees them, too"
    assert failing(1)(["x"]) == [None], "and a call without any trainer is none the worse"


def test_outside_of_a_training_a_failure_is_an_error_or_counted() -> None:
    rows = training_rows(ROWS)
    with pytest.raises(InfrastructureError, match=r"could not score 1 of 2 completions \(1 launch\)"):
        call_reward(checked("mine", failing(2)), rows, ["a", "b"])
    lost: Counter[str] = Counter()
    assert call_reward(checked("mine", failing(2)), rows, ["a", "b"], failures=lost) == [1.0, None]
    assert lost == {"launch": 1}


def test_in_a_training_a_service_that_is_gone_stops_it_after_the_step() -> None:
    def gone(completions: Any, **columns: Any) -> list[float]:
        raise InfrastructureError("the service is gone")

    failures = Failures(0.5)
    assert checked("mine", gone, failures=failures)(completions=["a", "b"]) == [None, None]
    assert failures.problem == "the service is gone"


def test_infrastructure_failures_pass_unchanged() -> None:
    def broken() -> None:
        raise InfrastructureError("the sandbox is gone")

    with pytest.raises(InfrastructureError, match=r"^the sandbox is gone$"):
        call(broken)


def test_a_reward_that_hangs_is_interrupted() -> None:
    started = time.monotonic()
    with pytest.raises(RewardContractError, match=r"reward too slow: mine was still running after 0\.2 s"):
        call(lambda: time.sleep(30), seconds=0.2)
    assert time.monotonic() - started < 10
    assert call([1.0, 0.0], seconds=5.0) == [1.0, 0.0]


def test_a_keyboard_interrupt_stays_one() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, seconds=60.0)
