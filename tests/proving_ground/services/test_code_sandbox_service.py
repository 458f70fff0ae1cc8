"""The code-sandbox service over real sockets: the client that asks it, and an evaluator that needs it."""

import base64
import dataclasses
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient
from tenacity import wait_none

from proving_ground.dataset import Sample
from proving_ground.errors import InfrastructureError
from proving_ground.fireworks.preview import parse_preview, preview_request
from proving_ground.rewards import code_reward
from proving_ground.rewards.contract import with_sandbox
from proving_ground.sandbox import Limits, RunFailedError, RunResult, SandboxSettings, Status
from proving_ground.sandbox.api import ApiSandbox
from proving_ground.services import gateway
from proving_ground.services.code_sandbox import create_app
from proving_ground.services.gateway import EVALUATOR_LIMITS, run_preview
from proving_ground.services.schema import PreviewRequest
from proving_ground.services.servers import serve_code_sandbox

TESTS = json.dumps(
    [{"kind": "call", "function": "f", "args": [n], "expected": n * n} for n in (2, 3)]
    + [{"kind": "stdio", "stdin": "", "stdout": "hello"}]
)
TEXTS = ("x * x", "x + x", "x.y")
SCORES = [1.0, pytest.approx(2 / 3), pytest.approx(1 / 3)]


def answer(text: str) -> str:
    return f"```python\ndef f(x):\n    return {text}\n\nprint('hello')\n```"


def alive(token: str) -> list[str]:
    """Sandboxed programs anywhere on the machine that contain ``token``."""
    found = []
    for program in Path("/proc").glob("[0-9]*/root/box/main.py"):
        with suppress(OSError):  # not ours to see, or just ended
            found += [str(program)] if token in program.read_text("utf-8", "replace") else []
    return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_code_sandbox() as address:
        yield address


@pytest.mark.parametrize(
    ("program", "stdin", "status", "stdout"),
    [
        ("print(int(input()) * 3)", "14\n", "finished", "42\n"),
        ("import sys; print('é'); sys.exit(3)", "", "error", "é\n"),
        ("print('on', flush=True)\nwhile True: pass", "", "timeout", "on\n"),
        ("x = bytearray(10**9)", "", "memory", ""),
        ("import socket; socket.create_connection(('127.0.0.1', {port}))", "", "error", ""),
    ],
)
def test_the_client_gets_what_the_program_did(
    url: str, program: str, stdin: str, status: Status, stdout: str
) -> None:
    sandbox = ApiSandbox(url, limits=Limits(timeout_seconds=2, memory_mb=256), retries=0)
    result = sandbox.run(program.replace("{port}", url.rpartition(":")[2]), stdin)
    assert (result.status, result.stdout) == (status, stdout)


def test_the_reward_scores_through_it_as_it_does_here(url: str) -> None:
    programs = [answer(text) for text in TEXTS]
    there = partial(code_reward, sandbox=ApiSandbox(url))(programs, ground_truth=[TESTS] * 3)
    assert there == code_reward(programs, ground_truth=[TESTS] * 3) == SCORES


@pytest.mark.parametrize(
    "change",
    [
        {"language": "cpp"},
        {"code": None},
        {"cmd": "ls"},
        {"run_timeout": 0},
        {"run_timeout": float("inf")},
        {"memory_limit_MB": True},
        {"files": {"../x": base64.b64encode(b"").decode()}},
        {"files": {"a": "", "a/b": ""}},
        {"files": {"x" * 1000: ""}},
        {"files": {f"{number}.py": "" for number in range(101)}},
        {"run_timeout": 301},
        {"memory_limit_MB": 10**6},
    ],
)
def test_what_it_cannot_run_is_refused(url: str, change: dict[str, Any]) -> None:
    body = {"code": "", "language": "python", "stdin": "", "run_timeout": 5, "compile_timeout": 5}
    body |= {"memory_limit_MB": 256, "files": {}}
    assert requests.post(f"{url}/run_code", json=body, timeout=30).status_code == 200
    text = json.dumps({**body, **change})  # requests itself refuses to write an infinity
    headers = {"Content-Type": "application/json"}
    assert requests.post(f"{url}/run_code", data=text, headers=headers, timeout=30).status_code == 422


def test_strange_hosts_and_bodies_are_refused(url: str) -> None:
    assert requests.get(f"{url}/health", headers={"Host": "evil.example"}, timeout=30).status_code == 421
    assert requests.post(f"{url}/run_code", data=b" " * 20_000_000, timeout=30).status_code == 413


def preview_of(*texts: str, **sandbox: Any) -> PreviewRequest:
    """A preview of the coding reward over a right, a partly right and a nearly wrong program."""
    rows: list[Sample] = []
    for text in texts:
        messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer(text)}]
        rows.append({"id": text, "messages": messages, "ground_truth": TESTS, "metadata": {}})
    reward = with_sandbox(code_reward, SandboxSettings(**sandbox))
    return PreviewRequest.model_validate(preview_request(reward, "squares", rows))


def test_a_posted_evaluator_runs_its_programs_there(url: str) -> None:
    limits = dataclasses.replace(EVALUATOR_LIMITS, network=True)
    answered = run_preview(preview_of(*TEXTS, backend="api", base_url=url, workers=2), limits)
    assert [row.score for row in parse_preview(answered, 3).rows] == SCORES, answered


@pytest.mark.parametrize(
    ("backend", "reason"), [("api", "is it running"), ("local", "no local sandbox: [Errno 1]")]
)
def test_an_evaluator_that_reaches_no_sandbox_fails_and_says_why(url: str, backend: str, reason: str) -> None:
    answered = run_preview(preview_of(TEXTS[0], backend=backend, base_url=url, workers=1))
    assert [result["success"] for result in answered["results"]] == ["false"]
    assert all(reason in result["reason"] for result in answered["results"]), answered


def test_a_service_that_is_gone_raises() -> None:
    gone = ApiSandbox("http://127.0.0.1:9", retries=1, wait=wait_none())
    with pytest.raises(InfrastructureError, match="is it running"):
        partial(code_reward, sandbox=gone)([answer("x")], ground_truth=[TESTS])


def posted(url: str, program: str, seconds: float = 5, **options: Any) -> requests.Response:
    body = {"code": program, "language": "python", "stdin": "", "run_timeout": seconds, "compile_timeout": 5}
    return requests.post(f"{url}/run_code", json={**body, "memory_limit_MB": 256, "files": {}}, **options)


def test_load_decides_nothing(url: str) -> None:
    """Forty programs at once, each of which needs most of its CPU time; /health answers meanwhile."""
    program = "import time\nwhile time.process_time() < 0.25: pass\nprint('done')"
    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(posted, url, program, 0.5, timeout=120) for _ in range(40)]
        assert requests.get(f"{url}/health", timeout=5).json() == {"status": "ok"}
        results = [answer.result().json() for answer in answers]
    assert [result["run_result"]["stdout"] for result in results] == ["done\n"] * 40


def test_a_program_goes_when_its_client_goes(url: str) -> None:
    token = f"# client {os.getpid()}"
    with pytest.raises(requests.ReadTimeout):
        posted(url, f"import time  {token}\ntime.sleep(60)", 60, timeout=1)
    deadline = time.monotonic() + 20
    while alive(token) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive(token) == []


def test_with_a_key_only_its_owner_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE_SANDBOX_API_KEY", "let-me-in")
    with serve_code_sandbox() as address:
        assert ApiSandbox(address, retries=0).run("print(1)").stdout == "1\n"
        monkeypatch.setenv("CODE_SANDBOX_API_KEY", "another")
        with pytest.raises(InfrastructureError, match="HTTP 401"):
            ApiSandbox(address, retries=0).run("print(1)")
        monkeypatch.delenv("CODE_SANDBOX_API_KEY")
        assert posted(address, "print(1)", timeout=9).status_code == 401
        assert requests.get(f"{address}/health", timeout=9).ok


def test_beyond_the_queue_it_says_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "MAX_WAITING", 1)
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        workers = 1

        def run(self, *args: Any, **options: Any) -> RunResult:
            begun.set()
            go_on.wait(20)
            return RunResult("finished", 0, "", "", 0.0, "")

    body = {"code": "", "language": "python", "stdin": "", "run_timeout": 5, "compile_timeout": 5}
    client = TestClient(create_app(Slow()), base_url="http://localhost")  # type: ignore[arg-type]
    with client, ThreadPoolExecutor(8) as pool:
        post = partial(client.post, "/run_code", json={**body, "memory_limit_MB": 256, "files": {}})
        waiting = [pool.submit(post) for _ in range(8)]
        assert begun.wait(20)
        time.sleep(0.5)
        go_on.set()
        answers = [answer.result() for answer in waiting]
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 6
    assert {answer.headers["Retry-After"] for answer in answers if answer.status_code == 429} == {"1"}


def test_a_program_that_could_not_be_run_may_be_sent_again() -> None:
    class Failing:
        workers = 1

        def run(self, *args: Any, **options: Any) -> RunResult:
            raise RunFailedError("launch", "no launch")

    client = TestClient(create_app(Failing()), base_url="http://localhost")  # type: ignore[arg-type]
    body = {"code": "", "language": "python", "stdin": "", "run_timeout": 5, "compile_timeout": 5}
    answered = client.post("/run_code", json={**body, "memory_limit_MB": 256, "files": {}})
    assert (answered.status_code, answered.headers["Retry-After"]) == (503, "1")


def test_of_two_services_one_is_killed_and_nothing_is_lost() -> None:
    with serve_code_sandbox() as stays, ExitStack() as other:
        goes = other.enter_context(serve_code_sandbox())
        reward = partial(code_reward, sandbox=ApiSandbox(f"{goes},{stays}", workers=4))
        threading.Timer(1.0, other.close).start()
        started = time.monotonic()
        while time.monotonic() < started + 4:
            assert reward([answer(text) for text in TEXTS], ground_truth=[TESTS] * 3) == SCORES
