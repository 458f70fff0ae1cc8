"""What the configuration says of the sandbox holds in step 4, as in the steps that load no trainer."""

from pathlib import Path

import pytest

from proving_ground.stages import train
from tests.proving_ground.stages.test_sandbox_settings import SHORT, ended, slow_task


def test_step_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ended(train.STAGE, slow_task(tmp_path), capsys, "--sandbox.timeout_seconds", str(SHORT))
    assert code == 1 and "code_reward gives the reference answer of a 0 instead of 1.0" in said
