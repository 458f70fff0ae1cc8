"""Chat: requests, recordings and mock answers against the types of the official SDK.

Runs in ``nox -s "drift(chat)"``, the only environment that has this release of the SDK.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest

pytest.importorskip("fireworks.types.chat", reason="the SDK is installed by nox -s drift alone")

from fireworks.types.chat import CompletionCreateResponse
from fireworks.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from fireworks.types.chat.completion_create_response import Choice

from proving_ground.config import FireworksConfig
from proving_ground.fireworks.client import FireworksClient, credentials
from proving_ground.fireworks.recordings import Recording, read_recordings
from proving_ground.mocks import activate
from proving_ground.services.schema import NOT_HERE, ChatRequest, completion_of
from proving_ground.switches import SWITCHES
from tests.drift.checker import request_problems, response_problems
from tests.drift.conftest import RECORDINGS
from tests.drift.mutations import DROP, changed, shown

SWITCH = "TEST_MOCK_FIREWORKS_REGEN"
ALWAYS = {
    CompletionCreateResponse: ("object", "usage"),
    Choice: ("finish_reason",),
}

Count = Callable[[str, int], None]


def problems(payload: Any) -> list[str]:
    return response_problems(CompletionCreateResponse, payload, ALWAYS)


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.parts[-3])
def recordings(request: pytest.FixtureRequest) -> tuple[Path, list[Recording]]:
    path: Path = request.param
    return path.parents[1], list(read_recordings(path).values())


def test_there_are_recordings() -> None:
    """Without this, an empty glob would leave every test below without a parameter, and green."""
    assert RECORDINGS


def test_recorded_answers(recordings: tuple[Path, list[Recording]], checked: Count) -> None:
    wrong = {recording.id: problems(recording.response) for recording in recordings[1]}
    assert {name: found for name, found in wrong.items() if found} == {}
    checked("recorded chat answers", len(wrong))


def test_recorded_requests(recordings: tuple[Path, list[Recording]], checked: Count) -> None:
    wrong = {
        recording.id: request_problems(CompletionCreateParamsNonStreaming, recording.request)
        for recording in recordings[1]
    }
    assert {name: found for name, found in wrong.items() if found} == {}
    checked("chat requests", len(wrong))


def test_answers_of_the_mock(
    recordings: tuple[Path, list[Recording]], tmp_path: Path, checked: Count
) -> None:
    """What the scripts' own client receives when the mock is on."""
    example, made = recordings
    client = FireworksClient(FireworksConfig(), credentials(mocked=True, needs_account=False))
    with activate([SWITCHES[SWITCH]], example, tmp_path):
        wrong = {r.id: problems(client.post(client.chat_url, r.request)) for r in made}
    assert {name: found for name, found in wrong.items() if found} == {}
    checked("chat answers of the mock", len(wrong))


UPSTREAM: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m@main",
    "system_fingerprint": None,
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "2", "refusal": None, "annotations": []},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "queue_time": 0.1},
}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "2", "refusal": None},
        {"role": "assistant", "content": "2", "reasoning_content": "1 + 1", "audio": None},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
    ],
    ids=["text", "reasoning", "tool calls"],
)
def test_answers_of_the_gateway(message: dict[str, Any], checked: Count) -> None:
    """What the local gateway makes of an OpenAI-compatible server's answer, whose extra fields it drops."""
    upstream = changed(UPSTREAM, ("choices", 0, "message"), message)
    assert problems(upstream), "this answer has nothing to drop, so it proves nothing"
    assert problems(completion_of(upstream, "m")) == []
    checked("chat answers of the gateway", 1)


def test_the_gateway_knows_the_fields_of_a_request() -> None:
    """It takes or refuses by name what the SDK can send, and takes nothing that the SDK does not know."""
    known = set(get_type_hints(CompletionCreateParamsNonStreaming))
    streaming_only = {"stream_options"}  # in the API's reference, and in no type of the SDK
    assert set(ChatRequest.model_fields) | NOT_HERE == known | streaming_only
    assert not set(ChatRequest.model_fields) & NOT_HERE


def test_the_gateway_takes_recorded_requests(
    recordings: tuple[Path, list[Recording]], checked: Count
) -> None:
    for recording in recordings[1]:
        ChatRequest.model_validate(recording.request)
    checked("chat requests against the gateway's own model", len(recordings[1]))


GOOD: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Let me see.",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
MESSAGE = ("choices", 0, "message")
CALL = (*MESSAGE, "tool_calls", 0)


def test_the_checker_accepts_a_right_answer() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), DROP),
        (("choices",), DROP),
        (("created",), DROP),
        (("created",), "0"),
        (("created",), True),
        (("object",), DROP),
        (("usage",), DROP),
        (("usage", "prompt_tokens"), DROP),
        (("usage", "prompt_tokens"), 1.5),
        (("usage", "promt_tokens"), 1),
        (("Model",), "m"),
        (("choices", 0, "index"), True),
        (("choices", 0, "finish_reason"), DROP),
        (("choices", 0, "finishReason"), "stop"),
        (MESSAGE, DROP),
        ((*MESSAGE, "role"), DROP),
        ((*MESSAGE, "content"), 7),
        ((*MESSAGE, "reasoning"), "Let me see."),
        ((*CALL, "function"), DROP),
        ((*CALL, "function", "name"), 7),
        ((*CALL, "function", "args"), "{}"),
        ((*CALL, "kind"), "function"),
    ],
    ids=shown,
)
def test_the_checker_finds_what_has_drifted(path: tuple[Any, ...], value: Any) -> None:
    found = problems(changed(GOOD, path, value))
    assert found and str(path[-1]) in found[0]


REQUEST: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "1 + 1?"}],
    "temperature": 0,
    "max_tokens": 8,
    "reasoning_effort": "none",
    "context_length_exceeded_behavior": "error",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
}


def test_the_checker_accepts_a_right_request() -> None:
    assert request_problems(CompletionCreateParamsNonStreaming, REQUEST) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("model",), DROP),
        (("messages",), DROP),
        (("messages",), "1 + 1?"),
        (("messages", 0, "role"), DROP),
        (("messages", 0, "text"), "1 + 1?"),
        (("max_tokens",), "8"),
        (("max_tokens",), True),
        (("max_token",), 8),
        (("temperature",), "0"),
        (("reasoning_effort",), "off"),
        (("context_length_exceeded_behavior",), "fail"),
        (("tools", 0, "function"), "f"),
    ],
    ids=shown,
)
def test_the_checker_finds_a_request_the_sdk_would_not_send(path: tuple[Any, ...], value: Any) -> None:
    found = request_problems(CompletionCreateParamsNonStreaming, changed(REQUEST, path, value))
    assert found and str(path[-1]) in found[0]
