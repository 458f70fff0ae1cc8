"""Around a service's application: limits of a request, the gateway's journal, and its scripted faults."""

import asyncio
import hashlib
import json
import secrets
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from proving_ground.dataset import dump_line
from proving_ground.fireworks.chat import request_hash
from proving_ground.services import faults
from proving_ground.services.schema import account_error, chat_error

HEAD_SECONDS = 10.0
"""How long a request's head may take, and a new connection may say nothing."""
BODY_SECONDS = 60.0
IDLE_SECONDS = 30
"""How long a connection may rest between requests; with little, a busy client's next one meets its end."""
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_CONNECTIONS = 512
"""Open at once; more are closed as they come."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")

DROPS = 20
"""Pieces that a slow body comes in."""


class Connection(H11Protocol):
    """One connection: the application can reset it, and it ends when a request's head is slow to come."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See ``asyncio.Protocol``."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        self._time_head()

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        super().data_received(data)
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._stop_timer()
        super().connection_lost(exc)

    def _time_head(self) -> None:
        """Let the time run while a head is awaited; between requests uvicorn has its own."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.send_400_response(f"no whole request head within {HEAD_SECONDS:g} s")


class Guard:
    """ASGI middleware before everything else: what it refuses costs neither memory nor time.

    - A ``Host`` that is not this machine's loopback (a web page that rebinds its name): 421.
    - Without ``key`` as the bearer, where there is one: 401, before the body is read. ``/health`` is open.
    - A body above ``MAX_BODY_BYTES``: 413, by its header or once so much has come; one that takes longer
      than ``BODY_SECONDS``: 408.

    ``error``: the body of a refusal, by path, status and words. The application gets whole bodies.
    """

    def __init__(
        self, app: ASGIApp, key: str | None = None, error: Callable[[str, int, str], Any] | None = None
    ) -> None:
        self._app = app
        self._key = None if key is None else f"Bearer {key}".encode()
        self._error = error or (lambda path, status, words: {"detail": words})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        given = headers.get("authorization", "").encode()
        host = urlsplit(f"//{headers.get('host', '')}").hostname
        body = b""
        status, words = 0, ""
        if host not in LOOPBACK:
            status, words = 421, f"this service answers to {', '.join(LOOPBACK)} alone"
        elif self._key and scope["path"] != "/health" and not secrets.compare_digest(given, self._key):
            status, words = 401, "the key is not the one this service lets in"
        elif int(length) > MAX_BODY_BYTES:
            status, words = 413, f"the body is larger than {MAX_BODY_BYTES:,} bytes"
        else:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _read(receive)
            except TimeoutError:
                status, words = 408, f"no whole body within {BODY_SECONDS:g} s"
            except OverflowError:
                status, words = 413, f"the body is larger than {MAX_BODY_BYTES:,} bytes"
            except ConnectionError:
                return
        if status:
            await self._refuse(scope["path"], status, words, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)

    async def _refuse(self, path: str, status: int, words: str, receive: Receive, send: Send) -> None:
        """Answer at once, then let the rest of the body go by: a client reads no answer while it sends."""
        answer = JSONResponse(self._error(path, status, words), status, {"connection": "close"})
        await send({"type": "http.response.start", "status": status, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(HEAD_SECONDS):
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def path_name(path: str) -> faults.PathName | None:
    """Which API a path belongs to."""
    if path == "/inference/v1/chat/completions":
        return "chat"
    return "preview" if path.endswith("/evaluators:previewEvaluator") else None


class Exchanges:
    """ASGI middleware: breaks what is scripted, and keeps a journal of the POSTs that were let in.

    A line is written when an answer has left or was broken. It holds ``method``, ``path``, ``request_sha256``
    (of the body as canonical JSON; ``null`` for anything else), ``status`` (``null`` when no whole answer
    left), ``fault`` and ``answered``: whether a whole, valid answer left for a client that was still there.
    Neither headers nor times.
    """

    def __init__(self, app: ASGIApp, journal: Path | None, script: Sequence[faults.Fault]) -> None:
        self._app = app
        self._script = script
        self._counts: Counter[str] = Counter()
        self._journal = journal
        if journal is not None:
            journal.parent.mkdir(parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        name = path_name(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if name is None:
            await self._app(scope, receive, send)
            return
        number = self._counts[name]
        self._counts[name] += 1
        fault = next((fault for fault in self._script if fault.hits(name, number)), None)
        body = await _read(receive)
        exchange = _Exchange(scope, send, fault)
        try:
            await exchange.answer(self._app, _replay(body, receive), name)
        finally:
            self._write(scope["path"], body, exchange, fault)

    def _write(self, path: str, body: bytes, exchange: "_Exchange", fault: faults.Fault | None) -> None:
        if self._journal is not None:
            line = {
                "method": "POST",
                "path": path,
                "request_sha256": _hash(body),
                "status": exchange.status,
                "fault": fault.fault if fault else None,
                "answered": exchange.answered,
            }
            with self._journal.open("a", encoding="utf-8") as stream:
                stream.write(dump_line(line) + "\n")


class _Exchange:
    """One request and what happens to its answer."""

    def __init__(self, scope: Scope, send: Send, fault: faults.Fault | None) -> None:
        self._scope = scope
        self._send = send
        self._fault = fault
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self.status: int | None = None
        self.answered = False

    async def answer(self, app: ASGIApp, receive: Receive, name: faults.PathName) -> None:
        """Answer through ``app``, or as the fault says."""
        match self._fault:
            case None:
                await self._pass_on(app, receive)
            case faults.BrokenFault(fault="reset_before"):
                await self._reset()
            case faults.StatusFault() as fault:
                error = chat_error if name == "chat" else account_error
                await self._instead(
                    fault.status, fault.body or error(fault.status, fault.message), fault.retry_after
                )
            case faults.WrongSchema() as fault:
                await self._instead(200, fault.body)
            case faults.ErrorIn200() as fault:
                await self._instead(200, {"error": {"message": fault.message, "code": fault.code}})
            case _:
                status, headers, content = await _run(app, self._scope, receive)
                await self._deliver(status, headers, content)
                self.answered = self.answered and status == 200

    async def _pass_on(self, app: ASGIApp, receive: Receive) -> None:
        """Let the application's answer through piece by piece, as it streams."""
        status = 0

        async def send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            gone = self._transport.is_closing()
            await self._send(message)
            if message["type"] == "http.response.body" and not message.get("more_body") and not gone:
                self.status, self.answered = status, status == 200

        await app(self._scope, receive, send)

    async def _deliver(self, status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> None:
        """Send the application's own answer, at the pace and to the length that the fault asks for."""
        half = len(content) // 2
        match self._fault:
            case faults.SlowFault(fault="slow_first_byte", seconds=seconds):
                await asyncio.sleep(seconds)
                await self._emit(status, headers, [content])
            case faults.SlowFault(fault="slow_body", seconds=seconds):
                size = -(-len(content) // DROPS)
                drops = [content[start : start + size] for start in range(0, len(content), size)]
                await self._emit(status, headers, drops, seconds / len(drops))
            case faults.SlowFault(fault="stalled_body", seconds=seconds):
                await self._emit(status, headers, [content[:half], content[half:]], seconds)
            case faults.BrokenFault(fault="reset_middle"):
                await self._start(status, headers, len(content))
                await self._send({"type": "http.response.body", "body": content[:half], "more_body": True})
                await asyncio.sleep(0.05)  # a reset discards what is still under way
                await self._reset()
            case faults.BrokenFault(fault="truncated_json"):
                await self._emit(status, headers, [content[:half]])
                self.answered = False
            case _:
                await self._emit(status, headers, [content])

    async def _instead(self, status: int, value: dict[str, Any], retry_after: str | None = None) -> None:
        """Send an answer of the script's own, which counts as no answer."""
        headers = [(b"content-type", b"application/json")]
        if retry_after is not None:
            headers.append((b"retry-after", retry_after.encode()))
        await self._emit(status, headers, [json.dumps(value).encode()])
        self.answered = False

    async def _emit(
        self, status: int, headers: list[tuple[bytes, bytes]], pieces: list[bytes], pause: float = 0.0
    ) -> None:
        await self._start(status, headers, sum(map(len, pieces)))
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        gone = self._transport.is_closing()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if not gone:
            self.status, self.answered = status, True

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]], length: int) -> None:
        kept = [(key, value) for key, value in headers if key.lower() != b"content-length"]
        head = [*kept, (b"content-length", str(length).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": head})

    async def _reset(self) -> None:
        with suppress(OSError):  # the client has gone already
            linger = struct.pack("ii", 1, 0)  # closing then sends RST, not FIN
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()
        await asyncio.sleep(0.01)  # until the server has noticed; it would complain of an unfinished answer


async def _read(receive: Receive) -> bytes:
    """The whole body; ``OverflowError`` when it is too large, ``ConnectionError`` when the client is gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise OverflowError
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """``receive`` once more from the start, for a body that has been read."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _run(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """``(status, headers, content)`` of the application's whole answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], list(sent[0]["headers"]), content


def _hash(body: bytes) -> str | None:
    try:
        value = json.loads(body)
        return request_hash(value) if isinstance(value, dict) else hashlib.sha256(body).hexdigest()
    except (ValueError, RecursionError):
        return None
