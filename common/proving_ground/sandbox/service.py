"""The service's side of the code-sandbox API: what a request asks for, and how a program's end reads there.

What answers differs (the mock in this process, ``services.code_sandbox`` over a socket); what is asked
and answered is this. Fields: see ``api.py``, which is the client's side.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proving_ground.sandbox.interface import Limits, RunResult

_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "code": str,
    "language": str,
    "stdin": str,
    "run_timeout": (int, float),
    "compile_timeout": (int, float),
    "memory_limit_MB": int,
    "files": dict,
}


class RequestError(ValueError):
    """A request that the service refuses; the text says why."""


@dataclass(frozen=True)
class Program:
    """What a request asks to be run."""

    code: str
    stdin: str
    files: Mapping[str, str]
    limits: Limits


def posted_program(body: Mapping[str, Any]) -> Program:
    """What the service reads from a request; ``RequestError`` for one that it would refuse."""
    for name, kind in _FIELDS.items():
        if not isinstance(body.get(name), kind):
            raise RequestError(f"{name!r} is missing or of the wrong type")
    if unknown := body.keys() - _FIELDS.keys():
        raise RequestError(f"unknown field {min(unknown)!r}")
    if body["language"] != "python":
        raise RequestError(f"language {body['language']!r} is not served here")
    try:
        files = {
            name: base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass")
            for name, text in body["files"].items()
        }
    except (TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise RequestError(f"a file is not base64 of a text ({error})") from error
    for name in ("run_timeout", "memory_limit_MB"):
        if isinstance(body[name], bool) or not 0 < body[name] < math.inf:
            raise RequestError(f"{name!r} is no positive number")
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
