"""The deadline holds whatever the server does: before the head, in it, and in the body."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from proving_ground.config import FireworksConfig
from proving_ground.fireworks.client import Credentials, FireworksClient
from proving_ground.fireworks.cutoff import CutOffAdapter, cut_off_at
from proving_ground.fireworks.errors import RequestCapError, ServiceError
from tests.support.api_server import Reply, serve

KEY = "fw-recognisable-key"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does to each connection, once its request came in, what ``behave`` does."""

    def serve_all() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(65536)
                behave(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_all, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def dripping(before: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.sendall(before)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(0.05)

    return behave


def stalling(before: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        time.sleep(0.9)  # most of the deadline is gone when the first byte comes
        connection.sendall(before)
        time.sleep(3)

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        dripping(b"", b"H"),
        dripping(HEAD, b"X-Drop: 1\r\n"),
        dripping(HEAD + b"Content-Length: 99999\r\n\r\n", b" "),
        dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        dripping(b"HTTP/1.1 307 X\r\nLocation: /x\r\nContent-Length: 99999\r\n\r\n", b" "),
        stalling(HEAD + b"Content-Length: 9\r\n\r\n{"),
        stalling(HEAD + b"Connection: close\r\n\r\n{"),
    ],
    ids=["status line", "head", "body", "chunks", "redirect", "stalled body", "stalled, no length"],
)
def test_nothing_outlasts_the_deadline(behave: Callable[[socket.socket], None]) -> None:
    with raw_server(behave) as url:
        config = FireworksConfig(base_url=url, deadline_seconds=1.0)
        client = FireworksClient(config, Credentials(KEY, "a"))
        start = time.monotonic()
        with pytest.raises(ServiceError, match=r"no whole answer within 1 s"):
            client.post(url, {})
        # The rest is for a busy machine: with a limit on one silence alone these take 1.9 s to 10 s.
        assert 0.95 < time.monotonic() - start < 1.7


def test_an_open_connection_may_be_silent_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on one silence would send, and pay for, a long answer again and again."""
    timeouts: list[Any] = []
    send = requests.adapters.HTTPAdapter.send

    def spy(self: Any, *args: Any, **options: Any) -> Any:
        timeouts.append(options["timeout"])
        return send(self, *args, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", spy)
    with serve(lambda request, number: Reply({})) as server:
        config = FireworksConfig(base_url=server.url, deadline_seconds=1000.0)
        FireworksClient(config, Credentials(KEY, "a")).post(server.url, {})
    ((connect, read),) = timeouts
    assert connect == 5.0 and 990 < read <= 1000


def test_a_pooled_connection_is_watched_and_let_go_each_time() -> None:
    descriptors = Path("/proc/self/fd")
    with serve(lambda request, number: Reply({}, pause=1.0 if number == 2 else 0.0)) as server:
        session = requests.Session()
        session.mount("http://", CutOffAdapter())
        for _ in range(2):
            with cut_off_at(time.monotonic() + 0.3):
                assert session.post(server.url, data=b"{}").status_code == 200
        open_now, threads = len(list(descriptors.iterdir())), threading.active_count()
        with cut_off_at(time.monotonic() + 0.3), pytest.raises(requests.ConnectionError):
            session.post(server.url, data=b"{}")
        assert len(list(descriptors.iterdir())) <= open_now, "no descriptor is left behind"
        assert threading.active_count() <= threads
        time.sleep(0.4)
        assert session.post(server.url, data=b"{}").status_code == 200, "outside it nothing is cut off"


def test_a_cap_on_requests_counts_every_one_that_is_sent() -> None:
    with serve(lambda request, number: Reply({}, status=503 if number == 0 else 200)) as server:
        config = FireworksConfig(base_url=server.url, max_requests=3)
        client = FireworksClient(config, Credentials(KEY, "a"), sleep=lambda seconds: None)
        client.post(server.url, {})
        client.post(server.url, {})
        with pytest.raises(RequestCapError, match="max_requests allows 3"):
            client.post(server.url, {})
    assert len(server.requests) == 3
