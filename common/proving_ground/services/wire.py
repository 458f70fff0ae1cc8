"""Around the gateway's application: count requests, keep the journal, and break what is scripted."""

import asyncio
import hashlib
import json
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from proving_ground.dataset import dump_line
from proving_ground.fireworks.chat import request_hash
from proving_ground.services import faults
from proving_ground.services.schema import account_error, chat_error

Headers: TypeAlias = list[tuple[bytes, bytes]]

DROPS = 20
"""Pieces that a slow body comes in."""


class ReachableProtocol(H11Protocol):
    """Hands the connection to the application, which can then reset it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See ``asyncio.Protocol``."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def path_name(path: str) -> faults.PathName | None:
    """Which API a path belongs to."""
    if path == "/inference/v1/chat/completions":
        return "chat"
    return "preview" if path.endswith("/evaluators:previewEvaluator") else None


class Wire:
    """ASGI middleware: one journal line for each POST, written when its answer has left or was broken.

    A line holds ``method``, ``path``, ``request_sha256`` (of the body as canonical JSON; ``null`` for
    anything else), ``status`` (``null`` when no whole answer left), ``fault`` and ``answered``: whether a
    whole, valid answer left for a client that was still there. Neither headers nor times.
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
        await exchange.answer(self._app, body, name)
        if self._journal is not None:
            line = {
                "method": "POST",
                "path": scope["path"],
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

    async def answer(self, app: ASGIApp, body: bytes, name: faults.PathName) -> None:
        """Answer through ``app``, or as the fault says."""
        match self._fault:
            case faults.ResetBefore():
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
                status, headers, content = await _run(app, self._scope, body)
                await self._deliver(status, headers, content)
                self.answered = self.answered and status == 200

    async def _deliver(self, status: int, headers: Headers, content: bytes) -> None:
        """Send the application's own answer, at the pace and to the length that the fault asks for."""
        half = len(content) // 2
        match self._fault:
            case faults.SlowFirstByte(seconds=seconds):
                await asyncio.sleep(seconds)
                await self._emit(status, headers, [content])
            case faults.SlowBody(seconds=seconds):
                size = -(-len(content) // DROPS)
                drops = [content[start : start + size] for start in range(0, len(content), size)]
                await self._emit(status, headers, drops, seconds / len(drops))
            case faults.StalledBody(seconds=seconds):
                await self._emit(status, headers, [content[:half], content[half:]], seconds)
            case faults.ResetMiddle():
                await self._start(status, headers, len(content))
                await self._send({"type": "http.response.body", "body": content[:half], "more_body": True})
                await asyncio.sleep(0.05)  # a reset discards what is still under way
                await self._reset()
            case faults.TruncatedJson():
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

    async def _emit(self, status: int, headers: Headers, pieces: list[bytes], pause: float = 0.0) -> None:
        await self._start(status, headers, sum(map(len, pieces)))
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        gone = self._transport.is_closing()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if not gone:
            self.status, self.answered = status, True

    async def _start(self, status: int, headers: Headers, length: int) -> None:
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
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _run(app: ASGIApp, scope: Scope, body: bytes) -> tuple[int, Headers, bytes]:
    """``(status, headers, content)`` of the application's answer to a request that has been read."""
    sent: list[Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

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
