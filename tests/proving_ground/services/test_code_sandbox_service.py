"""The code-sandbox service over real sockets: the client that asks it, and an evaluator that needs it."""

import base64
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tenacity import wait_none

from proving_ground.dataset import Sample
from proving_ground.errors import InfrastructureError
from proving_ground.fireworks.preview import parse_preview, preview_request
from proving_ground.rewards import code_reward
from proving_ground.rewards.code import make_code_reward
from proving_ground.rewards.contract import with_sandbox
from proving_ground.sandbox import Limits, SandboxSettings, Status
from proving_ground.sandbox.api import ApiSandbox
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
    there = make_code_reward(ApiSandbox(url))(programs, ground_truth=[TESTS] * 3)
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
        make_code_reward(gone)([answer("x")], ground_truth=[TESTS])
