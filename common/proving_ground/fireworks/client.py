"""HTTP to the Fireworks APIs: one POST with retries, backoff, Retry-After and a deadline."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_base, wait_exponential_jitter
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from proving_ground.config import FireworksConfig
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.cutoff import CutOffAdapter, cut_off_at
from proving_ground.fireworks.errors import RequestCapError, ServiceError, TransientError, status_error
from proving_ground.fireworks.recordings import KEY_PLACEHOLDER, scrubbed

CONNECT_SECONDS = 5.0
"""An open connection has no limit but the deadline: a model that thinks is silent, and asking again while it
does would ask, and pay, twice."""

MAX_RETRY_AFTER_SECONDS = 60.0
MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Credentials:
    """The key and the account. Neither ``repr`` nor any error shows the key."""

    api_key: str = field(repr=False)
    account_id: str


def credentials(
    *, mocked: bool, needs_account: bool, environ: Mapping[str, str] | None = None
) -> Credentials:
    """Read ``FIREWORKS_API_KEY`` and ``FIREWORKS_ACCOUNT_ID``.

    With ``mocked`` the answers come from this process and a real key has no business in them: made-up
    ones are used. Raises ``CannotRunError`` for a missing key or account, or one with characters that
    cannot stand in a header or an address.
    """
    if mocked:
        return Credentials("mocked-key", "mocked-account")
    environ = os.environ if environ is None else environ
    key = environ.get("FIREWORKS_API_KEY", "").strip()
    account = environ.get("FIREWORKS_ACCOUNT_ID", "").strip()
    if not key:
        raise CannotRunError("FIREWORKS_API_KEY is not set; export it, or switch the API's mock on")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        # The HTTP library would quote the whole header in its own error.
        raise CannotRunError(
            "FIREWORKS_API_KEY holds spaces, line breaks or non-ASCII characters; export it again"
        )
    if needs_account and not re.fullmatch(r"[\w.-]+", account):
        raise CannotRunError("FIREWORKS_ACCOUNT_ID is not set to an account's name; export it")
    return Credentials(key, account)


class _WaitAsAsked(wait_base):
    """The server's Retry-After if it gave one, else exponential backoff with jitter."""

    def __init__(self) -> None:
        self._backoff = wait_exponential_jitter(multiplier=0.5, max=8.0, jitter=0.25)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = error.retry_after if isinstance(error, TransientError) else None
        return self._backoff(retry_state) if asked is None else asked


class FireworksClient:
    """Posts JSON and returns JSON; safe to use from several threads (one connection pool each).

    Sends at most ``settings.max_requests`` requests in its life, retries included. ``sleep`` is injectable
    so that tests need not wait.
    """

    def __init__(
        self, settings: FireworksConfig, keys: Credentials, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings = settings
        self.account_id = keys.account_id
        self._key = keys.api_key
        self._sleep = sleep
        self._sent = 0
        self._lock = threading.Lock()
        self._local = threading.local()

    @property
    def chat_url(self) -> str:
        """Where chat completions are posted."""
        base = self.settings.inference_url or f"{self.settings.base_url.rstrip('/')}/inference/v1"
        return f"{base.rstrip('/')}/chat/completions"

    @property
    def preview_url(self) -> str:
        """Where evaluator previews are posted; not below the chat API's base address."""
        return (
            f"{self.settings.base_url.rstrip('/')}/v1/accounts/{self.account_id}/evaluators:previewEvaluator"
        )

    def post(self, url: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST ``payload`` and return the JSON object that comes back, without the key should it be in there.

        Connection failures, broken bodies, 408, 409, 429 and 5xx are tried again, at most ``max_attempts``
        times and never past ``deadline_seconds`` in all; the last failure is raised as ``ServiceError`` with
        the server's own words. Raises ``RequestCapError`` instead of sending more than ``max_requests``.
        """
        deadline = time.monotonic() + self.settings.deadline_seconds
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(self.settings.max_attempts)
            | stop_before_delay(self.settings.deadline_seconds),
            wait=_WaitAsAsked(),
            sleep=self._sleep,
            reraise=True,
        )
        answer = retrying(self._post_once, url, json.dumps(payload).encode(), deadline)
        return cast(dict[str, Any], scrubbed(answer, key=self._key))

    def _post_once(self, url: str, body: bytes, deadline: float) -> dict[str, Any]:
        remaining = deadline - time.monotonic()
        late = ServiceError(f"{url}: no whole answer within {self.settings.deadline_seconds:g} s")
        if remaining <= 0:
            raise late
        self._count()
        broken: TransientError | None = None
        try:
            with (
                cut_off_at(deadline) as cut,
                self._session().post(
                    url,
                    data=body,
                    headers={"Content-Type": "application/json"},
                    timeout=(min(CONNECT_SECONDS, remaining), remaining),
                    allow_redirects=False,  # a redirect would carry the key elsewhere
                    stream=True,
                ) as response,
            ):
                # Of a redirect the HTTP library has already read the body; nothing in it matters.
                answer = b"" if response.is_redirect else self._read(response, url)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            broken = TransientError(f"{url}: {self._scrub(_reason(error))}")
        except TransientError as error:
            broken = error
        except requests.RequestException as error:
            raise ServiceError(f"{url}: {self._scrub(_reason(error))}") from None
        if cut.done or (broken and time.monotonic() >= deadline):
            raise late
        if broken:
            raise broken
        if response.status_code != 200:
            retry_after = _retry_after(response.headers.get("Retry-After"))
            raise status_error(response.status_code, self._scrub_bytes(answer), url, retry_after)
        return self._parse(answer, url)

    def _count(self) -> None:
        with self._lock:
            if self._sent == self.settings.max_requests:
                raise RequestCapError(
                    f"fireworks.max_requests allows {self._sent} and they are sent; raise it"
                )
            self._sent += 1

    def _read(self, response: requests.Response, url: str) -> bytes:
        """The body, read as it arrives: one that is too large must not fill the memory first."""
        body = bytearray()
        try:
            for piece in iter(lambda: response.raw.read1(65536, decode_content=True), b""):
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise ServiceError(f"{url}: the answer is larger than {MAX_BODY_BYTES:,} bytes")
        except HTTPError as error:
            broke = f"the connection broke in the middle of the answer ({type(error).__name__})"
            raise TransientError(f"{url}: {broke}") from None
        expected = response.headers.get("Content-Length", "")
        if expected.isdigit() and "Content-Encoding" not in response.headers and len(body) < int(expected):
            raise TransientError(f"{url}: the answer ended after {len(body)} of {expected} bytes")
        return bytes(body)

    def _parse(self, answer: bytes, url: str) -> dict[str, Any]:
        try:
            value = json.loads(answer)
        except (ValueError, RecursionError):
            # Seen when a proxy cuts an answer short; the next try usually brings it whole.
            raise TransientError(f"{url} answered 200 with a body that is not whole JSON", 200) from None
        if not isinstance(value, dict):
            raise ServiceError(f"{url} answered 200 with {type(value).__name__}, not an object", 200)
        if value.get("error"):
            inner = value["error"].get("code") if isinstance(value["error"], dict) else None
            status = inner if isinstance(inner, int) and 400 <= inner < 600 else 500
            raise status_error(status, self._scrub_bytes(answer), f"{url} (inside a 200)")
        return value

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.auth = self._authorized
            for scheme in ("http://", "https://"):
                session.mount(scheme, CutOffAdapter())
        return session

    def _authorized(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def _scrub(self, text: str) -> str:
        return text.replace(self._key, KEY_PLACEHOLDER)

    def _scrub_bytes(self, text: bytes) -> bytes:
        """Some servers quote the rejected key in their error."""
        return text.replace(self._key.encode(), KEY_PLACEHOLDER.encode())


def _reason(error: Exception) -> str:
    """The innermost cause's words: the outer ones repeat the address and object ids."""
    reason: Any = error
    while (
        inner := getattr(reason, "reason", None) or (reason.args[0] if reason.args else None)
    ) and isinstance(inner, Exception):
        reason = inner
    words = re.sub(r"<[^>]*object at 0x[0-9a-f]+>:? ?", "", str(reason))
    return f"{type(error).__name__}: {words}"[:300]


def _retry_after(value: str | None) -> float | None:
    """Seconds asked for by a Retry-After header (whole seconds or a date), at most a minute."""
    try:
        return None if value is None else min(Retry().parse_retry_after(value), MAX_RETRY_AFTER_SECONDS)
    except InvalidHeader:
        return None
