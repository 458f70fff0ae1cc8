"""The code-sandbox API: the posted program is really run, in the local sandbox, and so answers itself.

Where nothing can isolate, answers come from ``recordings/run_code.jsonl`` of the example, by the hash of the
whole request; a request that was never recorded is an error. The call log of a run with a sandbox is such a
file: its lines hold the hash and the response.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import responses
from requests import PreparedRequest

from common.dataset import bad_line, read_jsonl
from common.errors import CannotRunError, InfrastructureError
from common.mocks import MockContext, json_response
from common.sandbox import Limits, RunResult, Sandbox, SandboxSettings, open_sandbox

SWITCH = "TEST_MOCK_CODE_SANDBOX"
URL = re.compile(r"https?://.+/run_code")
RECORDINGS = "run_code.jsonl"

_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "code": str,
    "language": str,
    "stdin": str,
    "run_timeout": (int, float),
    "compile_timeout": (int, float),
    "memory_limit_MB": int,
    "files": dict,
}


@dataclass(frozen=True)
class Program:
    """What a request asks to be run."""

    code: str
    stdin: str
    files: Mapping[str, str]
    limits: Limits


def register(mock: responses.RequestsMock, context: MockContext) -> None:
    """Answer ``POST .../run_code``."""
    path = context.example / "recordings" / RECORDINGS
    sandbox, why_not = _local_sandbox()

    @cache  # read at the first request, not when nothing is asked
    def recordings() -> Mapping[str, dict[str, Any]]:
        return read_recordings(path)

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = _body(request)
        program = posted_program(body)
        digest = body_hash(body)
        if sandbox is not None:
            result = sandbox.run(program.code, program.stdin, files=program.files, limits=program.limits)
            payload, source = wire_answer(result), "run"
        elif digest in recordings():
            payload, source = recordings()[digest], "recording"
        else:
            raise CannotRunError(
                f"{path}: no recording for request {digest[:12]}, and it cannot be run here ({why_not})"
            )
        context.log(SWITCH, request, request_sha256=digest, source=source, response=payload)
        return json_response(payload)

    mock.add_callback(responses.POST, URL, callback=answer)


def body_hash(body: Mapping[str, Any]) -> str:
    """The sha256 (hex) of a request body in canonical JSON."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode("utf-8")).hexdigest()


def read_recordings(path: Path) -> dict[str, dict[str, Any]]:
    """Responses by request hash; ``CannotRunError`` for a missing file or a line that is no recording."""
    found: dict[str, dict[str, Any]] = {}
    for number, row in read_jsonl(path):
        match row:
            case {"request_sha256": str(digest), "response": dict(response)}:
                found[digest] = response
            case _:
                bad_line(path, number, "no recording: it lacks request_sha256 or response; record again")
    return found


def posted_program(body: Mapping[str, Any]) -> Program:
    """What the service reads from a request; one that it would refuse is an ``InfrastructureError``."""
    for name, kind in _FIELDS.items():
        if not isinstance(body.get(name), kind):
            raise InfrastructureError(f"mocked run_code: {name!r} is missing or of the wrong type")
    if unknown := body.keys() - _FIELDS.keys():
        raise InfrastructureError(f"mocked run_code: unknown field {min(unknown)!r}")
    if body["language"] != "python":
        raise InfrastructureError(f"mocked run_code: language {body['language']!r} is not mocked")
    try:
        files = {
            name: base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass")
            for name, text in body["files"].items()
        }
    except (TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise InfrastructureError(f"mocked run_code: a file is not base64 of a text ({error})") from error
    limits = Limits(timeout_seconds=body["run_timeout"], memory_mb=body["memory_limit_MB"])
    return Program(body["code"], body["stdin"], files, limits)


def wire_answer(result: RunResult) -> dict[str, Any]:
    """The service's answer to a program that ended like this: HTTP 200 whatever happened."""
    timed_out = result.status == "timeout"
    code = result.exit_code
    if timed_out:
        code = None
    elif code is None or (code == 0 and result.status != "finished"):
        code = 137  # killed: the service knows no other reason than the signal
    stderr = result.stderr
    if result.status == "memory" and "MemoryError" not in stderr:
        stderr += "\nMemoryError"
    return {
        "status": "Success" if result.status == "finished" else "Failed",
        "message": "",
        "compile_result": None,
        "run_result": {
            "status": "TimeLimitExceeded" if timed_out else "Finished",
            "execution_time": result.seconds,
            "return_code": code,
            "stdout": result.stdout,
            "stderr": stderr,
        },
        "executor_pod_name": None,
        "files": {},
    }


def _local_sandbox() -> tuple[Sandbox | None, str]:
    try:
        return open_sandbox(SandboxSettings(backend="local")), ""
    except InfrastructureError as error:
        return None, str(error)


def _body(request: PreparedRequest) -> dict[str, Any]:
    if request.headers.get("Content-Type") != "application/json":
        raise InfrastructureError("mocked run_code: the request's Content-Type is not application/json")
    value = json.loads(request.body or b"null")
    if not isinstance(value, dict):
        raise InfrastructureError("mocked run_code: the request's body is not a JSON object")
    return value
