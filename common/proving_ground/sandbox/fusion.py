"""SandboxFusion's API on the wire, both sides: what is asked, what is answered, and what that means.

``POST {base_url}/run_code`` answers 200 whatever the program did, and also when the service itself failed
(``"status": "SandboxError"``): the status in the body decides, and anything unexpected raises. The client is
``api.py``; the mock and ``services.code_sandbox`` answer. Fields: ``sandbox/server/sandbox_api.py`` of
https://github.com/bytedance/SandboxFusion; recent versions keep only the first MiB of an output.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox.interface import Limits, RunResult, Status

COMPILE_SECONDS = 10
MAX_RUN_SECONDS, MAX_MEMORY_MB, MAX_FILES = 300, 16_384, 100
"""What one request may ask of the service."""


def _text(value: Any) -> Any:
    """A file: base64 of a text."""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogatepass")
    except (TypeError, ValueError, binascii.Error) as error:
        raise ValueError(f"not base64 of a text ({error})") from error


class RequestError(ValueError):
    """A request that the service refuses; the text says why."""


class Program(BaseModel):
    """A request: what is to be run."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    code: str
    language: Literal["python"]
    stdin: str
    run_timeout: float = Field(gt=0, le=MAX_RUN_SECONDS)
    compile_timeout: float
    memory_mb: int = Field(gt=0, le=MAX_MEMORY_MB, alias="memory_limit_MB")
    files: dict[str, Annotated[str, BeforeValidator(_text)]] = Field(max_length=MAX_FILES)

    @property
    def limits(self) -> Limits:
        """The request's limits; the rest keeps its default."""
        return Limits(timeout_seconds=self.run_timeout, memory_mb=self.memory_mb)


def posted_program(body: Any) -> Program:
    """What the service reads from a request (bytes or read JSON); ``RequestError`` where it would refuse."""
    try:
        # Read by json: unlike pydantic's own reader it knows lone surrogates and is what the mock has.
        return Program.model_validate(json.loads(body) if isinstance(body, bytes) else body)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise RequestError(f"not JSON ({error})") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise RequestError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


def request_body(program: str, stdin: str, files: Mapping[str, str], limits: Limits) -> dict[str, Any]:
    """The request that runs ``program``."""
    return {
        "code": program,
        "language": "python",
        "stdin": stdin,
        "run_timeout": limits.timeout_seconds,
        "compile_timeout": COMPILE_SECONDS,
        "memory_limit_MB": limits.memory_mb,
        "files": {
            name: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
            for name, text in files.items()
        },
    }


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


def read_answer(answer: Any, limits: Limits) -> RunResult:
    """Read one answer; ``InfrastructureError`` unless every field that is used is there, with its type."""
    if not isinstance(answer, dict):
        raise InfrastructureError(f"sandbox service answered no object: {str(answer)[:200]!r}")
    run = answer.get("run_result")
    if answer.get("status") not in ("Success", "Failed") or not isinstance(run, dict):
        problem = f"{answer.get('status')!r} {str(answer.get('message'))[:200]!r}"
        raise InfrastructureError(f"sandbox service did not run the program: {problem}")
    ending, code, stdout, stderr, seconds = (
        run.get(key) for key in ("status", "return_code", "stdout", "stderr", "execution_time")
    )
    seconds = limits.timeout_seconds if seconds is None and ending == "TimeLimitExceeded" else seconds
    if (
        ending not in ("Finished", "TimeLimitExceeded")
        or not isinstance(stdout, str | None)
        or not isinstance(stderr, str | None)
        or isinstance(code, bool)
        or not isinstance(code, int | None)
        or isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not math.isfinite(seconds)
        or (ending == "Finished" and (code is None or stdout is None))
    ):
        raise InfrastructureError(f"sandbox service answered a malformed run_result: {str(run)[:200]!r}")
    stdout, stderr = stdout or "", stderr or ""
    last_line = stderr.strip().rpartition("\n")[2]
    status: Status
    if ending == "TimeLimitExceeded":
        status, reason = "timeout", f"ran longer than {limits.timeout_seconds:g} s"
    elif len(stdout.encode("utf-8", "surrogatepass")) > limits.output_bytes:
        status, reason = "output_limit", f"wrote more than {limits.output_bytes} bytes"
    elif ending == "Finished" and code == 0:
        status, reason = "finished", "exit code 0"
    elif last_line.startswith("MemoryError"):
        status, reason = "memory", f"asked for more than {limits.memory_mb} MiB"
    else:
        status, reason = "error", f"exit code {code}: {last_line[:200]}"
    return RunResult(status, code, stdout, stderr, float(seconds), reason)
