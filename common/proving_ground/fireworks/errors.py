"""What an API can answer instead of an answer, and what to do about each."""

import json
from typing import Any

from proving_ground.errors import InfrastructureError

RETRYABLE_STATUS = frozenset({408, 409, 429})
"""Statuses worth another try, besides every 5xx; the official SDKs retry the same ones."""

REMEDIES = {
    400: "the request is malformed; check model and parameters",
    401: "the key was rejected; check FIREWORKS_API_KEY",
    402: "the account has no credit left",
    403: "the key may not do this; check its permissions and FIREWORKS_ACCOUNT_ID",
    404: "no such address, model or account; check the fireworks section and FIREWORKS_ACCOUNT_ID",
    412: "the account is suspended; its billing page says why",
    413: "the request is too large; send fewer or shorter rows",
    422: "the API does not know a field or value of the request",
    429: "too many requests; lower fireworks.concurrency",
}

ROW_STATUS = frozenset({400, 413, 422})
"""Refusals that concern one request; the others would meet every request alike."""


class ServiceError(InfrastructureError):
    """An API refused or broke, and trying again did not or would not help.

    Attributes:
        status: the HTTP status, or ``None`` when no complete answer came.
    """

    def __init__(self, problem: str, status: int | None = None) -> None:
        super().__init__(problem)
        self.status = status


class TransientError(ServiceError):
    """A failure that another try may mend.

    Attributes:
        retry_after: seconds the server asked to wait, if it did.
    """

    def __init__(self, problem: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(problem, status)
        self.retry_after = retry_after


class RequestCapError(ServiceError):
    """This run has sent as many requests as it may; nothing is wrong with the service."""


def error_message(body: bytes) -> str:
    """The API's own words in an error body, whichever of its shapes it took; at most 300 characters.

    Known shapes: ``{"error": {"message": ...}}``, ``{"error": "...", "message": "..."}``, gRPC's
    ``{"code": 13, "message": "", "details": []}``, FastAPI's ``{"detail": ...}``, or plain text.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return " ".join(text.split())[:300] or "empty body"
    return " ".join(_words(value).split())[:300] or "no message in the body"


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return json.dumps(value)
    for key in ("error", "message", "detail"):
        if found := value.get(key):
            inner = _words(found)
            other = value.get("message")
            return f"{inner}: {other}" if key == "error" and isinstance(found, str) and other else inner
    return f"code {value['code']}" if "code" in value else ""


def status_error(status: int, body: bytes, url: str, retry_after: float | None = None) -> ServiceError:
    """The error for an answer with an HTTP error status."""
    by_class = {
        3: "the address leads elsewhere; correct fireworks.base_url",
        5: "the service failed; try again later",
    }
    remedy = REMEDIES.get(status) or by_class.get(status // 100, "see the API's documentation")
    problem = f"{url} answered {status} ({error_message(body)}); {remedy}"
    if status in RETRYABLE_STATUS or status >= 500:
        return TransientError(problem, status, retry_after)
    return ServiceError(problem, status)
