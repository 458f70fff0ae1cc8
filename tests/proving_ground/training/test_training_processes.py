"""Whole runs in processes of their own: killed and resumed, and on two ranks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.proving_ground.training.conftest import EMBEDDED, GRPO
from tests.proving_ground.training.tiny_example import write_example

ROOT = Path(__file__).parents[3]
MODEL = {"embedded": EMBEDDED}
ENVIRON = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, env=ENVIRON | environ, capture_output=True, text=True, check=False)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that was killed after its ninth step of fourteen, with a checkpoint each four."""
    root = tmp_path_factory.mktemp("killed")
    grpo = {
        **GRPO,
        "max_steps": 14,
        "per_device_train_batch_size": 32,
        "save_strategy": "steps",
        "save_steps": 4,
    }
    training = {"margin": 0.05, "samples_per_prompt": 4}
    script = write_example(root, {"model": MODEL, "training": training, "grpo": grpo})
    process = subprocess.Popen(
        [sys.executable, str(script)], env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("step") == 9:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL
    return script, root / "outputs" / "tiny" / "train"


def test_a_killed_run_is_resumed_to_its_end_and_keeps_its_claim(killed: tuple[Path, Path]) -> None:
    script, output = killed
    refused = run(str(script))
    assert refused.returncode == 2
    assert "holds an interrupted run" in refused.stderr
    (output / "checkpoint-12").mkdir()  # what a kill in the middle of the next checkpoint leaves

    resumed = run(str(script), "--resume")
    assert resumed.returncode == 0, resumed.stderr
    events = lines(resumed.stdout)
    assert events[0] == {"event": "start", "stage": "train", "step": 8, "max_steps": 14}
    assert [event["step"] for event in events if event["event"] == "train_step"] == [*range(9, 15)]
    assert events[-1]["steps"] == 14
    assert events[-1]["accuracy_after"] > events[-1]["accuracy_before"] + 0.05
    assert [row["step"] for row in lines((output / "metrics.jsonl").read_text())] == [*range(1, 15)]
    assert (output / "training_curve.png").stat().st_size > 10_000

    again = run(str(script), "--resume")
    assert again.returncode == 0
    assert lines(again.stdout)[-1]["already_finished"] is True
    assert "train_step" not in again.stdout


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


def test_the_template_does_one_step_in_test_mode(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    script = ROOT / "examples" / "trl_integration" / "grpo_example.py"
    output = tmp_path / "out"
    completed = run(str(script), "--output_dir", str(output), TEST_MODE_TRL="1")
    assert completed.returncode == 0, completed.stderr
    events = lines(completed.stdout)
    assert [event["event"] for event in events] == ["start", "train_step", "summary"]
    assert events[1]["reward_std"] > 0
    state = json.loads((output / "trainer_state.json").read_text())
    assert (state["global_step"], state["log_history"][0]["loss"]) == (1, events[1]["loss"])
    before, after = (load_file(output / name / "model.safetensors") for name in ("policy_initial", "policy"))
    assert before.keys() == after.keys()
    assert any((before[name] != after[name]).any() for name in before)
