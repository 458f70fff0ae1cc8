"""Regeneration of the math example against a real local server: resume, faults, and the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from proving_ground.errors import CannotRunError
from proving_ground.stages.regenerate import STAGE, selected
from proving_ground.stages.task import Task
from tests.conftest import ROOT
from tests.support.api_server import Reply, Server, completion, serve

SCRIPT = ROOT / "examples" / "math_example" / "fireworks_regenerate.py"
KEY = "fw-recognisable-key"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare = [sys.executable, str(SCRIPT.with_name("prepare_data.py")), "--output-dir", str(folder)]
    subprocess.run(prepare, check=True, capture_output=True)
    return folder


def command(server: Server, data_dir: Path, output_dir: Path, *options: str) -> list[str]:
    places = [
        "--data.dir",
        str(data_dir),
        "--output-dir",
        str(output_dir),
        "--fireworks.base_url",
        server.url,
    ]
    return [sys.executable, str(SCRIPT), *places, "--limit", "24", *options]


def regenerate(
    server: Server, data_dir: Path, output_dir: Path, *options: str, key: str | None = KEY
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **({"FIREWORKS_API_KEY": key} if key else {})}
    line = command(server, data_dir, output_dir, *options)
    return subprocess.run(line, env=env, capture_output=True, text=True, check=False, timeout=120)


def question(request: dict[str, Any]) -> str:
    return str(request["body"]["messages"][-1]["content"])


def right_half(request: dict[str, Any], number: int) -> Reply:
    """An answer that depends on the question alone, so that the order of asking does not matter."""
    return Reply(completion(rf"\boxed{{{len(question(request))}}}"), pause=0.02)


def test_a_killed_run_goes_on_where_it_stopped(data_dir: Path, tmp_path: Path) -> None:
    with serve(right_half) as server:
        whole = regenerate(server, data_dir, tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    expected = (tmp_path / "whole" / "results.jsonl").read_bytes()
    assert len(expected.splitlines()) == 24

    with serve(right_half) as server:
        journal = tmp_path / "killed" / "answers.jsonl"
        env = {**os.environ, "FIREWORKS_API_KEY": KEY}
        line = command(server, data_dir, tmp_path / "killed", "--concurrency", "2")
        victim = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
            assert victim.poll() is None, "it finished before it could be killed"
            time.sleep(0.002)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        finished = {
            json.loads(line)["id"]
            for line in journal.read_bytes().splitlines(keepends=True)
            if line[-1:] == b"\n"
        }
        assert 5 <= len(finished) < 24
        with journal.open("ab") as stream:
            stream.write(b'{"id": "torn in the mid')  # what a kill inside a write would leave
        asked_before = len(server.requests)
        again = regenerate(server, data_dir, tmp_path / "killed", "--concurrency", "5")
        assert again.returncode == 0, again.stderr
        asked_again = {question(request) for request in server.requests[asked_before:]}
    samples = [json.loads(line) for line in (data_dir / "dataset.jsonl").read_text().splitlines()[:24]]
    unfinished = {sample["messages"][0]["content"] for sample in samples if sample["id"] not in finished}
    assert asked_again == unfinished, "every unfinished row once, no finished row again"
    assert len(server.requests) - asked_before == len(unfinished)
    assert (tmp_path / "killed" / "results.jsonl").read_bytes() == expected
    assert json.loads(again.stdout.splitlines()[-1])["kept"] == len(finished)


def test_the_model_is_asked_as_configured(data_dir: Path, tmp_path: Path) -> None:
    sent = {
        "model": "accounts/mine/models/own",
        "temperature": 0.7,
        "max_tokens": 77,
        "reasoning_effort": "low",
    }
    options = [word for name, value in sent.items() for word in (f"--fireworks.{name}", str(value))]
    with serve(right_half) as server:
        ran = regenerate(server, data_dir, tmp_path, *options, "--prompt.system", "Be brief.", "--limit", "2")
    assert ran.returncode == 0, ran.stderr
    assert [{name: request["body"][name] for name in sent} for request in server.requests] == [sent] * 2
    systems = {request["body"]["messages"][0]["content"] for request in server.requests}
    assert systems == {"Be brief."}


def test_a_killed_run_keeps_what_the_server_answered(data_dir: Path, tmp_path: Path) -> None:
    """By the server's count: but for those in flight, no answer that it sent is asked for again."""
    with serve(right_half) as server:
        env = {**os.environ, "FIREWORKS_API_KEY": KEY}
        line = command(server, data_dir, tmp_path, "--concurrency", "1")
        victim = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.requests) < 7:
            assert victim.poll() is None, "it finished before it could be killed"
            time.sleep(0.002)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        answered = {question(request) for request in server.requests[:-2]}
        asked = len(server.requests)
        assert regenerate(server, data_dir, tmp_path).returncode == 0
        assert not answered & {question(request) for request in server.requests[asked:]}


def test_what_does_not_apply_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A score of None counts neither as passed nor as failed, and is None in the results."""

    def half(completions: Any, id: list[str], **columns: Any) -> list[float | None]:
        return [1.0 if name == "tiny-0" else None for name in id]

    answer = {"role": "assistant", "content": "x"}
    rows = [{"messages": [{"role": "user", "content": text}, answer], "ground_truth": "x"} for text in "abc"]
    folder = tmp_path / "examples" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"data": {"held_out": 0}}')
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
    task = Task(folder=folder, reward=half, rows=lambda: rows)
    with serve(right_half) as server, pytest.raises(SystemExit) as ended:
        STAGE.main(task, "", ["--fireworks.base_url", server.url, "--min-pass-rate", "1"])
    assert ended.value.code == 0
    results = tmp_path / "outputs" / "tiny" / "regenerate" / "results.jsonl"
    assert [json.loads(line)["score"] for line in results.read_text().splitlines()] == [1.0, None, None]


def test_a_changed_prompt_is_asked_again_and_fresh_asks_everything(data_dir: Path, tmp_path: Path) -> None:
    with serve(right_half) as server:
        for options, asked in [
            ((), 24),
            ((), 0),
            (("--prompt.system", "Differently."), 24),
            (("--fresh",), 24),
        ]:
            before = len(server.requests)
            ran = regenerate(server, data_dir, tmp_path, *options)
            assert ran.returncode == 0, ran.stderr
            assert len(server.requests) - before == asked, options
    with serve(right_half) as another:  # what one server said, a mock above all, is no answer of another
        assert regenerate(another, data_dir, tmp_path).returncode == 0
        assert len(another.requests) == 24


def test_what_arrived_before_a_failure_is_kept(data_dir: Path, tmp_path: Path) -> None:
    def fails_once(request: dict[str, Any], number: int) -> Reply:
        return (
            Reply({"error": {"message": "suspended"}}, status=412)
            if number == 7
            else right_half(request, number)
        )

    with serve(fails_once) as server:
        failed = regenerate(server, data_dir, tmp_path, "--concurrency", "2")
        assert failed.returncode == 2
        assert "suspended" in failed.stderr and "answers are kept" in failed.stderr
        assert len(server.requests) < 12, "a suspended account is not asked for every row"
        assert not (tmp_path / "results.jsonl").exists(), "no partial results"
        again = regenerate(server, data_dir, tmp_path)
    assert again.returncode == 0, again.stderr
    asked = Counter(question(request) for request in server.requests)
    assert sum(asked.values()) == 25 and len(asked) == 24, "only the failed row is asked a second time"


def test_one_refused_row_does_not_stop_the_others(data_dir: Path, tmp_path: Path) -> None:
    def refuses_one(request: dict[str, Any], number: int) -> Reply:
        return (
            Reply({"error": {"message": "too long"}}, status=400)
            if number == 3
            else right_half(request, number)
        )

    with serve(refuses_one) as server:
        ran = regenerate(server, data_dir, tmp_path)
    assert ran.returncode == 2
    assert "1 of 24 rows failed" in ran.stderr and "23 answers are kept" in ran.stderr
    assert len(server.requests) == 24


def test_a_model_that_is_not_there_is_asked_for_once(data_dir: Path, tmp_path: Path) -> None:
    with serve(lambda request, number: Reply({"error": {"message": "no such model"}}, status=404)) as server:
        ran = regenerate(server, data_dir, tmp_path, "--concurrency", "1")
    assert ran.returncode == 2 and "no such model" in ran.stderr
    assert len(server.requests) == 1


def test_a_200_that_is_no_completion_is_an_error(data_dir: Path, tmp_path: Path) -> None:
    def first_none(request: dict[str, Any], number: int) -> Reply:
        return right_half(request, number) if mended else Reply({"choices": []})

    mended = False
    with serve(first_none) as server:
        ran = regenerate(server, data_dir, tmp_path)
        assert ran.returncode == 2
        assert "without a completion" in ran.stderr
        mended = True
        again = regenerate(server, data_dir, tmp_path)
        assert again.returncode == 0, "it is asked for again"


def test_two_runs_cannot_share_an_output(data_dir: Path, tmp_path: Path) -> None:
    slow = Reply(completion("x"), pause=3)
    with serve(lambda request, n: slow) as server:
        env = {**os.environ, "FIREWORKS_API_KEY": KEY}
        first = subprocess.Popen(command(server, data_dir, tmp_path), env=env, stderr=subprocess.PIPE)
        while not server.requests:
            time.sleep(0.01)
        second = regenerate(server, data_dir, tmp_path)
        first.kill()
        first.communicate()
    assert second.returncode == 2
    assert f"in use by process {first.pid}, which is alive" in second.stderr


def test_requests_in_flight_are_bounded(data_dir: Path, tmp_path: Path) -> None:
    flying: list[int] = [0]
    most: list[int] = [0]

    def count(request: dict[str, Any], number: int) -> Reply:
        flying[0] += 1
        most[0] = max(most[0], flying[0])
        time.sleep(0.05)
        flying[0] -= 1
        return Reply(completion("x"))

    with serve(count) as server:
        assert regenerate(server, data_dir, tmp_path, "--concurrency", "3").returncode == 0
    assert most[0] == 3


def test_without_a_key_nothing_is_asked(data_dir: Path, tmp_path: Path) -> None:
    with serve(right_half) as server:
        ran = regenerate(server, data_dir, tmp_path, key=None)
    assert ran.returncode == 2
    assert "FIREWORKS_API_KEY is not set" in ran.stderr
    assert server.requests == []


def test_the_key_is_in_no_output(data_dir: Path, tmp_path: Path) -> None:
    quoted = Reply({"error": {"message": f"key {KEY} unknown"}}, status=401)
    with serve(lambda request, n: quoted if n % 2 else right_half(request, n)) as server:
        ran = regenerate(server, data_dir, tmp_path, "--concurrency", "1")
    assert ran.returncode == 2 and "<FIREWORKS_API_KEY> unknown" in ran.stderr
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert KEY not in ran.stdout + ran.stderr + written


@pytest.mark.parametrize(
    ("indices", "rows"), [(None, [0, 1, 2, 3]), ("2", [2]), ("3,0-1,1", [0, 1, 3]), (" 1 , 2-3", [1, 2, 3])]
)
def test_indices(indices: str | None, rows: list[int]) -> None:
    assert selected(4, indices) == rows


@pytest.mark.parametrize("indices", ["", "x", "-1", "4", "2-9", "3-1", "1-", "1,,2", "²"])
def test_bad_indices(indices: str) -> None:
    with pytest.raises(CannotRunError, match="--indices"):
        selected(4, indices)
