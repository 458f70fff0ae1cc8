"""What a service bears: strange hosts, keys, bodies and silences, many at once, and answers that stream."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from proving_ground.services import gateway as gateway_module
from proving_ground.services import loopback, middleware
from tests.proving_ground.services.conftest import KEY
from tests.proving_ground.services.test_gateway import ASKED, chat_url, evaluator, post, preview_url
from tests.support.api_server import Reply, Server, completion, serve

LARGE = 20_000_000
SHORT = 0.3


def ask_raw(url: str, sent: bytes, patience: float = 10.0) -> bytes:
    """What comes back for ``sent`` before the service closes the connection or stays silent for long."""
    host, port = url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=patience) as connection:
        connection.sendall(sent)
        while piece := connection.recv(65536):
            received += piece
    return received


def head(path: str, *lines: str, host: str = "127.0.0.1") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


CHAT = "/inference/v1/chat/completions"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_host_is_refused(host: str, start_gateway: Any, upstream: Server) -> None:
    with start_gateway() as gateway:
        headers = {"Host": host, "Authorization": f"Bearer {KEY}"}
        answer = requests.post(chat_url(gateway), json=ASKED, headers=headers, timeout=10)
    assert answer.status_code == 421 and "answers to 127.0.0.1, localhost" in answer.text
    assert upstream.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:99", "localhost", "LOCALHOST:1", "[::1]:9"])
def test_this_machine_is_let_in(host: str, start_gateway: Any) -> None:
    with start_gateway() as gateway:
        headers = {"Host": host, "Authorization": f"Bearer {KEY}"}
        assert requests.post(chat_url(gateway), json=ASKED, headers=headers, timeout=10).status_code == 200


def test_a_wrong_key_is_refused_before_the_body_has_come(start_gateway: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(middleware, "HEAD_SECONDS", SHORT)
    lines = ("Authorization: Bearer no", "Content-Type: application/json", "Content-Length: 1000000")
    with start_gateway() as gateway:
        received = ask_raw(gateway.url, head(CHAT, *lines))
        assert requests.get(f"{gateway.url}/inference/v1/models", timeout=10).status_code == 401
        assert requests.get(f"{gateway.url}/health", timeout=10).status_code == 200, "open to everybody"
    assert received.startswith(b"HTTP/1.1 401") and b"unauthorized" in received


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("key", [KEY, "other"])
def test_a_body_that_is_too_large_is_refused(
    chunked: bool, key: str, start_gateway: Any, upstream: Server
) -> None:
    body: Any = (b"x" * 100_000 for _ in range(LARGE // 100_000)) if chunked else b"x" * LARGE
    with start_gateway() as gateway:
        headers = {"Authorization": f"Bearer {key}"}
        answer = requests.post(chat_url(gateway), data=body, headers=headers, timeout=30)
    assert answer.status_code == (413 if key == KEY else 401)
    assert key != KEY or "the body is larger than 16,777,216 bytes" in answer.json()["error"]["message"]
    assert upstream.requests == []


def test_a_body_that_says_it_is_too_large_is_not_awaited(start_gateway: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(middleware, "HEAD_SECONDS", SHORT)
    with start_gateway() as gateway:
        received = ask_raw(
            gateway.url, head(CHAT, f"Authorization: Bearer {KEY}", f"Content-Length: {LARGE}")
        )
    assert received.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST", head(CHAT)[:-2], head(CHAT, "X-Slow: 1")[:-3]],
    ids=["silent", "word", "head", "header"],
)
def test_a_head_that_does_not_come_ends_the_connection(
    sent: bytes, start_gateway: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(loopback, "IDLE_SECONDS", 1)  # a connection that rests ends, too
    monkeypatch.setattr(middleware, "HEAD_SECONDS", SHORT)
    with start_gateway() as gateway:
        received = ask_raw(gateway.url, sent)
        whole = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        second = ask_raw(gateway.url, whole + sent)
    assert received.startswith(b"HTTP/1.1 400") and b"no whole request head within 0.3 s" in received
    assert second.startswith(b"HTTP/1.1 200"), "nor does the second one's"


def test_a_body_that_does_not_come_is_refused(start_gateway: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", SHORT)
    monkeypatch.setattr(middleware, "HEAD_SECONDS", SHORT)
    lines = (f"Authorization: Bearer {KEY}", "Content-Length: 100")
    with start_gateway() as gateway:
        received = ask_raw(gateway.url, head(CHAT, *lines) + b"{")
    assert received.startswith(b"HTTP/1.1 408") and b"no whole body within 0.3 s" in received


def test_no_more_connections_than_allowed_are_kept(start_gateway: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(middleware, "MAX_CONNECTIONS", 2)
    with start_gateway() as gateway:
        address = ("127.0.0.1", int(gateway.url.rpartition(":")[2]))
        held = [socket.create_connection(address) for _ in range(2)]
        time.sleep(0.2)
        with socket.create_connection(address, timeout=5) as third, pytest.raises(ConnectionResetError):
            if third.recv(1) == b"":
                raise ConnectionResetError
        held[0].close()
        time.sleep(0.2)
        assert requests.get(f"{gateway.url}/health", timeout=5).status_code == 200
        held[1].close()


def test_an_evaluator_of_too_many_files_is_refused(start_gateway: Any) -> None:
    asked = evaluator("x")
    files = asked["evaluator"]["criteria"][0]["codeSnippets"]["fileContents"]
    files |= {f"file{number}.py": "" for number in range(300)}
    with start_gateway() as gateway:
        answer = post(preview_url(gateway), asked)
    assert answer.status_code == 400 and "at most 256 items" in answer.json()["message"]


@pytest.fixture
def held_upstream() -> Iterator[tuple[Server, threading.Event]]:
    """A policy that answers nobody until it may."""
    may = threading.Event()

    def answer(request: dict[str, Any], number: int) -> Reply:
        may.wait(30)
        return Reply(completion("x"))

    with serve(answer) as server:
        yield server, may
        may.set()


@pytest.fixture
def upstream(request: pytest.FixtureRequest) -> Iterator[Server]:
    if "held_upstream" in request.fixturenames:
        yield request.getfixturevalue("held_upstream")[0]
    else:
        with serve(lambda asked, number: Reply(completion("x"))) as server:
            yield server


@contextmanager
def asking(count: int, ask: Callable[[], requests.Response]) -> Iterator[list[int]]:
    """Ask ``count`` times at once; their statuses, all there after the block."""
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(ask().status_code)) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield statuses
    for thread in threads:
        thread.join()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_health_answers_while_every_place_is_taken(held_upstream: Any, start_gateway: Any) -> None:
    server, may = held_upstream
    with start_gateway() as gateway:
        with asking(80, lambda: post(chat_url(gateway), ASKED)) as statuses:
            wait_until(lambda: len(server.requests) == gateway_module.CHATS)
            assert requests.get(f"{gateway.url}/health", timeout=10).status_code == 200
            assert statuses == []
            may.set()
        assert statuses == [200] * 80


def test_more_than_may_wait_are_told_to_come_again(
    held_upstream: Any, start_gateway: Any, monkeypatch: Any
) -> None:
    _, may = held_upstream
    monkeypatch.setattr(gateway_module, "CHATS", 2)
    monkeypatch.setattr(gateway_module, "MAX_WAITING", 3)
    with start_gateway() as gateway:
        with asking(9, lambda: post(chat_url(gateway), ASKED)) as statuses:
            wait_until(lambda: len(statuses) == 4)
            assert statuses == [429] * 4
            may.set()
        assert sorted(statuses) == [200] * 5 + [429] * 4


def test_the_model_is_listed(start_gateway: Any) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    with start_gateway() as gateway:
        for path in ("/v1/models", "/inference/v1/models"):
            listed = requests.get(gateway.url + path, headers=headers, timeout=10).json()
            assert listed["object"] == "list"
            assert [model["id"] for model in listed["data"]] == ["accounts/fireworks/models/qwen3-8b"]


def chunk(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "x@main",
        "choices": [choice],
    }


@contextmanager
def streaming(lines: Callable[[], Iterator[str]]) -> Iterator[str]:
    """A policy that streams ``lines`` as they come."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert body["stream"] is True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for line in lines():
                self.wfile.write(line.encode())
                self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_completion_streams_piece_by_piece(start_gateway: Any, upstream: Server) -> None:
    """The second piece is sent by the policy only when the first has been read at the other end."""
    read_first = threading.Event()

    def lines() -> Iterator[str]:
        yield f"data: {json.dumps(chunk(role='assistant', content='4'))}\n\n"
        assert read_first.wait(10)
        yield f"data: {json.dumps(chunk(content='2'))}\n\n"
        yield f"data: {json.dumps(chunk('stop'))}\n\n"

    with streaming(lines) as url:
        upstream.url = url
        with start_gateway() as gateway:
            answer = requests.post(
                chat_url(gateway),
                json={**ASKED, "stream": True},
                headers={"Authorization": f"Bearer {KEY}"},
                stream=True,
                timeout=10,
            )
            got = []
            for line in answer.iter_lines(chunk_size=1):
                if line:
                    got.append(line.decode().removeprefix("data: "))
                    read_first.set()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert got.pop() == "[DONE]"
    choices = [json.loads(text)["choices"][0] for text in got]
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": "4"},
        {"content": "2"},
        {},
    ]
    assert [choice["finish_reason"] for choice in choices] == [None, None, "stop"]
    assert all("logprobs" not in choice for choice in choices)
    assert {json.loads(text)["model"] for text in got} == {ASKED["model"]}
    assert [(line["status"], line["answered"]) for line in gateway.journal] == [(200, True)]


@pytest.mark.parametrize("rest", ['data: {"choices": "none"}\n\n', "data: {\n\n", ""])
def test_a_stream_that_breaks_is_no_whole_answer(rest: str, start_gateway: Any, upstream: Server) -> None:
    def lines() -> Iterator[str]:
        yield f"data: {json.dumps(chunk(role='assistant', content='4'))}\n\n"
        yield rest

    with streaming(lines) as url:
        upstream.url = url
        with start_gateway() as gateway, pytest.raises(requests.RequestException):
            assert post(chat_url(gateway), {**ASKED, "stream": True}).status_code == 200
    wait_until(lambda: bool(gateway.journal))
    assert [(line["status"], line["answered"]) for line in gateway.journal] == [(None, False)]


def test_a_stream_that_does_not_begin_is_an_error_of_the_api(start_gateway: Any, upstream: Server) -> None:
    with serve(lambda request, number: Reply({"detail": "too long"}, status=400)) as refusing:
        upstream.url = refusing.url
        with start_gateway() as gateway:
            answer = post(chat_url(gateway), {**ASKED, "stream": True})
    assert answer.status_code == 400 and "too long" in answer.json()["error"]["message"]
