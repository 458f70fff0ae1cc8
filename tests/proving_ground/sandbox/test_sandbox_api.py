"""The API backend against a service that answers, fails, and answers nonsense."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from observing import at_once
from tenacity import RetryCallState, wait_none

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import Limits, RunFailedError, SandboxSettings, open_sandbox
from proving_ground.sandbox.api import ApiSandbox, _AsAsked

URL = "http://sandbox.test:8080/run_code"
FINISHED = {
    "status": "Finished",
    "execution_time": 0.5,
    "return_code": 0,
    "stdout": "4\n",
    "stderr": "",
}


def answer(outcome: str = "Success", **changes: Any) -> dict[str, Any]:
    return {"status": outcome, "message": "", "compile_result": None, "run_result": {**FINISHED, **changes}}


def sandbox(sleeps: list[float] | None = None, **options: Any) -> ApiSandbox:
    """A client that does not wait, but writes down for how long it would have."""
    waits = sleeps if sleeps is not None else []
    usual = _AsAsked()

    def wait(state: RetryCallState) -> float:
        waits.append(usual(state))
        return 0.0

    return ApiSandbox("http://sandbox.test:8080/", wait=wait, **options)


@responses.activate
def test_the_request_is_what_the_service_expects() -> None:
    responses.post(URL, json=answer())
    limits = Limits(timeout_seconds=30, memory_mb=64)
    result = sandbox(limits=limits).run("print(2 + 2)", "in", files={"a.py": "ü"})
    assert (result.status, result.exit_code, result.stdout, result.seconds) == ("finished", 0, "4\n", 0.5)
    (call,) = responses.calls
    assert json.loads(call.request.body or "") == {
        "code": "print(2 + 2)",
        "language": "python",
        "stdin": "in",
        "run_timeout": 30,
        "compile_timeout": 10,
        "memory_limit_MB": 64,
        "files": {"a.py": base64.b64encode("ü".encode()).decode()},
    }
    connect, read = call.request.req_kwargs["timeout"]  # type: ignore[attr-defined]
    assert 0 < connect < 30 and read > limits.wall_seconds, "a program may wait for all of that"


@pytest.mark.parametrize(
    ("body", "status", "exit_code"),
    [
        (answer(), "finished", 0),
        (answer("Failed", return_code=1, stderr="Traceback\nValueError: x"), "error", 1),
        (answer("Failed", return_code=-9), "error", -9),
        (answer("Failed", return_code=1, stderr="Traceback\nMemoryError"), "memory", 1),
        (answer("Failed", status="TimeLimitExceeded", return_code=None), "timeout", None),
        (
            answer("Failed", status="TimeLimitExceeded", return_code=None, execution_time=None),
            "timeout",
            None,
        ),
        (answer(stdout="x" * 101), "output_limit", 0),
    ],
)
@responses.activate
def test_what_the_program_did_is_a_result(body: dict[str, Any], status: str, exit_code: int | None) -> None:
    responses.post(URL, json=body)
    result = sandbox(limits=Limits(output_bytes=100)).run("x")
    assert (result.status, result.exit_code) == (status, exit_code)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "SandboxError", "message": "no disk", "run_result": None},
        {**answer(), "status": "SandboxError"},
        {"status": "Success", "message": ""},
        {**answer(), "status": "Great"},
        {**answer(), "status": None},
        {**answer(), "run_result": []},
        {**answer(), "run_result": {}},
        answer(stdout=None),
        answer(stdout=4),
        answer(stderr=["x"]),
        answer(return_code=None),
        answer(return_code="0"),
        answer(return_code=False),
        answer(execution_time="fast"),
        answer(execution_time=True),
        {},
        [],
        None,
        "Success",
    ],
)
@responses.activate
def test_what_the_service_did_wrong_is_no_result(body: Any) -> None:
    responses.post(URL, json=body)
    with pytest.raises(InfrastructureError) as error:
        sandbox().run("x")
    assert "\n" not in str(error.value)
    assert len(responses.calls) == 1


@pytest.mark.parametrize("text", ["", "<html>", '{"status": "Success"', "Infinity"])
@responses.activate
def test_an_answer_that_is_no_json_is_no_result(text: str) -> None:
    responses.post(URL, body=text)
    with pytest.raises(InfrastructureError, match="answered no"):
        sandbox().run("x")


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 429},
        {"status": 500},
        {"status": 503},
        {"body": requests.ConnectionError("refused")},
        {"body": requests.ReadTimeout("slow")},
        {"body": requests.exceptions.ChunkedEncodingError("reset")},
    ],
)
@responses.activate
def test_a_passing_failure_is_tried_again_and_a_lasting_one_raises(failure: dict[str, Any]) -> None:
    sleeps: list[float] = []
    for _ in range(2):
        responses.post(URL, **failure)
    responses.post(URL, json=answer())
    assert sandbox(sleeps).run("x").status == "finished"
    assert [int(2 * slept) / 2 for slept in sleeps] == [0.5, 1.0]

    responses.reset()
    sleeps.clear()
    responses.post(URL, **failure)
    with pytest.raises(RunFailedError, match=r"failed 6 times") as failed:
        sandbox(sleeps, retries=5).run("x")
    assert failed.value.kind == "service"
    assert [int(2 * slept) / 2 for slept in sleeps][:5] == [0.5, 1, 2, 4, 8]


@responses.activate
def test_the_service_says_how_long_to_wait() -> None:
    sleeps: list[float] = []
    responses.post(URL, status=429, headers={"Retry-After": "7"})
    responses.post(URL, json=answer())
    assert sandbox(sleeps).run("x").status == "finished"
    assert sleeps == [7.0]


@responses.activate
def test_one_of_two_services_is_gone() -> None:
    responses.post(URL, body=requests.ConnectionError("refused"))
    responses.post("http://other.test/run_code", json=answer())
    both = ApiSandbox("http://sandbox.test:8080, http://other.test/", wait=wait_none())
    assert {result.status for result in at_once(both, ["x"] * 6)} == {"finished"}


@pytest.mark.parametrize("status", [400, 401, 404, 422])
@responses.activate
def test_a_refusal_is_not_tried_again(status: int) -> None:
    responses.post(URL, status=status, body="why")
    with pytest.raises(InfrastructureError, match=rf"HTTP {status}.*why"):
        sandbox().run("x")
    assert len(responses.calls) == 1


@responses.activate
def test_a_program_that_is_not_unicode_is_the_programs_fault() -> None:
    assert sandbox().run("print('\ud800')").status == "error"
    assert len(responses.calls) == 0


def test_packages_of_this_machine_cannot_be_sent() -> None:
    with pytest.raises(InfrastructureError, match="local packages"):
        sandbox().run("x", packages=[Path("/usr")])


@responses.activate
def test_settings_open_it_and_order_is_kept() -> None:
    def echo(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps(answer(stdout=json.loads(request.body or "")["stdin"]))

    responses.add_callback("POST", URL, echo)
    opened = open_sandbox(SandboxSettings(backend="api", base_url="http://sandbox.test:8080", workers=3))
    assert opened.workers == 3
    results = at_once(opened, ["x"] * 9, map(str, range(9)))
    assert [result.stdout for result in results] == [str(number) for number in range(9)]
