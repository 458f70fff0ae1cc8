"""Whose folder it is, and from where a run goes on."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proving_ground.dataset import write_json, write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.stages import train
from proving_ground.stages.task import Task
from proving_ground.training.callbacks import Checkpoints, EventLog
from proving_ground.training.checkpoints import (
    RunRecord,
    clear,
    found_run,
    latest_checkpoint,
    list_files,
    read_record,
)
from proving_ground.training.session import _train_from
from tests.proving_ground.training import words
from tests.proving_ground.training.conftest import EMBEDDED, GRPO, SAMPLES, SEED, tiny_policy


def record(folder: Path, *, state: str = "running", test_mode: bool = False) -> RunRecord:
    made = RunRecord(state=state, shaped_by="abc", test_mode=test_mode, before={"accuracy": [0.5]})
    made.write(folder)
    return made


def opened(
    folder: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    test_mode: bool = False,
    shaped_by: str = "abc",
) -> RunRecord | None:
    return found_run(folder, resume=resume, overwrite=overwrite, test_mode=test_mode, shaped_by=shaped_by)


def test_an_empty_folder_is_a_fresh_start_even_with_resume(tmp_path: Path) -> None:
    assert opened(tmp_path) is None
    assert opened(tmp_path, resume=True) is None


@pytest.mark.parametrize("test_mode", [False, True])
@pytest.mark.parametrize(
    ("state", "words"), [("running", "an interrupted run"), ("finished", "a finished run")]
)
def test_a_run_is_not_overwritten_by_accident(
    tmp_path: Path, state: str, words: str, test_mode: bool
) -> None:
    record(tmp_path, state=state)
    with pytest.raises(CannotRunError, match=f"holds {words}; .*--overwrite"):
        opened(tmp_path, test_mode=test_mode)
    assert read_record(tmp_path).state == state


def test_overwrite_changes_nothing_until_the_run_is_cleared(tmp_path: Path) -> None:
    record(tmp_path)
    for name in ("checkpoint-5", "policy", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("keep")
    assert opened(tmp_path, overwrite=True) is None
    assert len([*tmp_path.iterdir()]) == 5
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "notes.txt"]


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    assert opened(tmp_path, overwrite=True) is None
    clear(tmp_path)
    assert (tmp_path / "policy").is_dir()


def test_a_test_step_may_be_overwritten(tmp_path: Path) -> None:
    record(tmp_path, state="finished", test_mode=True)
    assert opened(tmp_path) is None


def test_resume_returns_what_was_measured(tmp_path: Path) -> None:
    assert opened(tmp_path, resume=True) is None
    made = record(tmp_path)
    assert opened(tmp_path, resume=True) == made


def test_resume_refuses_another_run(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(CannotRunError, match="another model, data or reward"):
        opened(tmp_path, resume=True, shaped_by="other")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "running"}', '{"unknown": 1}'])
def test_a_record_that_cannot_be_read_is_refused_until_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(CannotRunError, match=r"run\.json: not a record of a training run"):
        opened(tmp_path, resume=True)
    assert opened(tmp_path, overwrite=True) is None


def checkpoint(folder: Path, step: int, state: str | None = None) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    for name in ("model.safetensors", "optimizer.pt"):
        (path / name).write_bytes(b"weights")
    (path / "trainer_state.json").write_text(state or json.dumps({"global_step": step}))
    list_files(path)
    return path


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


@pytest.mark.parametrize(("max_steps", "trains"), [(-1, True), (9, True), (8, False)])
def test_a_resumed_run_trains_what_is_left(max_steps: int, trains: bool, tmp_path: Path) -> None:
    """A limit of -1 is TRL's for none: the epochs decide."""
    found = checkpoint(tmp_path, 8)
    trained: list[str] = []

    def train(resume_from_checkpoint: str) -> None:
        trained.append(resume_from_checkpoint)

    limit = SimpleNamespace(max_steps=max_steps)
    trainer: Any = SimpleNamespace(args=limit, train=train, _load_from_checkpoint=lambda path: None)
    _train_from(trainer, found)
    assert trained == ([str(found)] if trains else [])


@pytest.mark.parametrize("damage", [remove, cut])
@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json", "files.json"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_with_a_line(
    tmp_path: Path, name: str, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert latest_checkpoint(tmp_path) is None
    whole = checkpoint(tmp_path, 5)
    newest = checkpoint(tmp_path, 10)
    assert latest_checkpoint(tmp_path) == newest
    damage(newest / name)
    assert latest_checkpoint(tmp_path) == whole
    assert not newest.exists()
    line = capsys.readouterr().err
    assert line.startswith(f"warning: {newest}: ") and line.count("\n") == 1


def test_the_state_of_another_step_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoint(tmp_path, 25, '{"global_step": 24}')
    assert latest_checkpoint(tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_step_end_and_a_second_one_does_not(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    before, checkpoints = signal.signal(signal.SIGINT, signal.default_int_handler), Checkpoints()
    try:
        with checkpoints.on_signals():
            checkpoints.on_train_begin(None, None, None)  # type: ignore[arg-type]
            signal.raise_signal(number)
            assert checkpoints.interrupted
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert "kept as a checkpoint" in capfd.readouterr().err
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup and & leave it
        with checkpoints.on_signals():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_reader_that_ends_with_the_same_signal_costs_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        log, checkpoints, kept = EventLog(tmp_path), Checkpoints(), os.dup(2)
        try:
            os.dup2(write, 2)  # as 2>&1 | tee does
            with checkpoints.on_signals():
                checkpoints.on_train_begin(None, None, None)  # type: ignore[arg-type]
                signal.raise_signal(signal.SIGTERM)
            log.emit("train_step", step=1)
            os.write(2, b"this reaches nobody")
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    assert checkpoints.interrupted


def test_clear_keeps_foreign_files(tmp_path: Path) -> None:
    record(tmp_path)
    checkpoint(tmp_path, 5)
    (tmp_path / "data.csv").write_text("keep")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_a_record_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed inside the write, the record of before is still there: nothing is written in place."""
    before = record(tmp_path)

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        record(tmp_path, state="finished")
    assert read_record(tmp_path) == before


@pytest.mark.parametrize(
    "full",
    [
        "metrics.jsonl",
        "completions/completions_00003.parquet",
        "checkpoint-4/optimizer.pt",
        "checkpoint-4/model.safetensors",
    ],
)
def test_a_disk_that_fills_ends_the_run_with_a_line_and_a_checkpoint(
    full: str, tmp_path: Path, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_policy(policies)
    folder, output = tmp_path / "examples" / "tiny", tmp_path / "outputs" / "tiny" / "train"
    grpo = {**GRPO, "max_steps": 4, "save_strategy": "steps", "save_steps": 2, "seed": SEED}
    config = {"model": {"embedded": EMBEDDED}, "training": {"prove": False}, "grpo": grpo}
    write_json(folder / "config.json", config)
    write_jsonl(folder / "dataset.jsonl", SAMPLES)

    def reward(completions: Any, ground_truth: Any, trainer_state: Any = None, **columns: Any) -> Any:
        if getattr(trainer_state, "global_step", 0) == 2:
            (output / full).parent.mkdir(exist_ok=True)
            (output / full).unlink(missing_ok=True)
            if full.endswith(".safetensors"):  # written beside it, and then renamed
                (output / full).mkdir()
            else:
                (output / full).symlink_to("/dev/full")
        return words.reward(completions, ground_truth)

    task = Task(
        folder=folder, reward=reward, wrong_answers=words.wrong_answers, demonstrations=words.demonstrations
    )
    with pytest.raises(SystemExit) as ended:
        train.STAGE.main(task, "", [])
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert ended.value.code == 2
    assert len(errors) == 1 and str(output) in errors[0] and "--resume" in errors[0]
    assert latest_checkpoint(output) == output / "checkpoint-2"
