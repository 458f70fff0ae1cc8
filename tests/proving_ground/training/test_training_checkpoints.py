"""Whose folder it is, and from where a run goes on."""

import json
from pathlib import Path

import pytest

from proving_ground.errors import CannotRunError
from proving_ground.training.checkpoints import RunRecord, clear, latest_checkpoint, open_folder, read_record


def record(folder: Path, *, state: str = "running", test_mode: bool = False) -> RunRecord:
    made = RunRecord(state=state, shaped_by="abc", test_mode=test_mode, before=[0.5])
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
    return open_folder(folder, resume=resume, overwrite=overwrite, test_mode=test_mode, shaped_by=shaped_by)


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


def test_overwrite_removes_the_run_and_nothing_else(tmp_path: Path) -> None:
    record(tmp_path)
    for name in ("checkpoint-5", "policy", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("keep")
    assert opened(tmp_path, overwrite=True) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "notes.txt"]


def test_overwrite_leaves_a_folder_alone_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    assert opened(tmp_path, overwrite=True) is None
    assert (tmp_path / "policy").is_dir()


def test_a_test_step_may_be_overwritten(tmp_path: Path) -> None:
    record(tmp_path, state="finished", test_mode=True)
    assert opened(tmp_path) is None
    assert not (tmp_path / "run.json").exists()


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
    (path / "model.safetensors").write_bytes(b"weights")
    if state != "none":
        (path / "trainer_state.json").write_text(state or json.dumps({"global_step": step}))
    return path


def test_the_newest_whole_checkpoint_is_taken_and_the_rest_of_a_killed_one_removed(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 5)
    whole = checkpoint(tmp_path, 10)
    broken = [
        checkpoint(tmp_path, 15, "none"),
        checkpoint(tmp_path, 20, '{"global_st'),
        checkpoint(tmp_path, 25, '{"global_step": 24}'),
    ]
    assert latest_checkpoint(tmp_path) == whole
    assert not any(path.exists() for path in broken)


def test_clear_keeps_foreign_files(tmp_path: Path) -> None:
    checkpoint(tmp_path, 5)
    (tmp_path / "data.csv").write_text("keep")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]
