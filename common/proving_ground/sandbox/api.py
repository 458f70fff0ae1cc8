"""The API backend: a SandboxFusion-compatible service runs the programs; ``fusion`` is the wire format."""

import itertools
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)
from tenacity.wait import wait_base

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox.fusion import COMPILE_SECONDS, read_answer, request_body
from proving_ground.sandbox.interface import Limits, RunFailedError, RunResult, Sandbox

_CONNECT_SECONDS = 5.0
_SERVICE_SECONDS = 30.0  # on top of the program's own time: queueing, starting, answering
KEY_VARIABLE = "CODE_SANDBOX_API_KEY"
"""Environment variable with the key that the service asks for, if it asks for one."""


class _PassingError(Exception):
    """The request may succeed when it is sent again, after ``retry_after`` seconds if the service asks."""

    def __init__(self, problem: str, retry_after: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class _AsAsked(wait_base):
    """Doubling pauses with jitter, and never less than a ``Retry-After`` asks for."""

    _doubling = wait_exponential_jitter(multiplier=0.5, max=8.0, jitter=0.5)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = error.retry_after if isinstance(error, _PassingError) else 0.0
        return max(asked, self._doubling(retry_state))


class ApiSandbox(Sandbox):
    """Runs programs on the services at ``base_url``: one address, or several separated by commas.

    Services take turns. Connection errors, timeouts of the connection, 429 and 5xx are tried again up to
    ``retries`` times, at the next address, after about 0.5, 1, 2 ... 8 s or what ``Retry-After`` says; then
    ``RunFailedError`` ("service"), and for an answer that is not a result ``InfrastructureError``. Running a
    program twice is harmless: programs leave nothing behind. ``wait`` is a parameter for tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        workers: int = 1,
        limits: Limits | None = None,
        retries: int = 5,
        wait: Callable[[RetryCallState], float] | None = None,
    ) -> None:
        self._urls = [url.strip().rstrip("/") + "/run_code" for url in base_url.split(",")]
        self._turns = itertools.count()
        self.workers = workers
        self._limits = limits or Limits()
        self._retries = retries
        self._wait = wait or _AsAsked()

    def run_each(
        self, program: str, inputs: Sequence[str], *, limits: Limits | None = None
    ) -> Generator[RunResult]:
        """See ``Sandbox.run_each``; each input is a request."""
        return (self.run(program, stdin, limits=limits) for stdin in inputs)

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
        return read_answer(self._post(request_body(program, stdin, files or {}, limits), limits), limits)

    def _post(self, body: dict[str, Any], limits: Limits) -> Any:
        timeout = (_CONNECT_SECONDS, limits.wall_seconds + COMPILE_SECONDS + _SERVICE_SECONDS)
        key = os.environ.get(KEY_VARIABLE)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        turns = Retrying(
            retry=retry_if_exception_type(_PassingError),
            stop=stop_after_attempt(self._retries + 1),
            wait=self._wait,
        )
        try:
            return turns(lambda: self._ask(body, headers, timeout))
        except RetryError as error:
            raise RunFailedError(
                "service",
                f"sandbox service {' and '.join(self._urls)} failed {self._retries + 1} times, last with "
                f"{error.last_attempt.exception()}; is it running?",
            ) from None

    def _ask(self, body: dict[str, Any], headers: Mapping[str, str], timeout: tuple[float, float]) -> Any:
        url = self._urls[next(self._turns) % len(self._urls)]
        try:
            response = requests.post(url, json=body, headers=headers, timeout=timeout)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise _PassingError(type(error).__name__) from error
        if response.status_code == 429 or response.status_code >= 500:
            asked = response.headers.get("Retry-After", "")
            raise _PassingError(f"HTTP {response.status_code}", float(asked) if asked.isdecimal() else 0.0)
        if response.status_code != 200:
            problem = f"HTTP {response.status_code} {response.text[:200]!r}"
            raise InfrastructureError(f"sandbox service {url} refused the request: {problem}")
        try:
            return response.json()
        except requests.exceptions.JSONDecodeError as error:
            raise InfrastructureError(f"sandbox service answered no JSON: {response.text[:200]!r}") from error
