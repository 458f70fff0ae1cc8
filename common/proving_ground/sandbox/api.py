"""The API backend: a SandboxFusion-compatible service runs the programs.

``POST {base_url}/run_code`` answers 200 whatever the program did, and also when the service itself failed
(``"status": "SandboxError"``): the status in the body decides, and anything unexpected raises. Fields:
``sandbox/server/sandbox_api.py`` of https://github.com/bytedance/SandboxFusion; recent versions keep
only the first MiB of an output.
"""

import base64
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox.interface import Job, Limits, RunResult, Status, run_all

_CONNECT_SECONDS = 5.0
_SERVICE_SECONDS = 30.0  # on top of the program's own time: queueing, starting, answering
_COMPILE_SECONDS = 10
_CONNECTION_ERRORS = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class ApiSandbox:
    """Runs programs on the service at ``base_url``.

    Connection errors, timeouts of the connection, 429 and 5xx are tried again up to ``retries`` times after
    0.5, 1, 2 ... 8 s; then, and for every answer that is not a result, ``InfrastructureError``. Running a
    program twice is harmless: programs leave nothing behind. ``sleep`` is a parameter for tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        workers: int = 1,
        limits: Limits | None = None,
        retries: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = base_url.rstrip("/") + "/run_code"
        self._workers = workers
        self._limits = limits or Limits()
        self._retries = retries
        self._sleep = sleep

    @property
    def workers(self) -> int:
        """How many programs ``run_many`` hands to the service at one time."""
        return self._workers

    def run_many(self, jobs: Sequence[Job]) -> list[RunResult]:
        """See ``Sandbox.run_many``."""
        return run_all(self, jobs)

    def run(
        self,
        program: str,
        stdin: str = "",
        *,
        files: Mapping[str, str] | None = None,
        packages: Sequence[Path] = (),
        limits: Limits | None = None,
    ) -> RunResult:
        """See ``Sandbox.run``. Of the limits, time, memory and output hold; the others are the service's."""
        if packages:
            raise InfrastructureError(
                "the sandbox service cannot see local packages; use sandbox.backend local"
            )
        limits = limits or self._limits
        try:
            program.encode()
        except UnicodeEncodeError:
            # The service would answer SandboxError; but no Python can read such a program.
            return RunResult("error", None, "", "", 0.0, "the program is not valid Unicode")
        request = {
            "code": program,
            "language": "python",
            "stdin": stdin,
            "run_timeout": limits.timeout_seconds,
            "compile_timeout": _COMPILE_SECONDS,
            "memory_limit_MB": limits.memory_mb,
            "files": {
                name: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")
                for name, text in (files or {}).items()
            },
        }
        return _result(self._post(request, limits), limits)

    def _post(self, body: dict[str, Any], limits: Limits) -> dict[str, Any]:
        timeout = (_CONNECT_SECONDS, limits.timeout_seconds + _COMPILE_SECONDS + _SERVICE_SECONDS)
        problem = ""
        for attempt in range(self._retries + 1):
            if attempt:
                self._sleep(min(0.5 * 2 ** (attempt - 1), 8.0))
            try:
                response = requests.post(self._url, json=body, timeout=timeout)
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as error:
                problem = type(error).__name__
                continue
            if response.status_code == 429 or response.status_code >= 500:
                problem = f"HTTP {response.status_code}"
                continue
            if response.status_code != 200:
                problem = f"HTTP {response.status_code} {response.text[:200]!r}"
                raise InfrastructureError(f"sandbox service {self._url} refused the request: {problem}")
            return _json_object(response)
        attempts = self._retries + 1
        raise InfrastructureError(
            f"sandbox service {self._url} failed {attempts} times, last with {problem}; is it running?"
        )


def _json_object(response: requests.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except requests.exceptions.JSONDecodeError as error:
        raise InfrastructureError(f"sandbox service answered no JSON: {response.text[:200]!r}") from error
    if not isinstance(answer, dict):
        raise InfrastructureError(f"sandbox service answered no object: {response.text[:200]!r}")
    return answer


def _result(answer: dict[str, Any], limits: Limits) -> RunResult:
    """Read one answer; ``InfrastructureError`` unless every field that is used is there, with its type."""
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
