"""The verdict of ``prove`` that lies beside each example is the one that its reward gets: the fast half."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def prove(example: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "proving_ground", "prove", example.name, "--level", "semantic", *options]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ}
    )


@pytest.fixture(scope="module")
def data_dir(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (example / "prepare_data.py").is_file():
        pytest.skip(f"{example.name} has no step 0; its verdict is checked nightly")
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, str(example / "prepare_data.py"), "--output-dir", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


def test_the_committed_verdict_is_what_the_reward_gets(example: Path, data_dir: Path, tmp_path: Path) -> None:
    completed = prove(example, "--data", str(data_dir), "--check", str(example / "verdict.json"))
    assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout.splitlines()[-1])["verdict"] in ("pass", "warn")
    # A verdict that says something else is noticed.
    other = tmp_path / "verdict.json"
    other.write_text(
        (example / "verdict.json").read_text().replace('"status": "pass"', '"status": "fail"', 1)
    )
    completed = prove(example, "--data", str(data_dir), "--check", str(other))
    assert completed.returncode == 1
    assert "was fail and is pass" in completed.stderr
