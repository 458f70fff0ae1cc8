"""The controls of ``training_signal``: GRPO really trains a small policy, and truths alone make it better."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from proving_ground.messages import completion_text
from proving_ground.validation.checks import Examination, fast_checks
from proving_ground.validation.inputs import Reward, Subject
from proving_ground.validation.statistics import _Lab, _learnable, _Lesson, _right_and_wrong
from proving_ground.validation.verdict import policy

WORDS = ["ant", "bat", "cow", "dog", "elk", "fox", "gnu", "hen", "owl", "pig", "ram", "yak"]


def reward(completions: object, ground_truth: list[str], **columns: object) -> list[float]:
    return [float(completion_text(c) == t) for c, t in zip(completions, ground_truth, strict=True)]  # type: ignore[call-overload]


def examined() -> tuple[Examination, _Lesson]:
    rng = random.Random(0)
    rows = [
        {"id": str(n), "prompt": [{"role": "user", "content": word}], "ground_truth": word}
        for n, word in enumerate(rng.choices(WORDS, k=300))
    ]
    right = [str(row["ground_truth"]) for row in rows]
    subject = Subject(
        name="words",
        reward=Reward("", "reward", reward, ""),
        rows=rows,
        references=right,
        wrong=[[] for _ in rows],
    )
    _, examination = fast_checks(subject, policy().thresholds, level="runtime")
    small = {"hidden_size": 64, "layers": 1, "heads": 4, "vocabulary": 300, "warm_start_steps": 200}
    return examination, _Lesson(
        rows,
        _right_and_wrong(examination, rows, right),
        rows[64:],
        rows[:64],
        small,
        {"max_completion_length": 8, "learning_rate": 1e-3},
    )


class Untrained(_Lab):
    """A lab in which the policy of each arm answers so many of eight samples right."""

    def __init__(self, e: Examination, lesson: _Lesson, right: Mapping[str, int]) -> None:
        self.e, self.lesson, self.right = e, lesson, right

    def policy(self, *_: Any) -> str:
        return "warm-started"

    def trainer(self, policy: str, *_: Any, **__: Any) -> str:
        return policy

    def train(self, name: str, *_: Any, **__: Any) -> str:
        return name

    def ask(self, trainer: str, rows: Sequence[Mapping[str, Any]], title: str) -> list[list[str]]:
        right = self.right.get(trainer, 2)
        return [[row["ground_truth"]] * right + ["?"] * (8 - right) for row in rows]


@pytest.mark.parametrize("control", ["truths shuffled", "constant reward", "learning rate 0", ""])
def test_what_a_control_teaches_as_well_is_not_the_rewards_doing(control: str) -> None:
    examination, lesson = examined()
    right = {"the reward": 6, control: 6}
    findings, _ = _learnable(examination, Untrained(examination, lesson, right))
    (signal,) = [each for each in findings if each.check_id == "statistical.training_signal"]
    assert signal.measured["not_below_it"] == ([control] if control else [])
    assert signal.status == ("fail" if control else "pass")


def test_groups_that_are_right_or_wrong_as_a_whole_have_no_gradient() -> None:
    class Decided(Untrained):
        def ask(self, trainer: str, rows: Sequence[Mapping[str, Any]], title: str) -> list[list[str]]:
            return [[row["ground_truth"] if number % 2 else "?"] * 8 for number, row in enumerate(rows)]

    examination, lesson = examined()
    findings, _ = _learnable(examination, Decided(examination, lesson, {}))
    (bound,) = [each for each in findings if each.check_id == "statistical.variance_bound"]
    assert bound.status == "fail" and bound.measured["share_with_a_gradient"] == 0.0


def test_true_truths_teach_and_shuffled_ones_do_not(tmp_path: Path) -> None:
    """The policy knows the form and half-knows the answers; hits on shuffled truths teach it nothing."""
    examination, lesson = examined()
    findings, _ = _learnable(examination, _Lab(examination, lesson, tmp_path))
    (signal,) = [each for each in findings if each.check_id == "statistical.training_signal"]
    arms = signal.measured["before, after, interval of the improvement"]
    assert signal.status == "pass", arms
    assert arms["the reward"][1] - arms["truths shuffled"][1] > 0.2, arms
