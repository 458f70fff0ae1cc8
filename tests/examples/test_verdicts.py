"""The verdict of ``prove`` that lies beside each example is the one that its reward gets: the fast half."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_committed_verdict_is_what_the_reward_gets(example: Path, data_dir: Path) -> None:
    command = [sys.executable, "-m", "proving_ground", "prove", example.name, "--level", "semantic"]
    options = ["--data", str(data_dir), "--check", str(example / "verdict.json")]
    completed = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout.splitlines()[-1])["verdict"] in ("pass", "warn")
