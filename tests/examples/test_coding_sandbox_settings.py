"""The `sandbox` section reaches the reward, and the example runs against a mocked sandbox service."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

EXAMPLE = "coding_example"
FOLDER = ROOT / "examples" / EXAMPLE
SERVICE = ("--sandbox.backend", "api", "--sandbox.base_url", "http://localhost:8080")
MOCKED = {"TEST_MOCK_CODE_SANDBOX": "1"}


def run(script: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *options]
    env = {**os.environ, **environ}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    done = run(FOLDER / "prepare_data.py", "--output-dir", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def local_eval(
    data_dir: Path, output_dir: Path, *options: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    places = ["--data.dir", str(data_dir), "--output-dir", str(output_dir)]
    return run(FOLDER / "local_eval.py", *places, "--limit", "3", *options, **environ)


def calls(output_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output_dir / "mock_calls.jsonl").open(encoding="utf-8")]


def test_step_1_asks_the_service_that_is_configured(data_dir: Path, tmp_path: Path) -> None:
    done = local_eval(data_dir, tmp_path, *SERVICE, **MOCKED)
    assert done.returncode == 0, done.stderr
    assert "MOCKED: TEST_MOCK_CODE_SANDBOX is on" in done.stderr
    found = calls(tmp_path)
    assert len(found) > 6 and {call["url"] for call in found} == {"http://localhost:8080/run_code"}
    assert {call["source"] for call in found} == {"run"}


def test_step_1_replays_recordings_where_nothing_isolates(data_dir: Path, tmp_path: Path) -> None:
    done = local_eval(data_dir, tmp_path, *SERVICE, **MOCKED, PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {call["source"] for call in calls(tmp_path)} == {"recording"}


def test_without_a_sandbox_step_1_cannot_run(data_dir: Path, tmp_path: Path) -> None:
    done = local_eval(data_dir, tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "bubblewrap" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sandbox.backend", "api"), "sandbox.base_url is not set"),
        (("--sandbox.timeout_seconds", "0.000001"), "claim does not hold"),
    ],
)
def test_a_setting_that_matters_is_not_ignored(
    data_dir: Path, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    done = local_eval(data_dir, tmp_path, *options)
    assert done.returncode in (1, 2)
    assert words in done.stderr
