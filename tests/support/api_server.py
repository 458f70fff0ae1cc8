"""A scripted HTTP server on loopback: real sockets, real silence, real resets."""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer and the ways it can go wrong.

    ``reset_after`` bytes of the body the connection is reset; ``pause`` seconds pass before the first
    byte and ``drip`` seconds between the body's bytes.
    """

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    drip: float = 0.0
    reset_after: int | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Server:
    """What a test sees of the running server: its address and what it was asked."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)


class _Listening(ThreadingHTTPServer):
    """A server that lets a burst of connections wait: of 64 the kernel resets some where only five may."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve(answer: Callable[[dict[str, Any], int], Reply]) -> Iterator[Server]:
    """Serve ``answer(request, how many came before)`` for every POST, each in a thread of its own."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._send(Reply(status=200 if self.path == "/health" else 404))

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) < size:  # the client was killed
                self.close_connection = True
                return
            request = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}
            with lock:
                number = len(server.requests)
                server.requests.append(request)
            self._send(answer(request, number))

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.pause)
            if reply.reset_after == 0:
                self._reset()
                return
            head = f"HTTP/1.1 {reply.status} X\r\nContent-Type: application/json\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
            head += f"Content-Length: {len(reply.content)}\r\n\r\n"
            content = reply.content[: reply.reset_after]
            try:
                if reply.drip:
                    self.wfile.write(head.encode())
                    for byte in content:
                        self.wfile.write(bytes([byte]))
                        time.sleep(reply.drip)
                else:
                    self.wfile.write(head.encode() + content)
            except OSError:  # the client gave up, as it should
                self.close_connection = True
            if reply.reset_after is not None:
                self._reset()

        def _reset(self) -> None:
            time.sleep(0.05)  # let what was sent arrive: a reset discards what is still under way
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):  # a reset has closed what finish() flushes
                super().finish()

    with _Listening(("127.0.0.1", 0), Handler) as httpd:
        server = Server(f"http://127.0.0.1:{httpd.server_address[1]}")
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            httpd.shutdown()
            thread.join()


def completion(text: str, finish_reason: str = "stop") -> dict[str, Any]:
    """A chat completion's body."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
