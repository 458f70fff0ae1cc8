"""The code-sandbox API: the posted program is really run, in the local sandbox, and so answers itself.

Where nothing can isolate, answers come from ``recordings/run_code.jsonl`` of the example, by the hash of the
whole request; a request that was never recorded is an error. The call log of a run with a sandbox is such a
file: its lines hold the hash and the response.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import responses
from requests import PreparedRequest

from proving_ground.dataset import bad_line, read_jsonl
from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.fireworks.chat import request_hash
from proving_ground.mocks import MockContext, json_body, json_response
from proving_ground.sandbox import Sandbox, SandboxSettings, open_sandbox
from proving_ground.sandbox.fusion import RequestError, posted_program, wire_answer

SWITCH = "TEST_MOCK_CODE_SANDBOX"
URL = re.compile(r"https?://.+/run_code")
RECORDINGS = "run_code.jsonl"


def register(mock: responses.RequestsMock, context: MockContext) -> None:
    """Answer ``POST .../run_code``."""
    path = context.example / "recordings" / RECORDINGS
    sandbox, why_not = _local_sandbox()

    @cache  # read at the first request, not when nothing is asked
    def recordings() -> Mapping[str, dict[str, Any]]:
        return read_recordings(path)

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = json_body(request, key=False)
        try:
            program = posted_program(body)
        except RequestError as error:
            raise InfrastructureError(f"mocked run_code: {error}") from error
        digest = request_hash(body)
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


def _local_sandbox() -> tuple[Sandbox | None, str]:
    try:
        return open_sandbox(SandboxSettings(backend="local")), ""
    except InfrastructureError as error:
        return None, str(error)
