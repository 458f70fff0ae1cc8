"""Whole runs in processes of their own: killed and resumed, and on two ranks."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proving_ground.stages.run import LOADING
from tests.proving_ground.training.conftest import EMBEDDED, GRPO
from tests.proving_ground.training.tiny_example import write_example

MODEL = {"embedded": EMBEDDED}
ENVIRON = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(
        command, env={**os.environ, **ENVIRON, **environ}, capture_output=True, text=True, check=False
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class Stopped:
    """A training that is stopped with a signal when it has logged a step."""

    def __init__(self, script: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(script), *options],
            env={**os.environ, **ENVIRON},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.steps: list[int] = []

    def at_step(self, step: int, number: signal.Signals) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if json.loads(line)["event"] == "train_step":
                self.steps.append(json.loads(line)["step"])
            if self.steps[-1:] == [step]:
                self.process.send_signal(number)
                return

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate()
        self.steps += [json.loads(line).get("step") for line in out.splitlines() if "train_step" in line]
        return self.process.returncode, err


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An example of fourteen steps, with a checkpoint each four."""
    grpo = {
        **GRPO,
        "max_steps": 14,
        "per_device_train_batch_size": 32,
        "save_strategy": "steps",
        "save_steps": 4,
    }
    training = {"margin": 0.05, "samples_per_prompt": 4, "reuse_warm_start": True}
    config = {"model": MODEL, "training": training, "grpo": grpo}
    return write_example(tmp_path_factory.mktemp("killed"), config)


def test_one_training_in_one_folder_killed_ended_and_resumed(script: Path) -> None:
    """A folder's life: beside a live run, after SIGKILL, after SIGTERM, after a kill past the last step."""
    output = script.parents[2] / "outputs" / "tiny" / "train"
    first = Stopped(script)
    first.at_step(3, signal.SIGSTOP)
    for option in ("--resume", "--overwrite"):
        second = run(str(script), option)
        assert second.returncode == 2
        assert f"in use by process {first.process.pid}, which is alive" in second.stderr
        assert LOADING not in second.stderr, "what can be refused at once is"
    first.process.send_signal(signal.SIGCONT)
    first.at_step(9, signal.SIGKILL)
    assert first.end()[0] == -signal.SIGKILL

    refused = run(str(script))
    assert refused.returncode == 2
    assert "holds an interrupted run" in refused.stderr and LOADING not in refused.stderr
    (output / "checkpoint-12").mkdir()  # what a kill in the middle of the next checkpoint leaves

    second = Stopped(script, "--resume")
    second.at_step(10, signal.SIGTERM)
    code, error = second.end()
    assert code == 130 and "interrupted" in error
    assert second.steps[0] == 9
    last = second.steps[-1]
    assert (output / f"checkpoint-{last}" / "optimizer.pt").is_file(), "SIGTERM leaves a checkpoint"

    resumed = run(str(script), "--resume")
    assert resumed.returncode == 0, resumed.stderr
    events = lines(resumed.stdout)
    assert events[0] == {"event": "start", "stage": "train", "step": last, "max_steps": 14}
    assert [event["step"] for event in events if event["event"] == "train_step"] == [*range(last + 1, 15)]
    assert events[-1]["steps"] == 14
    assert events[-1]["accuracy_after"] > events[-1]["accuracy_before"] + 0.05
    assert [row["step"] for row in lines((output / "metrics.jsonl").read_text())] == [*range(1, 15)]
    assert (output / "training_curve.png").stat().st_size > 10_000

    again = run(str(script), "--resume")
    assert again.returncode == 0
    assert lines(again.stdout)[-1]["already_finished"] is True
    assert "train_step" not in again.stdout

    # As if it had been killed between its last checkpoint and its end.
    record = json.loads((output / "run.json").read_text())
    (output / "run.json").write_text(json.dumps({**record, "state": "running", "summary": None}))
    trained = (output / "policy" / "model.safetensors").read_bytes()
    shutil.rmtree(output / "policy")
    ended = run(str(script), "--resume")
    assert ended.returncode == 0, ended.stderr
    assert "train_step" not in ended.stdout
    assert lines(ended.stdout)[-1]["steps"] == 14
    assert (output / "policy" / "model.safetensors").read_bytes() == trained

    grpo_and_the_proof_asked_what_they_should(script)
    a_refused_attempt_changes_nothing(script)


def grpo_and_the_proof_asked_what_they_should(script: Path) -> None:
    """By what the reward was given: training and held-out prompts do not meet."""
    splits = {
        name: {row["messages"][0]["content"] for row in lines((script.parent / f"{name}.jsonl").read_text())}
        for name in ("dataset", "warm_start", "held_out")
    }
    asked: dict[bool, set[str]] = {True: set(), False: set()}
    for call in lines((script.parent / "asked.jsonl").read_text()):
        asked[call["in_training"]] |= set(call["prompts"])
    assert asked[True] <= splits["dataset"] | splits["warm_start"]
    assert asked[True] & splits["warm_start"] and not asked[True] & splits["held_out"]
    # Before training a few rows of the dataset are scored, too: known answers to known prompts.
    assert splits["held_out"] <= asked[False]
    assert len(asked[False] - splits["held_out"]) <= 8


def a_refused_attempt_changes_nothing(script: Path) -> None:
    """The finished run's record, summary and policy survive what cannot even start."""
    output = script.parents[2] / "outputs" / "tiny" / "train"
    before = {
        path: path.read_bytes() for path in output.rglob("*") if path.is_file() and path.name != "run.lock"
    }
    assert {"run.json", "summary.json"} <= {path.name for path in before}
    for options in (["--model.name", "/nowhere"], ["--grpo.num_generations", "7"]):
        refused = run(str(script), "--overwrite", *options)
        assert refused.returncode == 2, refused.stderr
    assert before == {path: path.read_bytes() for path in before}
    fresh = output.parent / "fresh"
    assert run(str(script), "--output-dir", str(fresh), "--model.name", "/nowhere").returncode == 2
    assert not (fresh / "run.json").exists() and not (fresh / "summary.json").exists()


def test_two_ranks_train_one_policy(tmp_path: Path) -> None:
    script = write_example(
        tmp_path, {"model": MODEL, "training": {"prove": False}, "grpo": {**GRPO, "max_steps": 3}}
    )
    launch = ("-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1")
    completed = run(*launch, "--nproc-per-node", "2", str(script))
    assert completed.returncode == 0, completed.stderr
    events = lines(completed.stdout)
    assert [event["event"] for event in events] == ["start"] + ["train_step"] * 3 + ["summary"]
    ranks = [lines((script.parent / f"rank{rank}.jsonl").read_text()) for rank in (0, 1)]
    # Each rank scores its own 16 completions a step, and both see the metrics of all 32.
    assert [[row["completions"] for row in rank] for rank in ranks] == [[16] * 3] * 2
    assert ranks[0][-1]["history"] == ranks[1][-1]["history"]
    assert len(ranks[0][-1]["history"]) == 2
    metrics = (tmp_path / "outputs" / "tiny" / "train" / "metrics.jsonl").read_text()
    assert [row["step"] for row in lines(metrics)] == [1, 2, 3]


FAILING_ON_RANK_1 = """
import os

from proving_ground.rewards.contract import report_failures


def failing(completions, **columns):
    scores = reward(completions=completions, **columns)
    broken = columns["trainer_state"].global_step == 2 and not (HERE / "mended").exists()
    if broken and os.environ.get("RANK") == "1":
        report_failures(columns, "service", len(scores))
        return [None] * len(scores)
    return scores


TASK = Task(
    folder=HERE, reward=failing, wrong_answers=words.wrong_answers, demonstrations=words.demonstrations
)
"""


def test_of_two_ranks_one_goes_over_the_budget_and_both_stop(tmp_path: Path) -> None:
    # What it learns does not matter here.
    model = {"embedded": {**EMBEDDED, "warm_start_steps": 20}}
    training = {"prove": False, "health": {"on_failure": "warn"}}
    script = write_example(tmp_path, {"model": model, "training": training, "grpo": {**GRPO, "max_steps": 5}})
    with (script.parent / "task.py").open("a") as task:
        task.write(FAILING_ON_RANK_1)
    launch = ("-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1")
    stopped = run(*launch, "--nproc-per-node", "2", str(script))
    assert stopped.returncode != 0
    said = [line for line in stopped.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1 and "service" in said[0] and said[0].endswith("--resume from step 3"), (
        stopped.stderr
    )
    output = tmp_path / "outputs" / "tiny" / "train"
    assert [path.name for path in output.glob("checkpoint-*")] == ["checkpoint-3"]
    summary = json.loads((output / "summary.json").read_text())
    assert summary["ok"] is False and "16 service" in summary["error"]
    ranks = [lines((script.parent / f"rank{rank}.jsonl").read_text()) for rank in (0, 1)]
    assert [[row["step"] for row in rank] for rank in ranks] == [[0, 1, 2]] * 2
    (script.parent / "mended").touch()
    claims = ("--training.prove", "true", "--training.margin", "1")
    resumed = run(*launch, "--nproc-per-node", "2", str(script), "--resume", *claims)
    steps = [event["step"] for event in lines(resumed.stdout) if event["event"] == "train_step"]
    assert steps == [4, 5]
    # A claim that does not hold: rank 0 says so, once, and has written that the run is finished.
    said = [line for line in resumed.stderr.splitlines() if "claim does not hold" in line]
    assert resumed.returncode != 0 and len(said) == 1, resumed.stderr
    assert json.loads((output / "run.json").read_text())["state"] == "finished"


RANKS_THAT_DIFFER = """
import atexit, json, sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import torch
from accelerate import PartialState

from proving_ground.config import HealthConfig
from proving_ground.training.health import HealthChecks, HealthError

rank = PartialState(cpu=True, timeout=timedelta(seconds=300)).process_index
# Registered first, called last: a group that is still there then aborts a finished run now and then.
still_there = torch.distributed.is_initialized
atexit.register(lambda: Path(sys.argv[1], f"{rank}.group").write_text(str(still_there())))
model = torch.nn.Linear(2, 1)
model.generation_config = SimpleNamespace(eos_token_id=0)
tokenizer = SimpleNamespace(eos_token_id=0, pad_token_id=0)
fine = {"loss": 0.1, "grad_norm": 1.0, "reward": 0.5, "reward_std": 0.3, "kl": 0.0}


def case(damaged=(), moved=(0, 1), kl_blew_up=()):
    # The ranks on which a weight is not finite, on which weights moved, and whose logs have a symptom.
    torch.nn.init.zeros_(model.bias)
    checks = HealthChecks(HealthConfig(patience=1))
    checks.on_init_end(None, None, None, model=model, processing_class=tokenizer)
    state = SimpleNamespace(global_step=1, logging_steps=1, log_history=[])
    checks.on_train_begin(None, state, None, model=model)
    state.global_step = 2
    torch.nn.init.constant_(model.bias, float(rank in moved))
    if rank in damaged:
        torch.nn.init.constant_(model.bias, float("nan"))
    state.log_history.append({**fine, "kl": 99.0} if rank in kl_blew_up else fine)
    try:
        checks.on_step_end(None, state, None, model=model)
        checks.on_log(None, state, None, state.log_history[-1], model=model)
        checks.on_train_end(None, state, None, model=model)
    except HealthError as error:
        return str(error).partition(":")[0]
    except SystemExit as end:
        return end.code


cases = [case(), case(damaged=[1]), case(moved=[1]), case(moved=[]), case(kl_blew_up=[0])]
cases.append(case(kl_blew_up=[1]))
Path(sys.argv[1], str(rank)).write_text(json.dumps(cases))
"""


def test_ranks_that_see_different_things_decide_the_same(tmp_path: Path) -> None:
    """A rank that ends alone leaves the others waiting; the main process speaks for all."""
    script = tmp_path / "ranks.py"
    script.write_text(RANKS_THAT_DIFFER)
    launch = ("-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1")
    completed = run(*launch, "--nproc-per-node", "2", str(script), str(tmp_path))
    assert completed.returncode == 0, completed.stderr
    assert [(tmp_path / f"{rank}.group").read_text() for rank in "01"] == ["False", "False"]
    main, other = (json.loads((tmp_path / name).read_text()) for name in "01")
    assert main == [None, "non-finite", None, "no weight changed", "KL blow-up", None]
    assert other == [None, 0, None, 0, 0, None]
