"""The client against real sockets: what is tried again, what is not, and when it gives up."""

import time
from email.utils import formatdate
from typing import Any

import pytest
import requests
import responses

from proving_ground.config import FireworksConfig
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.client import Credentials, FireworksClient, credentials
from proving_ground.fireworks.errors import ServiceError, TransientError, error_message
from tests.support.api_server import Reply, serve

KEY = "fw-recognisable-key"
OK = Reply({"answer": 42})


def client(url: str, sleeps: list[float] | None = None, **settings: Any) -> FireworksClient:
    config = FireworksConfig(base_url=url, **{"deadline_seconds": 10.0, "max_attempts": 4, **settings})
    return FireworksClient(config, Credentials(KEY, "acct"), (sleeps if sleeps is not None else []).append)


def test_addresses() -> None:
    plain = client("https://api.example.com/")
    assert plain.chat_url == "https://api.example.com/inference/v1/chat/completions"
    assert plain.preview_url == "https://api.example.com/v1/accounts/acct/evaluators:previewEvaluator"
    assert client("http://a", inference_url="http://b/v1/").chat_url == "http://b/v1/chat/completions"


def test_a_request_carries_key_and_body() -> None:
    with serve(lambda request, n: OK) as server:
        assert client(server.url).post(f"{server.url}/x", {"a": 1}) == {"answer": 42}
    (request,) = server.requests
    assert request["body"] == {"a": 1}
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert request["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "fault",
    [
        Reply({}, status=408),
        Reply({}, status=409),
        Reply({}, status=429),
        Reply({}, status=500),
        Reply({}, status=503),
        Reply(reset_after=0),
        Reply({"answer": "x" * 1000}, reset_after=100),
        Reply(b'{"answer": 4'),
        Reply(b"<html>gateway</html>"),
        Reply({"error": {"message": "overloaded", "code": 503}}),
    ],
    ids=lambda fault: f"{fault.status}-{fault.reset_after}-{fault.content[:12]!r}",
)
def test_passing_faults_are_tried_again(fault: Reply) -> None:
    sleeps: list[float] = []
    with serve(lambda request, n: fault if n < 2 else OK) as server:
        assert client(server.url, sleeps).post(server.url, {}) == {"answer": 42}
    assert len(server.requests) == 3
    assert len(sleeps) == 2
    assert 0.5 <= sleeps[0] <= 0.75 and 1.0 <= sleeps[1] <= 1.25, "exponential backoff with jitter"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 412, 413, 422])
def test_refusals_are_final_and_say_what_to_do(status: int) -> None:
    reply = Reply(
        {"error": {"message": "no, because"}}, status=status, headers={"Location": "http://x.invalid/"}
    )
    with (
        serve(lambda request, n: reply) as server,
        pytest.raises(ServiceError, match="no, because") as caught,
    ):
        client(server.url).post(server.url, {})
    assert caught.value.status == status
    assert not isinstance(caught.value, TransientError)
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with serve(lambda request, n: OK) as elsewhere:
        reply = Reply({}, status=307, headers={"Location": f"{elsewhere.url}/x"})
        with serve(lambda request, n: reply) as server, pytest.raises(ServiceError, match="leads elsewhere"):
            client(server.url).post(server.url, {})
    assert elsewhere.requests == []


def test_an_error_inside_a_200_is_an_error() -> None:
    reply = Reply({"error": {"message": "bad model", "code": 404}})
    with serve(lambda request, n: reply) as server, pytest.raises(ServiceError, match="bad model") as caught:
        client(server.url).post(server.url, {})
    assert caught.value.status == 404
    assert len(server.requests) == 1


def test_it_gives_up_after_max_attempts_with_the_servers_words() -> None:
    reply = Reply({"code": 13, "message": "", "details": []}, status=500)
    with (
        serve(lambda request, n: reply) as server,
        pytest.raises(ServiceError, match=r"answered 500 \(code 13\)"),
    ):
        client(server.url, max_attempts=3).post(server.url, {})
    assert len(server.requests) == 3


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("0", 0.0), ("9999", 60.0)])
def test_retry_after_is_honoured_up_to_a_minute(header: str, seconds: float) -> None:
    sleeps: list[float] = []
    reply = Reply({}, status=429, headers={"Retry-After": header})
    with serve(lambda request, n: reply if n == 0 else OK) as server:
        client(server.url, sleeps, deadline_seconds=300.0).post(server.url, {})
    assert sleeps == [seconds]


@pytest.mark.parametrize(("ahead", "least", "most"), [(30, 25, 31), (-30, 0, 0), (9999, 60, 60)])
def test_a_retry_after_may_be_a_date(ahead: int, least: float, most: float) -> None:
    sleeps: list[float] = []
    date = formatdate(time.time() + ahead, usegmt=True)
    reply = Reply({}, status=429, headers={"Retry-After": date})
    with serve(lambda request, n: reply if n == 0 else OK) as server:
        client(server.url, sleeps, deadline_seconds=300.0).post(server.url, {})
    assert least <= sleeps[0] <= most


@pytest.mark.parametrize("header", ["soon", "-5", "0.25", ""])
def test_a_nonsense_retry_after_falls_back_to_backoff(header: str) -> None:
    sleeps: list[float] = []
    reply = Reply({}, status=429, headers={"Retry-After": header})
    with serve(lambda request, n: reply if n == 0 else OK) as server:
        client(server.url, sleeps).post(server.url, {})
    assert 0.5 <= sleeps[0] <= 0.75


def test_a_wait_past_the_deadline_is_not_begun() -> None:
    sleeps: list[float] = []
    reply = Reply({"error": "busy"}, status=429, headers={"Retry-After": "30"})
    with serve(lambda request, n: reply) as server, pytest.raises(ServiceError, match="busy"):
        client(server.url, sleeps, deadline_seconds=5.0).post(server.url, {})
    assert sleeps == []


@pytest.mark.parametrize("reply", [Reply(OK.body, pause=3.0), Reply({"a": "x" * 400}, drip=0.01)])
def test_neither_silence_nor_dripping_outlasts_the_deadline(reply: Reply) -> None:
    with serve(lambda request, n: reply) as server:
        start = time.monotonic()
        with pytest.raises(ServiceError):
            client(server.url, deadline_seconds=0.5).post(server.url, {})
        # The bound is the deadline with room for a busy machine; without it these take 3 s and 4 s.
        assert time.monotonic() - start < 2.5


def test_each_try_has_only_what_is_left_of_the_deadline() -> None:
    """The second try, after a slow refusal, is given less time than the first by at least what that took."""
    given: list[float] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        given.append(request.req_kwargs["timeout"][1])  # type: ignore[attr-defined]
        time.sleep(0.3)
        return 503, {}, "{}"

    with responses.RequestsMock() as mock:
        mock.add_callback(responses.POST, "http://slow.test/", callback=answer)
        with pytest.raises(ServiceError, match="answered 503"):
            client("http://slow.test", max_attempts=3, deadline_seconds=60.0).post("http://slow.test/", {})
    assert len(given) == 3 and given[0] <= 60
    assert given[1] <= given[0] - 0.3 and given[2] <= given[1] - 0.3


def test_a_server_that_is_not_there_is_named() -> None:
    with serve(lambda request, n: OK) as server:
        pass
    with pytest.raises(ServiceError, match=f"{server.url}.*refused"):
        client(server.url).post(server.url, {})


def test_the_key_is_in_no_error_even_if_the_server_quotes_it() -> None:
    reply = Reply({"error": {"message": f"key {KEY} is unknown"}}, status=401)
    with serve(lambda request, n: reply) as server, pytest.raises(ServiceError) as caught:
        client(server.url).post(server.url, {})
    assert KEY not in str(caught.value)
    assert "<FIREWORKS_API_KEY> is unknown" in str(caught.value)
    assert KEY not in repr(Credentials(KEY, "acct"))


@pytest.mark.parametrize(
    "error", [f"key {KEY} is unknown", {"message": f"key {KEY} is unknown", "code": 401}]
)
def test_the_key_is_not_in_an_error_inside_a_200_either(error: Any) -> None:
    with serve(lambda request, n: Reply({"error": error})) as server, pytest.raises(ServiceError) as caught:
        client(server.url, max_attempts=1).post(server.url, {})
    assert KEY not in str(caught.value) and "<FIREWORKS_API_KEY> is unknown" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "a", "code": "x"}}', "a"),
        (b'{"error": "b", "message": "c"}', "b: c"),
        (b'{"code": 13, "message": "", "details": []}', "code 13"),
        (b'{"detail": [{"loc": ["top_k"]}]}', '[{"loc": ["top_k"]}]'),
        (b"plain   words\n", "plain words"),
        (b"", "empty body"),
        (b"[" * 100_000, "[" * 300),
        (b"\xff", "\ufffd"),
    ],
)
def test_every_error_body_is_read(body: bytes, message: str) -> None:
    assert error_message(body) == message


def test_credentials_are_needed_and_checked() -> None:
    full = {"FIREWORKS_API_KEY": " k \n", "FIREWORKS_ACCOUNT_ID": "acct"}
    assert credentials(mocked=False, needs_account=True, environ=full).api_key == "k"
    for environ, needs_account, words in [
        ({}, False, "FIREWORKS_API_KEY is not set"),
        ({"FIREWORKS_API_KEY": "k"}, True, "FIREWORKS_ACCOUNT_ID is not set"),
        ({"FIREWORKS_API_KEY": "secret\nkey"}, False, "line breaks"),
        ({"FIREWORKS_API_KEY": "k", "FIREWORKS_ACCOUNT_ID": "a/b"}, True, "FIREWORKS_ACCOUNT_ID"),
    ]:
        with pytest.raises(CannotRunError, match=words) as caught:
            credentials(mocked=False, needs_account=needs_account, environ=environ)
        assert "secret" not in str(caught.value)


def test_a_real_key_never_goes_to_a_mock() -> None:
    assert credentials(mocked=True, needs_account=True, environ={"FIREWORKS_API_KEY": KEY}).api_key != KEY
