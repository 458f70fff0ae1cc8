"""How every stage of an example refuses: here of one, whose step scripts hold nothing of their own."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proving_ground.cli import STAGES
from proving_ground.stages.run import Stage
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "math_example"
SCRIPTS = {
    "prepare": "prepare_data.py",
    "local_eval": "local_eval.py",
    "preview": "fireworks_preview.py",
    "regenerate": "fireworks_regenerate.py",
    "train": "trl_grpo_integration.py",
}
MOCKED = {"preview": "TEST_MOCK_FIREWORKS_PREVIEW", "regenerate": "TEST_MOCK_FIREWORKS_REGEN"}

Refused = Callable[..., None]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a stage, which must say ``words`` in one line, and end with 2."""

    def run(stage: str, options: list[object], *words: str) -> None:
        module: Stage = importlib.import_module(f"proving_ground.stages.{stage}").STAGE
        assert module.run(EXAMPLE, "", [str(option) for option in options]) == 2
        out, err = capsys.readouterr()
        (line,) = [line for line in err.splitlines() if not line.startswith("MOCKED")]
        assert line.startswith("error: ")
        for word in words:
            assert word in line
        assert json.loads(out.splitlines()[-1])["ok"] is False

    return run


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    command = [sys.executable, str(EXAMPLE / SCRIPTS["prepare"]), "--output-dir", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(("stage", "script"), SCRIPTS.items())
def test_help_shows_what_the_step_proves(stage: str, script: str) -> None:
    command = [sys.executable, str(EXAMPLE / script), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    docstring = ast.get_docstring(ast.parse((EXAMPLE / script).read_text())) or ""
    assert docstring.splitlines()[0] in shown and "Exit codes" in shown and stage in STAGES


@pytest.mark.parametrize("stage", SCRIPTS)
def test_a_misspelt_switch(
    stage: str, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_MODE_TRL", "maybe")
    refused(stage, ["--output-dir", tmp_path / "out"], "TEST_MODE_TRL='maybe'", "1, true, yes, on")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", SCRIPTS)
def test_an_unknown_key(stage: str, refused: Refused, tmp_path: Path) -> None:
    (config := tmp_path / "config.json").write_text('{"fireworks": {"temprature": 1}}')
    refused(stage, ["--config", config], str(config), "fireworks.temprature", "fireworks.temperature")


def test_a_configuration_that_is_not_there(refused: Refused, tmp_path: Path) -> None:
    nowhere = tmp_path / "nope.json"
    refused("local_eval", ["--config", nowhere], str(nowhere), "no such file", "config.gpu.json")


@pytest.mark.parametrize("stage", ["local_eval", "preview", "regenerate"])
@pytest.mark.parametrize(
    ("content", "words"), [(None, "no such file"), (b"", "empty"), (b'{"id": "a"}\n', "dataset.jsonl:1:")]
)
def test_bad_data(
    stage: str,
    content: bytes | None,
    words: str,
    refused: Refused,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if stage in MOCKED:
        monkeypatch.setenv(MOCKED[stage], "1")
    if content is not None:
        (tmp_path / "dataset.jsonl").write_bytes(content)
    options = ["--data.dir", tmp_path, "--output-dir", tmp_path / "out"]
    refused(stage, options, "dataset.jsonl", words, "prepare_data.py", "--output-dir")


@pytest.mark.parametrize("stage", MOCKED)
def test_without_key_and_mock_nothing_runs(
    stage: str, refused: Refused, data_dir: Path, tmp_path: Path
) -> None:
    options = ["--data.dir", data_dir, "--output-dir", tmp_path]
    refused(stage, options, "FIREWORKS_API_KEY is not set")


def test_a_request_that_was_not_recorded(
    refused: Refused, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MOCKED["regenerate"], "1")
    options = [
        "--data.dir",
        data_dir,
        "--output-dir",
        tmp_path,
        "--limit",
        2,
        "--prompt.system",
        "Other words.",
    ]
    refused("regenerate", options, "no recording for request", "--record")


def test_an_edited_recording(data_dir: Path, tmp_path: Path) -> None:
    """One character of one recorded request: the mock must not go on replaying its answer."""
    shutil.copytree(EXAMPLE, copy := tmp_path / "examples" / EXAMPLE.name)
    (copy.parent / "__init__.py").touch()
    file = copy / "recordings" / "chat.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    row = json.loads(lines[1])
    row["request"]["messages"][-1]["content"] += "."
    file.write_text("".join([lines[0], json.dumps(row, ensure_ascii=False) + "\n", *lines[2:]]))
    command = [sys.executable, str(copy / SCRIPTS["regenerate"]), "--data.dir", str(data_dir), "--limit", "2"]
    env = {**os.environ, MOCKED["regenerate"]: "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert ended.returncode == 2
    assert "chat.jsonl:2:" in ended.stderr and "does not fit its request_sha256" in ended.stderr
