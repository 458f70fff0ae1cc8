"""Settings of step 4 whose effect only a whole run shows, each at another value than its default."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from transformers import TrainerState

from proving_ground.dataset import write_json, write_jsonl
from proving_ground.rewards.contract import report_failures
from proving_ground.stages import train
from proving_ground.stages.task import Task
from tests.proving_ground.training import words
from tests.proving_ground.training.conftest import EMBEDDED, GRPO, SAMPLES, SEED, tiny_policy

Run = Callable[..., tuple[int, dict[str, Any]]]
"""``run(reward, option, ...)``: the exit code and the summary of a short training."""


@pytest.fixture
def run(tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    tiny_policy(policies)
    folder = tmp_path / "examples" / "tiny"
    grpo = {**GRPO, "max_steps": 2, "seed": SEED}
    write_json(folder / "config.json", {"model": {"embedded": EMBEDDED}, "grpo": grpo})
    write_jsonl(folder / "dataset.jsonl", SAMPLES[:100])
    write_jsonl(folder / "warm_start.jsonl", SAMPLES)
    write_jsonl(folder / "held_out.jsonl", SAMPLES[100:])

    def ended(reward: Any, *options: str, second_grader: Any = None) -> tuple[int, dict[str, Any]]:
        task = Task(
            folder=folder,
            reward=reward,
            second_grader=second_grader,
            wrong_answers=words.wrong_answers,
            demonstrations=words.demonstrations,
        )
        with pytest.raises(SystemExit) as caught:
            train.STAGE.main(task, "", options)
        return int(caught.value.code or 0), json.loads(capsys.readouterr().out.splitlines()[-1])

    return ended


@pytest.mark.parametrize("when", ["known answers", "the proof before", "training", "second grader"])
def test_a_reward_that_hangs_ends_the_run_in_its_time(when: str, run: Run) -> None:
    def hangs() -> list[float | None]:
        time.sleep(30)
        pytest.fail("nobody stopped it")

    calls: list[str] = []

    def reward(completions: Any, ground_truth: Any, trainer_state: Any = None, **columns: Any) -> Any:
        in_training = isinstance(trainer_state, TrainerState)
        known = len(calls) < 2  # the references, then the wrong answers
        calls.append("training" if in_training else "known answers" if known else "the proof before")
        return hangs() if calls[-1] == when else words.reward(completions, ground_truth)

    def second(completions: Any, ground_truth: Any, **columns: Any) -> Any:
        assert len(completions) <= 32, "it may be slow: few in one call, which the time limit is for"
        return hangs() if when == "second grader" else words.reward(completions, ground_truth)

    code, summary = run(reward, "--training.health.reward_seconds", "0.3", second_grader=second)
    assert code == 1 and "reward too slow" in summary["problem"] and "0.3" in summary["problem"]


def test_failures_up_to_their_share_end_no_run(run: Run) -> None:
    def reward(completions: Any, ground_truth: Any, trainer_state: Any = None, **columns: Any) -> Any:
        scores = words.reward(completions, ground_truth)
        if isinstance(trainer_state, TrainerState):
            scores[:10] = [None] * 10
            report_failures(columns, "launch", 10)
        return scores

    options = ["--training.prove", "false", "--grpo.per_device_train_batch_size", "200"]
    code, summary = run(reward, *options)
    assert code == 2 and "10 of the last 200" in summary["error"]
    code, summary = run(reward, *options, "--overwrite", "--training.failures", "0.1")
    assert (code, summary["steps"], summary["failures"]) == (0, 2, {"launch": 20})


def test_weights_have_the_type_that_was_asked_for(run: Run, tmp_path: Path) -> None:
    code, _ = run(words.reward, "--training.prove", "false", "--model.dtype", "bfloat16")
    with safe_open(tmp_path / "outputs" / "tiny" / "train" / "policy" / "model.safetensors", "pt") as saved:
        assert {str(saved.get_tensor(name).dtype) for name in saved.keys()} == {"torch.bfloat16"}  # noqa: SIM118
    assert code == 0


def test_the_system_prompt_stands_before_every_question(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the warm start, the known answers, the proof and GRPO."""
    from proving_ground.training import session

    built, warm_start, seen = session.embedded_policy, list[Any](), dict[bool, set[str]]()

    def embedded_policy(rows: Any, answers: Any, **options: Any) -> str:
        warm_start.extend(rows)
        return built(rows, answers, **options)

    def reward(completions: Any, ground_truth: Any, prompts: Any, trainer_state: Any = None, **_: Any) -> Any:
        before = {prompt[0]["content"] for prompt in prompts}
        seen.setdefault(isinstance(trainer_state, TrainerState), set()).update(before)
        return words.reward(completions, ground_truth)

    monkeypatch.setattr(session, "embedded_policy", embedded_policy)
    options = ["--prompt.system", "Be brief.", "--training.margin", "0", "--grpo.max_steps", "1"]
    run(reward, *options, "--training.held_out_prompts", "4", "--training.samples_per_prompt", "1")
    assert seen == {True: {"Be brief."}, False: {"Be brief."}}
    assert {row["prompt"][0]["content"] for row in warm_start} == {"Be brief."}
