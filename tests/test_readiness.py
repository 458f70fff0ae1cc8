"""End to end: each example's five scripts, run as a user runs them, mocked, and without a network.

Every check reads what the script printed and wrote. The scripts run in a subprocess that has no route
to anywhere; ``test_the_network_is_blocked`` proves that by trying.
"""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.clone import Clone, rows, summary
from tests.support.offline import python_offline
from tests.support.training_log import NUMBERS, check_steps

PREVIEW = {"TEST_MOCK_FIREWORKS_PREVIEW": "1"}
REGENERATE = {"TEST_MOCK_FIREWORKS_REGEN": "1"}
TRAIN = {"TEST_MODE_TRL": "1"}


@pytest.fixture(scope="session")
def clone(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The example in a clone of its own, with its data prepared by its own step 0."""
    made = Clone(tmp_path_factory.mktemp("clone"), example.name)
    if (example / "prepare_data.py").is_file():
        summary(made.run("prepare_data.py"), "prepare")
    return made


def test_the_network_is_blocked() -> None:
    """The subprocesses of this suite cannot even reach a listener on this machine's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        probe = (
            f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), timeout=5)"
        )
        # The same probe without the block gets through, so what fails below is the block's doing.
        assert subprocess.run([sys.executable, "-c", probe], check=False, timeout=60).returncode == 0
        blocked = python_offline("-c", probe)
    assert blocked.returncode != 0
    assert "OSError" in blocked.stderr or "ConnectionRefusedError" in blocked.stderr


def test_e2e_prepare_data_script(clone: Clone) -> None:
    """As the fixture ran it: each run ends with a look at git, which sees a manifest that changed."""
    if not (clone.folder / "prepare_data.py").is_file():
        pytest.skip(f"{clone.folder.name} has no step 0")
    settings = json.loads((clone.folder / "config.json").read_text())["data"]
    names = {"dataset.jsonl": "limit", "held_out.jsonl": "held_out", "warm_start.jsonl": "warm_start"}
    splits = {name: rows(clone.folder / name) for name, key in names.items() if settings.get(key)}
    assert {name: len(split) for name, split in splits.items()} == {
        name: settings[names[name]] for name in splits
    }
    prompts = [{json.dumps(row["messages"][:-1]) for row in split} for split in splits.values()]
    assert len(set.union(*prompts)) == sum(len(split) for split in splits.values()), "prompts are shared"


def test_e2e_local_eval_script(clone: Clone) -> None:
    # Mistakes that never end are stopped after a second of CPU time; what does end takes hundredths of one.
    ran = summary(clone.run("local_eval.py", PROVING_GROUND_SANDBOX__TIMEOUT_SECONDS="1"), "local_eval")
    count = len(rows(clone.data / "dataset.jsonl"))
    assert ran["references_at_1"] == ran["references"] == count
    assert ran["wrong_answers_at_0"] == ran["wrong_answers"] >= count
    written = rows(clone.outputs / "local_eval" / "results.jsonl")
    assert len(written) == count + ran["wrong_answers"]
    assert all(row["score"] == (1.0 if row["kind"] == "reference" else 0.0) for row in written)


def test_e2e_the_reward_is_what_the_committed_verdict_says(clone: Clone) -> None:
    """The fast half of ``prove``: the same statuses and numbers as in the committed verdict."""
    verdict = clone.folder / "verdict.json"
    if not verdict.is_file():
        pytest.skip(f"{clone.folder.name} has no verdict.json yet: prove {clone.folder.name} --verdict")
    data = ["--data", str(clone.data)] if (clone.data / "dataset.jsonl").is_file() else []
    options = [clone.folder.name, *data, "--level", "semantic", "--check", str(verdict)]
    completed = clone.execute("-m", "proving_ground", "prove", *options)
    assert completed.returncode == 0, completed.stderr


def test_e2e_fireworks_preview_script(clone: Clone) -> None:
    ran = summary(clone.run("fireworks_preview.py", "--limit", "10", **PREVIEW), "preview")
    assert (ran["rows"], ran["agree"], ran["failed"], ran["pass_rate"]) == (20, 20, 0, 0.5)
    for row in rows(clone.outputs / "preview" / "results.jsonl"):
        assert row["score"] == (0.0 if row["id"].endswith("-wrong") else 1.0)
    (call,) = rows(clone.outputs / "preview" / "mock_calls.jsonl")
    assert (call["method"], call["rows"]) == ("POST", 20)


def test_e2e_fireworks_regenerate_script(clone: Clone) -> None:
    if not (clone.folder / "recordings").is_dir():
        pytest.skip(f"{clone.folder.name} has no recordings")
    recordings = {row["id"]: row for row in rows(clone.folder / "recordings" / "chat.jsonl")}
    ran = summary(
        clone.run("fireworks_regenerate.py", "--limit", str(len(recordings)), **REGENERATE), "regenerate"
    )
    expected = {name: recording["expected_score"] for name, recording in recordings.items()}
    assert {
        row["id"]: row["score"] for row in rows(clone.outputs / "regenerate" / "results.jsonl")
    } == expected
    assert ran["passed"] == sum(expected.values())
    assert 0 < ran["passed"] < ran["rows"] == len(recordings), "recordings must hold good and bad answers"
    finish_reasons = [
        recording["response"]["choices"][0]["finish_reason"] for recording in recordings.values()
    ]
    assert ran["truncated"] == finish_reasons.count("length") > 0
    calls = rows(clone.outputs / "regenerate" / "mock_calls.jsonl")
    assert sorted(call["id"] for call in calls) == sorted(recordings), "each row is asked for exactly once"


def test_e2e_trl_grpo_integration_script(clone: Clone) -> None:
    output_dir = clone.outputs / "train"
    where = ["--output_dir", str(output_dir)] if training_script(clone) == "grpo_example.py" else []
    completed = clone.run(training_script(clone), *where, **TRAIN)
    check_one_step(completed, summary(completed, "train"), output_dir)


def training_script(clone: Clone) -> str:
    """An example's step 4, or the template, which is plain TRL and has no options of ours."""
    template = "grpo_example.py"
    return template if (clone.folder / template).is_file() else "trl_grpo_integration.py"


def check_one_step(
    completed: subprocess.CompletedProcess[str], ran: dict[str, Any], output_dir: Path
) -> None:
    """What a training of exactly one step must have printed and written, for every training script."""
    (step,) = check_steps(completed, 1)
    assert step["step"] == ran["steps"] == 1
    assert 0.0 < step["reward"] < 1.0, "all right or all wrong teaches nothing"
    assert step["reward_std"] > 0
    state = json.loads((output_dir / "trainer_state.json").read_text())
    assert state["global_step"] == 1
    (logged,) = [entry for entry in state["log_history"] if "loss" in entry]
    for name in NUMBERS:
        assert logged[name] == step[name], f"stdout and trainer_state.json disagree on {name}"
    assert changed_tensors(output_dir / "policy_initial", output_dir / "policy") > 0, "no weight moved"
    assert ran["weights_changed"] is True


def changed_tensors(before: Path, after: Path) -> int:
    """How many tensors of two saved policies differ; both must be finite and hold the same names."""
    import numpy
    from safetensors.numpy import load_file  # torch would cost this process seconds of imports

    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    assert old.keys() == new.keys()
    assert all(numpy.isfinite(tensor).all() for tensor in new.values())
    return sum(not numpy.array_equal(old[name], new[name]) for name in old)
