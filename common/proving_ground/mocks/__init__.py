"""In-process API mocks, switched on by environment variables (see ``README.md`` beside this file).

A script enters them itself, because a patch made by a test process never reaches a subprocess. There is
no pass-through: a request that no mock registered fails, so nothing reaches a network by accident.
"""

import importlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import responses
from requests import PreparedRequest

from proving_ground.dataset import dump_line
from proving_ground.errors import InfrastructureError
from proving_ground.events import say
from proving_ground.switches import Switch


@dataclass
class MockContext:
    """What a mock may know: the example's folder (its recordings), and where to log its calls.

    Attributes:
        example: the example's folder.
        call_log: a JSON-lines file that gets one line per request, at once: the proof of what was asked.
    """

    example: Path
    call_log: Path
    calls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def log(self, switch: str, request: PreparedRequest, **fields: Any) -> None:
        """Append one request to the call log; never its headers, which hold the key."""
        line = dump_line({"switch": switch, "method": request.method, "url": request.url, **fields}) + "\n"
        with self._lock:
            self.calls += 1
            with self.call_log.open("a", encoding="utf-8") as stream:
                stream.write(line)


@contextmanager
def activate(switches: Sequence[Switch], example: Path, output_dir: Path) -> Iterator[responses.RequestsMock]:
    """Answer every `requests` call of this process by the mocks of ``switches``, and say so on stderr."""
    output_dir.mkdir(parents=True, exist_ok=True)
    context = MockContext(example=example, call_log=output_dir / "mock_calls.jsonl")
    names = ", ".join(switch.name for switch in switches)
    say(f"MOCKED: {names} is on; no real API is asked, no result here says anything about one")
    # Not every run fires every mock: a resumed one may have nothing left to ask.
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for switch in switches:
            assert switch.mock is not None
            module, _, function = switch.mock.partition(":")
            getattr(importlib.import_module(module), function)(mock, context)
        yield mock
    say(f"MOCKED: {context.calls} requests were answered in process; their log is {context.call_log}")


def json_body(request: PreparedRequest, *, key: bool = True) -> dict[str, Any]:
    """The JSON object a request carries, after the checks that every API makes.

    Raises ``InfrastructureError`` for a missing bearer key (``key=False``: the API has none) or content
    type, or a body that is no object: a mock that takes anything would hide a client that sends nonsense.
    """
    if key and not str(request.headers.get("Authorization", "")).startswith("Bearer "):
        raise InfrastructureError(f"mocked {request.url}: the request carries no bearer key")
    if request.headers.get("Content-Type") != "application/json":
        raise InfrastructureError(f"mocked {request.url}: the request's Content-Type is not application/json")
    body = request.body.decode("utf-8") if isinstance(request.body, bytes) else str(request.body)
    value = json.loads(body)
    if not isinstance(value, dict):
        raise InfrastructureError(f"mocked {request.url}: the request's body is not a JSON object")
    return value


def json_response(payload: dict[str, Any], status: int = 200) -> tuple[int, dict[str, str], str]:
    """What a `responses` callback returns for a JSON answer."""
    return status, {"Content-Type": "application/json"}, json.dumps(payload)
