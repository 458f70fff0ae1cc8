"""The mocked code-sandbox API, asked by the client that asks the real one."""

import base64
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.mocks import activate
from proving_ground.rewards.code import code_reward
from proving_ground.sandbox import Limits, RunResult, Status
from proving_ground.sandbox.api import ApiSandbox
from proving_ground.sandbox.fusion import wire_answer
from proving_ground.switches import SWITCHES

URL = "http://sandbox.test"
SWITCH = [SWITCHES["TEST_MOCK_CODE_SANDBOX"]]
BODY = {
    "code": "print(1)",
    "language": "python",
    "stdin": "",
    "run_timeout": 5.0,
    "compile_timeout": 10,
    "memory_limit_MB": 256,
    "files": {},
}


@pytest.fixture
def mocked(tmp_path: Path) -> Iterator[ApiSandbox]:
    with activate(SWITCH, tmp_path / "example", tmp_path / "out"):
        yield ApiSandbox(URL, limits=Limits(timeout_seconds=2, memory_mb=256), retries=0)


def calls(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "out" / "mock_calls.jsonl").open(encoding="utf-8")]


@pytest.mark.parametrize(
    ("program", "stdin", "status", "stdout"),
    [
        ("print(int(input()) * 3)", "14\n", "finished", "42\n"),
        ("import sys; print('é'); sys.exit(3)", "", "error", "é\n"),
        ("input(); print('read')", "\udc80", "finished", "read\n"),
        ("1 / 0", "", "error", ""),
        ("print('on', flush=True)\nwhile True: pass", "", "timeout", "on\n"),
        ("x = bytearray(10**9)", "", "memory", ""),
    ],
)
def test_the_posted_program_is_really_run(
    mocked: ApiSandbox, tmp_path: Path, program: str, stdin: str, status: Status, stdout: str
) -> None:
    result = mocked.run(program, stdin)
    assert (result.status, result.stdout) == (status, stdout)
    (call,) = calls(tmp_path)
    assert (call["method"], call["url"], call["source"]) == ("POST", f"{URL}/run_code", "run")


def test_files_stand_beside_the_program(mocked: ApiSandbox) -> None:
    result = mocked.run("import other; print(other.word)", files={"other.py": "word = 'näh'"})
    assert result.stdout == "näh\n"


def test_the_reward_through_the_mock_tells_right_from_wrong(mocked: ApiSandbox) -> None:
    tests = [
        {"kind": "call", "function": "f", "args": [2], "expected": 4},
        {"kind": "call", "function": "f", "args": [3], "expected": 9},
    ]
    programs = [f"```python\ndef f(x):\n    return {text}\n```" for text in ("x * x", "x + x", "x")]
    reward = partial(code_reward, sandbox=mocked)
    assert reward(programs, ground_truth=[json.dumps(tests)] * 3) == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"language": "cpp"}, "language: Input should be 'python'"),
        ({"code": None}, "code: Input should be a valid string"),
        ({"run_timeout": "5"}, "run_timeout: Input should be a valid number"),
        ({"cmd": "ls"}, "cmd: Extra inputs"),
        ({"files": {"a.py": "not base64!"}}, "not base64"),
        ({"files": {"a.py": base64.b64encode(b"\xff").decode()}}, "not base64 of a text"),
    ],
)
def test_a_request_that_the_service_would_refuse_is_refused(
    mocked: ApiSandbox, change: dict[str, Any], problem: str
) -> None:
    assert requests.post(f"{URL}/run_code", json=BODY, timeout=9).json()["run_result"]["stdout"] == "1\n"
    with pytest.raises(InfrastructureError, match=problem):
        requests.post(f"{URL}/run_code", json={**BODY, **change}, timeout=9)


def test_another_address_is_not_let_through(mocked: ApiSandbox) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{URL}/other", json=BODY, timeout=9)


@pytest.fixture
def nothing_isolates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def test_a_call_log_is_replayed_where_nothing_isolates(
    mocked: ApiSandbox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ran = mocked.run("print(6 * 7)")
    folder = tmp_path / "example" / "recordings"
    folder.mkdir(parents=True)
    (folder / "run_code.jsonl").write_bytes((tmp_path / "out" / "mock_calls.jsonl").read_bytes())
    request.getfixturevalue("nothing_isolates")
    with activate(SWITCH, tmp_path / "example", tmp_path / "replayed"):
        assert mocked.run("print(6 * 7)") == ran
        with pytest.raises(CannotRunError, match=r"no recording for request .* bubblewrap"):
            mocked.run("print(6 * 8)")


@pytest.mark.parametrize(
    ("line", "problem"),
    [(None, "cannot read it"), ("{}\n", "run_code.jsonl:1: no recording"), ("x\n", "not valid JSON")],
)
def test_broken_recordings_are_refused(
    nothing_isolates: None, mocked: ApiSandbox, tmp_path: Path, line: str | None, problem: str
) -> None:
    if line is not None:
        (tmp_path / "example" / "recordings").mkdir(parents=True)
        (tmp_path / "example" / "recordings" / "run_code.jsonl").write_text(line)
    with pytest.raises(CannotRunError, match=problem):
        mocked.run("print(1)")


@pytest.mark.parametrize(
    ("status", "exit_code", "wire", "return_code"),
    [
        ("finished", 0, ("Success", "Finished"), 0),
        ("error", 3, ("Failed", "Finished"), 3),
        ("timeout", None, ("Failed", "TimeLimitExceeded"), None),
        ("output_limit", None, ("Failed", "Finished"), 137),
        ("memory", 0, ("Failed", "Finished"), 137),
    ],
)
def test_no_ending_but_a_good_one_looks_like_success(
    status: Status, exit_code: int | None, wire: tuple[str, str], return_code: int | None
) -> None:
    answer = wire_answer(RunResult(status, exit_code, "out", "err", 0.1, "why"))
    assert (answer["status"], answer["run_result"]["status"]) == wire
    assert answer["run_result"]["return_code"] == return_code
