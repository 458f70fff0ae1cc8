"""What a stage leaves on disk of its last run: summary.json, whatever the run came to."""

import hashlib
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.stages import prepare, train
from proving_ground.stages.run import Result, Run, Stage
from proving_ground.stages.task import Task

KEY = "fw-recognisable-key"


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "examples" / "toy"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return Task(folder=folder, reward=lambda completions, **columns: [])


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "toy" / "toy" / "summary.json"


def run(task: Task, body: Callable[[Run], Result], *argv: str, **fields: Any) -> int:
    stage = Stage(**{"name": "toy", "body": body, "settings": ("data",), **fields})
    with pytest.raises(SystemExit) as caught:
        stage.main(task, "Proves nothing.", argv)
    return cast(int, caught.value.code)


def raises(error: BaseException) -> Callable[[Run], Result]:
    def body(run: Run) -> Result:
        raise error

    return body


def good(run: Run) -> Result:
    return Result(True, {"rows": 3})


@pytest.mark.parametrize(
    ("body", "code", "ok", "problem", "fields"),
    [
        (good, 0, True, "", {"rows": 3}),
        (lambda run: Result(False, {"rows": 3}, "2 are wrong"), 1, False, "2 are wrong", {"rows": 3}),
        (raises(ClaimError("nothing learned")), 1, False, "nothing learned", {}),
        (raises(CannotRunError("no key")), 2, False, "", {"error": "no key"}),
        (raises(RuntimeError("a bug")), 1, False, "", {"error": "unexpected error, see stderr"}),
        (raises(KeyboardInterrupt()), 130, False, "interrupted", {}),
    ],
)
def test_every_end_is_recorded(
    task: Task,
    summary: Path,
    body: Callable[[Run], Result],
    code: int,
    ok: bool,
    problem: str,
    fields: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (task.folder / "dataset.jsonl").write_bytes(b"rows")
    assert run(task, body) == code
    written = json.loads(summary.read_text())
    how = written.pop("run")
    assert written == {"stage": "toy", "ok": ok, **fields}
    assert (how["example"], how["exit_code"], how["problem"]) == ("toy", code, problem)
    assert 0 <= how["seconds"] < 60 and how["finished"].endswith("+00:00")
    assert how["versions"]["python"] == platform.python_version()
    assert how["data_sha256"] == hashlib.sha256(b"rows").hexdigest()
    if code != 130:
        said = {"problem": problem} if problem else {}
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last == {"event": "summary", **written, **said}


def test_the_hash_is_of_the_rows_that_were_worked_on(task: Task, summary: Path, tmp_path: Path) -> None:
    for folder, content in ((task.folder, b"own"), (tmp_path / "data", b"other")):
        folder.mkdir(exist_ok=True)
        (folder / "dataset.jsonl").write_bytes(content)
    assert run(task, good, "--data.dir", str(tmp_path / "data")) == 0
    assert json.loads(summary.read_text())["run"]["data_sha256"] == hashlib.sha256(b"other").hexdigest()


def test_a_run_that_is_killed_leaves_no_success_of_an_earlier_one(task: Task, summary: Path) -> None:
    assert run(task, good) == 0
    seen: list[bool] = []
    run(task, lambda run: Result(seen.append(summary.exists()) is None))
    assert seen == [False]


@pytest.mark.parametrize(
    ("argv", "environ"),
    [(["--nothing"], {}), (["--data.limit", "x"], {}), ([], {"TEST_MODE_TRL": "maybe"})],
)
def test_a_refused_command_leaves_what_the_last_run_wrote(
    task: Task, summary: Path, argv: list[str], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(task, good) == 0
    before = summary.read_bytes()
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert run(task, good, *argv) == 2
    assert summary.read_bytes() == before


def test_the_data_folder_gets_no_summary(task: Task, tmp_path: Path, summary: Path) -> None:
    data = tmp_path / "data"
    assert run(task, good, "--output-dir", str(data), writes_data=True) == 0
    assert not data.exists() and not summary.exists()
    assert run(task, good, writes_data=True) == 0
    assert summary.exists()
    assert prepare.STAGE.writes_data and not train.STAGE.writes_data


def test_an_output_folder_of_its_own_gets_the_summary(task: Task, tmp_path: Path, summary: Path) -> None:
    assert run(task, good, "--output-dir", str(tmp_path / "out")) == 0
    assert (tmp_path / "out" / "summary.json").exists() and not summary.exists()


def test_only_the_main_process_writes(task: Task, summary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert run(task, good) == 0
    assert not summary.exists()


@pytest.mark.parametrize(
    "body", [raises(CannotRunError(f"Bearer {KEY}")), lambda run: Result(False, {"saw": KEY}, KEY)]
)
def test_no_secret_is_recorded(
    task: Task, summary: Path, body: Callable[[Run], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
    run(task, body)
    assert KEY not in summary.read_text() and "<FIREWORKS_API_KEY>" in summary.read_text()


@pytest.mark.parametrize(
    ("fields", "switches"),
    [
        ({}, ["TEST_MOCK_FIREWORKS_PREVIEW"]),
        ({"settings": ("data", "grpo")}, ["TEST_MOCK_FIREWORKS_PREVIEW", "TEST_MODE_TRL"]),
    ],
)
def test_the_switches_that_mattered_are_recorded(
    task: Task, summary: Path, fields: dict[str, Any], switches: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TEST_MOCK_FIREWORKS_PREVIEW", "TEST_MODE_TRL"):
        monkeypatch.setenv(name, "1")
    assert run(task, good, **fields) == 0
    assert json.loads(summary.read_text())["run"]["switches"] == switches


def test_a_place_where_nothing_can_be_written(
    task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(task, good, "--output-dir", str(tmp_path / "file" / "out")) == 2
    error = capsys.readouterr().err
    assert "cannot be written" in error and error.count("\n") == 1


def test_a_summary_that_cannot_be_written_is_said(
    task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def body(run: Run) -> Result:
        run.output_dir.write_text("a file where the folder was to be")
        return Result(True)

    assert run(task, body, "--output-dir", str(tmp_path / "out")) == 0
    assert "summary.json: cannot be written" in capsys.readouterr().err


def test_a_run_that_could_not_run_leaves_the_success_before_it(task: Task, summary: Path) -> None:
    """A refused command, or a missing key, has changed nothing that the page should show."""
    assert run(task, good) == 0
    before = summary.read_bytes()
    assert run(task, raises(CannotRunError("the folder holds a finished run"))) == 2
    assert summary.read_bytes() == before
    assert run(task, lambda run: Result(False, {"rows": 3}, "2 are wrong")) == 1
    assert run(task, raises(CannotRunError("no key"))) == 2
    assert json.loads(summary.read_text())["error"] == "no key", "a failure is no success to keep"


def test_a_claim_that_does_not_hold_says_why_on_stdout(
    task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(task, lambda run: Result(False, {"rows": 3}, "2 are wrong")) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["ok"], last["rows"], last["problem"]) == (False, 3, "2 are wrong")
