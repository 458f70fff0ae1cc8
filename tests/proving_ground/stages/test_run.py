"""The runner: exit codes, the summary line, options, and that secrets stay inside."""

import argparse
import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from proving_ground.errors import CannotRunError, ClaimError, InfrastructureError
from proving_ground.stages import local_eval, prepare, preview, regenerate, train
from proving_ground.stages.run import Result, Run, Stage
from proving_ground.stages.task import Task
from proving_ground.switches import SWITCHES

KEY = "fw-recognisable-key"


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "examples" / "toy"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return Task(folder=folder, reward=lambda completions, **columns: [])


def run(task: Task, body: Callable[[Run], Result], *argv: str, **fields: Any) -> int:
    stage = Stage(**{"name": "toy", "body": body, "settings": ("data", "fireworks"), **fields})
    with pytest.raises(SystemExit) as caught:
        stage.main(task, "Proves nothing.", argv)
    return cast(int, caught.value.code)


def raises(error: BaseException) -> Callable[[Run], Result]:
    def body(run: Run) -> Result:
        raise error

    return body


@pytest.mark.parametrize(
    ("body", "code", "ok", "stderr"),
    [
        (lambda run: Result(True, {"rows": 3}), 0, True, ""),
        (lambda run: Result(False, {"rows": 3}, "2 of 3 are wrong"), 1, False, "2 of 3 are wrong"),
        (raises(ClaimError("nothing learned")), 1, False, "nothing learned"),
        (raises(CannotRunError("x.jsonl:3: bad\nline")), 2, False, "error: x.jsonl:3: bad line\n"),
        (raises(InfrastructureError("no sandbox")), 2, False, "error: no sandbox\n"),
        (raises(ModuleNotFoundError("No module named 'trl'", name="trl")), 2, False, "'trl' is missing"),
        (
            raises(OSError(errno.ENOSPC, "No space left on device", "a/b.jsonl")),
            *(2, False, "error: a/b.jsonl: No space left on device; make room or give another --output-dir;"),
        ),
        (raises(PermissionError(errno.EACCES, "Permission denied", "a")), 2, False, "a: Permission denied;"),
        (raises(OSError(errno.EROFS, "Read-only file system")), 2, False, "/toy: Read-only file system;"),
        (raises(IsADirectoryError(errno.EISDIR, "Is a directory", "run.lock")), 2, False, "run.lock: Is a"),
        (raises(OSError(errno.EIO, "Input/output error")), 1, False, "Traceback"),
        (raises(RuntimeError("a bug")), 1, False, "Traceback"),
    ],
)
def test_exit_codes(
    task: Task,
    body: Callable[[Run], Result],
    code: int,
    ok: bool,
    stderr: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(task, body) == code
    out, err = capsys.readouterr()
    summary = json.loads(out.splitlines()[-1])
    assert (summary["event"], summary["stage"], summary["ok"]) == ("summary", "toy", ok)
    assert stderr in err
    if code == 2:
        assert err.count("\n") == 1, "one line, no traceback, for a user's mistake"


def test_an_interruption_says_how_to_go_on(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(task, raises(KeyboardInterrupt())) == 130
    assert "run it again" in capsys.readouterr().err


@pytest.mark.parametrize("error", [CannotRunError, ClaimError, RuntimeError])
def test_a_secret_in_an_error_is_not_shown(
    task: Task, error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
    run(task, raises(error(f"header Bearer {KEY} refused")))
    out, err = capsys.readouterr()
    assert KEY not in out + err
    assert "<FIREWORKS_API_KEY>" in err


def test_options_reach_the_configuration(task: Task, tmp_path: Path) -> None:
    seen: list[Run] = []

    def body(run: Run) -> Result:
        seen.append(run)
        return Result(True)

    assert run(task, body, "--fireworks.concurrency", "7") == 0
    assert run(task, body, "--output-dir", str(tmp_path / "out"), "--data.dir", str(tmp_path / "data")) == 0
    assert seen[0].config.fireworks.concurrency == 7
    assert seen[0].output_dir == tmp_path / "outputs" / "toy" / "toy"
    assert seen[0].data_dir == task.folder
    assert (seen[1].output_dir, seen[1].data_dir) == (tmp_path / "out", tmp_path / "data")


def test_a_configuration_may_come_through_a_pipe(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    """As ``--config <(jq ...)`` gives it: a file that can be read once and has no name of its own."""

    def body(run: Run) -> Result:
        assert (run.config.fireworks.concurrency, run.data_dir) == (7, task.folder)
        return Result(True)

    for more in ([], ["--help"]):
        reading, writing = os.pipe()
        os.write(writing, b'{"fireworks": {"concurrency": 7}}')
        os.close(writing)
        assert run(task, body, "--config", f"/dev/fd/{reading}", *more) == 0
        os.close(reading)
    assert f"(7, {reading})" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--nothing"], "--nothing"),
        (["--fireworks.concurency", "7"], "--fireworks.concurency"),
        (["--fireworks.concurrency"], "expected one argument"),
        (["--model.name", "x"], "--model.name"),
        (["--grpo.max_steps", "3"], "--grpo.max_steps"),
        (["--conf", "x"], "--conf"),
        (["--data.limitt", "3"], "did you mean --data.limit"),
        (["--config", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_options_exit_2(
    task: Task, argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(task, lambda run: Result(True), *argv) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_trl_options_are_taken_where_the_stage_trains(task: Task) -> None:
    seen: list[dict[str, Any]] = []

    def body(run: Run) -> Result:
        seen.append(run.config.grpo)
        return Result(True)

    options = ["--grpo.max_steps", "3", "--grpo.learning_rate=1e-3", "--grpo.report_to", '["tensorboard"]']
    assert run(task, body, *options, settings=("grpo",)) == 0
    assert seen == [{"max_steps": 3, "learning_rate": 1e-3, "report_to": ["tensorboard"]}]
    assert run(task, body, "--grpo.max_steps", settings=("grpo",)) == 2


def test_a_misspelt_switch_stops_every_stage(
    task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_MODE_TRL", "maybe")
    assert run(task, lambda run: Result(True)) == 2
    assert "TEST_MODE_TRL='maybe'" in capsys.readouterr().err


def test_help_teaches(
    task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--own", help="the stage's own option, 100 %% documented")

    (task.folder / "config.json").write_text('{"data": {"limit": 7}}')
    monkeypatch.setenv("PROVING_GROUND_FIREWORKS__TEMPERATURE", "0.5")
    monkeypatch.setenv("COLUMNS", "200")

    assert run(task, lambda run: Result(True), "--help", add_options=add) == 0
    out = capsys.readouterr().out
    for word in (
        "Proves nothing.",
        "--fireworks.concurrency",
        "(4, default)",
        "(7, config.json)",
        "(0.5, PROVING_GROUND_FIREWORKS__TEMPERATURE)",
        "--own",
        "Exit codes",
        "Precedence",
    ):
        assert word in out
    assert "--model.name" not in out, "settings that a stage does not read are no options of it"


STAGES = {
    each.name: each
    for each in (prepare.STAGE, local_eval.STAGE, preview.STAGE, regenerate.STAGE, train.STAGE)
}
MOCKS = [switch.name for switch in SWITCHES.values() if switch.mock]


@pytest.mark.parametrize("switch", MOCKS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_switch_that_is_on_is_on_in_every_stage(
    stage: str, switch: str, task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing that the mock does not know passes through: it is `responses` that refuses."""
    monkeypatch.setenv(switch, "on")
    asked: list[str] = []

    def body(run: Run) -> Result:
        for address in ("https://api.example.com/v1/models", "http://127.0.0.1:9/", "https://example.com"):
            with pytest.raises(requests.ConnectionError, match="refused by Responses"):
                requests.get(address, timeout=1)
            asked.append(address)
        return Result(True)

    with pytest.raises(SystemExit) as caught:
        dataclasses.replace(STAGES[stage], body=body).main(task, "", [])
    assert (caught.value.code, len(asked)) == (0, 3)
    assert f"MOCKED: {switch} is on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "argv", "words"),
    [
        ("local_eval", ["--data.source", "rows.jsonl"], "local_eval takes no --data.source"),
        ("preview", ["--fireworks.temperature", "1"], "preview takes no --fireworks.temperature"),
        ("prepare", ["--limit", "3"], "did you mean --data.limit"),
        ("train", ["--limit", "3"], "train takes no --limit"),
        ("local_eval", ["--limit", "0"], "--limit: give a whole number of at least 1, not '0'"),
        ("train", ["--data.seed", "3"], "train takes no --data.seed"),
    ],
)
def test_options_that_would_do_nothing_are_errors(
    stage: str, argv: list[str], words: str, task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        dataclasses.replace(STAGES[stage], body=lambda run: Result(True)).main(task, "", argv)
    assert caught.value.code == 2 and words in capsys.readouterr().err


def test_help_helps_with_a_broken_configuration(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    (task.folder / "config.json").write_text('{"data": {"limit": "many"}}')
    assert run(task, lambda run: Result(True), "--help") == 0
    out = capsys.readouterr().out
    assert "config.json: data.limit" in out and "(100, default)" in " ".join(out.split())


def test_success_says_one_line_to_people(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(task, lambda run: Result(True, {"rows": 3, "files": {}, "pass_rate": 0.5})) == 0
    assert capsys.readouterr().err == "toy: the claim holds: rows 3, pass_rate 0.5\n"
