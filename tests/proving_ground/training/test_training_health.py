"""Each health check, provoked by a run that really has the symptom."""

import itertools
import json
import math
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from proving_ground.config import HealthConfig
from proving_ground.errors import ClaimError, InfrastructureError
from proving_ground.rewards.contract import RewardContractError
from tests.proving_ground.training import words


def always(score: float | None) -> Callable[..., list[float | None]]:
    return lambda completions, **columns: [score] * len(completions)


def by_prompt(completions: Any, ground_truth: list[str], **columns: Any) -> list[float | None]:
    """The same for every completion of a group, different between groups."""
    return [len(truth) % 3 / 3 for truth in ground_truth]


def noise(completions: Any, **columns: Any) -> list[float | None]:
    """Variance enough that the policy is pushed about, whatever it says."""
    return [random.random() for _ in completions]


def one_answer(completions: Any, **columns: Any) -> list[float | None]:
    """Best is the same answer to every prompt, and it is never quite as good as it could be."""
    texts = [each[0]["content"] for each in completions]
    return [0.1 * random.random() + 0.8 * ("ant" in text and len(text) < 12) for text in texts]


PROVOKED = {
    "no weight changed": (words.reward, {"learning_rate": 0.0}, {}),
    "constant reward": (always(0.5), {}, {}),
    "no reward variance": (by_prompt, {}, {}),
    "completions truncated": (noise, {"max_completion_length": 1}, {}),
    "entropy collapse": (
        one_answer,
        {"learning_rate": 5e-3, "max_steps": 60, "per_device_train_batch_size": 64},
        {"min_entropy": 0.1},
    ),
    "KL blow-up": (noise, {"learning_rate": 0.1, "beta": 0.01, "max_steps": 10}, {"max_kl": 1.0}),
    "non-finite": (noise, {"learning_rate": 1e39}, {}),
}


@pytest.mark.parametrize("name", PROVOKED)
def test_the_check_stops_the_run_with_evidence_and_remedy(training: Any, name: str) -> None:
    reward, grpo, health = PROVOKED[name]
    trainer = training(reward, grpo=grpo, health=health)
    with pytest.raises(ClaimError, match=rf"^{name}: .* \(step \d+\); \w+ ") as caught:
        trainer.train()
    assert "\n" not in str(caught.value)
    assert trainer.health.found == [name]
    assert trainer.state.global_step < trainer.args.max_steps, "not at the end alone"


def test_a_loss_that_is_not_finite_is_seen_as_it_was(training: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer's own filter logs the mean of the steps before in its place."""
    trainer = training(noise)
    compute = trainer.compute_loss

    def infinite(*args: Any, **options: Any) -> Any:
        loss = compute(*args, **options)
        return loss + (math.inf if trainer.state.global_step == 1 else 0.0)  # the gradient is as it was

    monkeypatch.setattr(trainer, "compute_loss", infinite)
    with pytest.raises(ClaimError, match=r"^non-finite: loss is inf \(step 2\); "):
        trainer.train()


def test_a_reward_that_never_applies_is_named_and_one_step_without_scores_is_not(training: Any) -> None:
    with pytest.raises(ClaimError, match=r"^nothing scored: every reward gave None .* \(step 2\); "):
        training(always(None), health={"patience": 2}).train()
    calls = itertools.count()

    def now_and_then(completions: Any, **columns: Any) -> list[float | None]:
        return always(None)(completions) if next(calls) == 0 else noise(completions)

    trainer = training(now_and_then, grpo={"max_steps": 3}, health={"patience": 2})
    trainer.train()
    assert trainer.state.global_step == 3 and trainer.health.found == []


def test_a_high_learning_rate_collapses_the_policy_and_stops(training: Any) -> None:
    trainer = training(grpo={"learning_rate": 1e-1, "max_steps": 40})
    with pytest.raises(ClaimError):
        trainer.train()
    assert trainer.state.global_step < 40


def test_a_run_without_reward_says_what_its_completions_were_like(training: Any) -> None:
    trainer = training(always(0.0), grpo={"max_completion_length": 3}, health={"patience": 1})
    trainer.health.find_answer = lambda text: "answer" if "<answer>" in text else None
    with pytest.raises(ClaimError) as caught:
        trainer.train()
    said = re.search(
        r"^constant reward: every completion since the start got 0; of the last (\d+) (\d+) were cut off at"
        r" the length limit, (\d+) held no answer, (\d+) a wrong one, such as '.*' and '.*' \(step 1\)",
        str(caught.value),
    )
    assert said is not None, str(caught.value)
    total, cut_off, unanswered, wrong = map(int, said.groups())
    assert total == 16 == cut_off + unanswered + wrong
    assert cut_off > 0, "three tokens are too few for the longer answers"


def found_in(history: list[dict[str, float]]) -> list[str]:
    """What the checks find in a finished run, as a run of the default patience sees it step by step."""
    from proving_ground.training.health import HealthChecks

    checks = HealthChecks(HealthConfig(on_failure="warn"))
    for end in range(1, len(history) + 1):
        checks.check(history[:end])
    return checks.found


def logged(*steps: tuple[float, float, float, float]) -> list[dict[str, float]]:
    """Logs of reward, share of groups with equal rewards, entropy and share of cut off completions."""
    names = ("reward", "frac_reward_zero_std", "entropy", "completions/clipped_ratio")
    rest = {"loss": 0.1, "grad_norm": 1.0, "reward_std": 0.3, "completions/max_length": 40.0}
    return [
        {**rest, "step": number, **dict(zip(names, each, strict=True))}
        for number, each in enumerate(steps, 1)
    ]


def test_every_end_that_generation_knows_is_an_end() -> None:
    """Pretrained models have several; TRL takes the pad token for one, too."""
    from proving_ground.training.health import HealthChecks
    from proving_ground.training.policy import Policy, with_ended_completions

    model: Any = torch.nn.Linear(1, 1)
    model.generation_config = SimpleNamespace(eos_token_id=[7, 8])
    tokenizer: Any = SimpleNamespace(eos_token_id=9, pad_token_id=6)
    checks, unused = HealthChecks(HealthConfig()), cast("Any", None)
    checks.on_init_end(unused, unused, unused, model=model, processing_class=tokenizer)
    given: dict[str, Any] = {
        "completions": [*"abcdef"],
        "completion_ids": [[1, 6], [1, 7], [1, 8], [1, 9], [1, 2], []],
    }
    reward = with_ended_completions(checks.watched(always(1.0)), Policy(model, tokenizer))
    assert reward(**given) == [1.0] * 4 + [0.0] * 2
    assert "of the last 6 1 were cut off" in checks._unrewarded()


def test_a_supervised_start_that_was_too_long_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """SmolLM2-135M after 16 supervised steps: sure of each token, 0.6 right, and 40 steps taught nothing."""
    rng = random.Random(0)
    stuck = [
        (rng.uniform(0.5, 0.75), rng.choice([0.5, 0.75, 1.0]), rng.uniform(0.01, 0.05), 0.0)
        for _ in range(40)
    ]
    assert found_in(logged(*stuck)) == ["nothing to explore"]
    assert "shorten model.supervised_start" in capsys.readouterr().err
    learning = [(0.1 + number / 20, 0.5, 0.8 - number / 20, 0.0) for number in range(10)]
    assert found_in(logged(*learning, *stuck)) == [], "a policy that was taught may be sure in the end"


@pytest.mark.parametrize("key", ["loss", "grad_norm", "kl"])
def test_each_number_that_is_not_finite_is_named(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    (step,) = logged((0.5, 0.0, 1.0, 0.0))
    assert found_in([step]) == []
    assert found_in([{**step, key: math.inf}])[:1] == ["non-finite"]
    assert f"warning: non-finite: {key} is inf (step 1); " in capsys.readouterr().err


def test_a_policy_that_forgets_to_end_is_named() -> None:
    """SmolLM2-135M at a learning rate of 3e-5: from the eighth step on it goes on after its answer."""
    rewards = [0.1, 0.2, 0.125, 0.175, 0.4, 0.375, 0.275, 0.05, 0.2, 0.475, 0.425, 0.15, 0.275, 0.225]
    clipped = [0.35, 0.32, 0.17, 0.2, 0.12, 0.12, 0.4, 0.68, 0.82, 0.88, 0.85, 0.93, 0.93, 0.88]
    run = [(reward, 0.6, 0.5, cut) for reward, cut in zip(rewards, clipped, strict=True)]
    assert found_in(logged(*run)) == []
    assert found_in(logged(*run, *run[8:])) == ["completions truncated"]


def test_a_run_that_learns_is_left_alone() -> None:
    """The embedded policy of the template: near its end it is sure as well, and right."""
    rewards = [
        0.19,
        0.41,
        0.55,
        0.78,
        0.86,
        0.8,
        0.89,
        0.95,
        0.92,
        0.88,
        0.97,
        0.94,
        0.98,
        0.95,
        0.97,
        0.91,
        0.97,
    ]
    equal = [
        0.12,
        0.0,
        0.0,
        0.12,
        0.25,
        0.12,
        0.38,
        0.62,
        0.5,
        0.38,
        0.75,
        0.62,
        0.88,
        0.62,
        0.75,
        0.38,
        0.75,
    ]
    entropy = [
        0.37,
        0.27,
        0.25,
        0.18,
        0.17,
        0.18,
        0.16,
        0.1,
        0.1,
        0.06,
        0.05,
        0.05,
        0.04,
        0.05,
        0.04,
        0.05,
        0.04,
    ]
    assert found_in(logged(*zip(rewards, equal, entropy, [0.0] * len(rewards), strict=True))) == []


def test_warn_lets_the_run_finish_and_says_it_once(training: Any, capfd: pytest.CaptureFixture[str]) -> None:
    trainer = training(always(0.5), grpo={"max_steps": 5}, health={"on_failure": "warn"})
    trainer.train()
    assert trainer.state.global_step == 5
    assert trainer.health.found == ["constant reward", "no reward variance", "no weight changed"]
    assert capfd.readouterr().err.count("warning: constant reward: ") == 1


def test_a_policy_that_has_arrived_is_not_sick(training: Any) -> None:
    """Every reward 1.0 in the end is what training is for: only a run that never saw another is suspect."""
    scores = itertools.chain([0.0, 1.0] * 8, itertools.repeat(1.0))

    def learnt(completions: Any, **columns: Any) -> list[float | None]:
        return [next(scores) for _ in completions]

    trainer = training(learnt, grpo={"max_steps": 6})
    trainer.train()
    assert trainer.state.global_step == 6
    assert trainer.health.found == []


def test_a_short_run_is_held_to_what_it_has_shown(training: Any) -> None:
    with pytest.raises(ClaimError, match=r"^constant reward: .*step 1"):
        training(always(0.0), grpo={"max_steps": 1}, health={"patience": 50}).train()


@pytest.mark.parametrize(
    ("reward", "check"),
    [
        (lambda completions, **columns: [1.0], "reward length"),
        (lambda completions, **columns: 1.0, "reward type"),
        (always(7.0), "reward range"),
        (always(math.nan), "reward not finite"),
        (lambda completions, **columns: [columns["nonsense"]], "reward function .* raised KeyError"),
        (lambda completions, **columns: time.sleep(60), "reward too slow"),
    ],
    ids=["length", "type", "range", "nan", "raises", "sleeps"],
)
def test_a_broken_reward_stops_the_run(training: Any, reward: Any, check: str) -> None:
    trainer = training(reward, health={"reward_seconds": 0.3})
    with pytest.raises(RewardContractError, match=f"^{check}: "):
        trainer.train()


def test_a_broken_service_stops_the_run_as_itself(training: Any) -> None:
    def broken(completions: Any, **columns: Any) -> list[float | None]:
        raise InfrastructureError("the sandbox is gone")

    with pytest.raises(InfrastructureError, match="the sandbox is gone"):
        training(broken).train()


def test_a_healthy_run_logs_the_same_everywhere(
    training: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from proving_ground.training.callbacks import stdout_for_events

    trainer = training(grpo={"max_steps": 3, "log_completions": True})
    with stdout_for_events():
        trainer.train()
        trainer.save_state()
        sys.stdout.write("a library's notice\n")
    assert trainer.health.found == []
    assert trainer.health.weights_changed(trainer.model)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["start"] + ["train_step"] * 3
    state = json.loads((tmp_path / "trainer_state.json").read_text())
    history = [entry for entry in state["log_history"] if "loss" in entry]
    metrics = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    for event, entry, row in zip(events[1:], history, metrics, strict=True):
        for key in ("step", "loss", "reward", "reward_std", "grad_norm", "frac_reward_zero_std"):
            assert event[key] == entry[key] == row[key]
            assert math.isfinite(event[key])
    assert "rewards/reward/mean" in history[0]
