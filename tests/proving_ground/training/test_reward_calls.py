"""A reward is called with the same columns everywhere, and what it cannot score ends no training at once."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proving_ground.config import Config, HealthConfig
from proving_ground.dataset import write_jsonl
from proving_ground.errors import InfrastructureError
from proving_ground.fireworks.chat import Answer
from proving_ground.rewards.contract import Failures, checked, report_failures, training_rows
from proving_ground.stages import local_eval
from proving_ground.stages.regenerate import scored
from proving_ground.stages.run import Run
from proving_ground.stages.task import Task
from proving_ground.training.failures import FailureBudget
from proving_ground.training.health import HealthChecks
from proving_ground.training.known_answers import check_known_answers

LETTERS = "abcdefgh"
SYSTEM = "Be brief."


def samples() -> list[dict[str, Any]]:
    """Rows whose metadata and messages have other keys in each, a list, a dict, and a column of one row."""
    return [
        {
            "id": f"row-{index}",
            "messages": [
                {"role": "user", "content": letter, **({"name": "Ann"} if index else {})},
                {"role": "assistant", "content": letter},
            ],
            "ground_truth": letter,
            "metadata": {f"key-{index % 2}": "x", "kind": "letter"},
            "hints": [{"text": letter}] * index,
            **({"note": "only here"} if index == 1 else {}),
        }
        for index, letter in enumerate(LETTERS[:2])
    ]


Seen = list[dict[str, Any]]


def writes_down(seen: Seen) -> Any:
    def reward(completions: Any, ground_truth: Any, **columns: Any) -> list[float]:
        seen.append({"completions": completions, "ground_truth": ground_truth, **columns})
        return [
            float(completion[0]["content"] == truth)
            for completion, truth in zip(completions, ground_truth, strict=True)
        ]

    return reward


def per_row(call: dict[str, Any]) -> dict[str, Any]:
    """``id`` -> every column of that row; completions and their tokens by type, for they differ."""
    rows = {}
    for index, name in enumerate(call["id"]):
        row = {key: values[index] for key, values in call.items() if isinstance(values, list)}
        (message,), ids = row.pop("completions"), row.pop("completion_ids")
        assert all(isinstance(token, int) for token in ids)
        rows[name] = {**row, "completion": {key: type(message[key]) for key in ("role", "content")}}
    return rows


def trained(
    tmp_path: Path, rows: list[dict[str, Any]], rewards: Any, callbacks: Any = (), **grpo: Any
) -> Any:
    """A bare trainer with a random policy that has done its steps."""
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import GRPOConfig, GRPOTrainer

    tokenizer = tokenizer_of(LETTERS)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, **size))
    args = {
        "output_dir": str(tmp_path),
        "use_cpu": True,
        "bf16": False,
        "max_steps": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 4,
        "seed": 3,
        **grpo,
    }
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=rewards,
        args=GRPOConfig(**args),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[*callbacks],
    )
    trainer.train()
    return trainer


def tokenizer_of(text: str) -> Any:
    from proving_ground.training.embedded import build_tokenizer

    return build_tokenizer([text], 300)


def test_every_stage_and_a_bare_trainer_call_a_reward_alike(tmp_path: Path) -> None:
    """What differs between completions and rows is left out, every column and its shape is compared."""
    from proving_ground.training.proof import pass_at_1

    rows, calls = samples(), {}
    write_jsonl(tmp_path / "dataset.jsonl", rows)
    config = Config.model_validate({"prompt": {"system": SYSTEM}})

    def stage(name: str, call: Callable[[Any], object]) -> None:
        seen: Seen = []
        call(writes_down(seen))
        calls[name] = seen[0]

    def run(reward: Any) -> Run:
        task = Task(folder=tmp_path, reward=reward)
        return Run(task, config, argparse.Namespace(limit=None), tmp_path, tmp_path)

    answers = [Answer({"role": "assistant", "content": None, "tool_calls": []}, "stop") for _ in rows]
    stage("local_eval", lambda reward: local_eval.STAGE.body(run(reward)))
    stage("regenerate", lambda reward: scored(run(reward).task, rows, answers, SYSTEM))
    stage("before", lambda reward: check_known_answers({"mine": reward}, rows, lambda row: ["no"], SYSTEM))
    asked = training_rows(rows, SYSTEM)
    stage("guarded", lambda reward: trained(tmp_path, asked, checked("mine", reward)))
    trainers: list[Any] = []
    stage("bare", lambda reward: trainers.append(trained(tmp_path, asked, reward)))
    stage("proof", lambda reward: pass_at_1(trainers[0], asked, reward))

    bare = calls["bare"]
    assert {"prompts", "completion_ids", "trainer_state", "log_extra", "log_metric", "metadata"} < bare.keys()
    first = per_row(bare)["row-0"]
    assert first["metadata"] == {"key-0": "x", "key-1": None, "kind": "letter"} and first["note"] is None
    for name, call in calls.items():
        assert call.keys() == bare.keys(), name
        assert per_row(call).keys() <= per_row(bare).keys() == {"row-0", "row-1"}
        assert per_row(call) == {key: per_row(bare)[key] for key in per_row(call)}, name


class Failing:
    """Fails to score each ``share``-th completion, and counts what it was asked."""

    def __init__(self, share: int) -> None:
        self.share, self.asked = share, 0

    def __call__(self, completions: Any, **columns: Any) -> list[float | None]:
        scores: list[float | None] = []
        for completion in completions:
            self.asked += 1
            scores.append(None if self.asked % self.share == 0 else len(completion[0]["content"]) / 100)
        if lost := scores.count(None):
            report_failures(columns, "launch", lost)
        return scores


BATCH = 200


def budgeted(tmp_path: Path, reward: Any, steps: int, on_failure: str = "stop") -> tuple[Any, Failures]:
    failures = Failures(0.02)
    callbacks = [
        FailureBudget(failures),
        HealthChecks(HealthConfig.model_validate({"on_failure": on_failure})),
    ]
    guarded = checked("mine", reward, failures=failures)
    options = {"max_steps": steps, "per_device_train_batch_size": BATCH, "max_completion_length": 2}
    return trained(tmp_path, training_rows(samples() * 25), guarded, callbacks, **options), failures


def test_a_failure_in_a_thousand_ends_no_training(tmp_path: Path) -> None:
    reward = Failing(1000)
    # Two tokens end no completion of random weights, as the health checks say.
    trainer, failures = budgeted(tmp_path, reward, steps=25, on_failure="warn")
    assert trainer.state.global_step == 25 and reward.asked == 5_000
    assert failures.kinds == {"launch": 5}
    logged = [entry["failed/launch"] for entry in trainer.state.log_history if "failed/launch" in entry]
    assert sum(logged) == 5 and len(logged) == 25 - 4, "logged in each step from the first failure on"


def test_a_failure_in_twenty_stops_within_a_batch_with_a_checkpoint(tmp_path: Path) -> None:
    reward = Failing(20)
    with pytest.raises(
        InfrastructureError, match=r"10 of the last 200 .* 10 launch; .* --resume from step 1"
    ):
        budgeted(tmp_path, reward, steps=50)
    assert reward.asked == BATCH
    assert json.loads((tmp_path / "checkpoint-1" / "trainer_state.json").read_text())["global_step"] == 1


@pytest.mark.parametrize("broken", ["every completion fails", "nothing can be scored"])
def test_a_batch_without_any_score_stops_with_a_checkpoint(broken: str, tmp_path: Path) -> None:
    def gone(completions: Any, **columns: Any) -> list[float | None]:
        raise InfrastructureError("the service is gone")

    with pytest.raises(InfrastructureError, match=r"is gone; |200 of the last 200"):
        budgeted(tmp_path, Failing(1) if broken.startswith("every") else gone, steps=3)
    assert (tmp_path / "checkpoint-1" / "trainer_state.json").is_file()
