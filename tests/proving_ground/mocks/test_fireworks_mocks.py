"""The mocked Fireworks APIs, asked over `requests` as the real ones are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.fireworks.preview import preview_request
from proving_ground.fireworks.recordings import Recording, write_recordings
from proving_ground.mocks import activate
from proving_ground.rewards import math_reward
from proving_ground.switches import SWITCHES

CHAT = "https://api.fireworks.ai/inference/v1/chat/completions"
PREVIEW = "https://api.fireworks.ai/v1/accounts/acct/evaluators:previewEvaluator"
HEADERS = {"Authorization": "Bearer k", "Content-Type": "application/json"}
REQUEST: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "3 + 4 = ?"}],
    "temperature": 0.7,
    "max_tokens": 64,
    "reasoning_effort": "none",
}
SAMPLE = {
    "id": "a",
    "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": r"\boxed{4}"}],
}


@pytest.fixture
def mocked(tmp_path: Path) -> Iterator[None]:
    recorded = Recording("a", REQUEST, {"choices": [], "id": "recorded"})
    write_recordings(tmp_path / "example" / "recordings" / "chat.jsonl", [recorded])
    names = ("TEST_MOCK_FIREWORKS_REGEN", "TEST_MOCK_FIREWORKS_PREVIEW")
    with activate([SWITCHES[name] for name in names], tmp_path / "example", tmp_path / "out"):
        yield


def post(url: str, body: Any, headers: dict[str, str] = HEADERS) -> requests.Response:
    return requests.post(url, data=json.dumps(body), headers=headers, timeout=9)


def test_a_recording_answers_its_own_request_whatever_the_order_of_its_fields(mocked: None) -> None:
    assert post(CHAT, REQUEST).json()["id"] == "recorded"
    assert post(CHAT, dict(reversed(REQUEST.items()))).json()["id"] == "recorded"


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.8},
        {"model": "n"},
        {"max_tokens": 65},
        {"reasoning_effort": "low"},
        {"messages": [{"role": "user", "content": "3 + 5 = ?"}]},
        {"top_p": 0.9},
    ],
)
def test_a_request_that_differs_in_anything_has_no_recording(mocked: None, change: dict[str, Any]) -> None:
    with pytest.raises(CannotRunError, match="no recording for request"):
        post(CHAT, {**REQUEST, **change})


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:1/x", "http://127.0.0.1:1/x", "https://api.fireworks.ai/v1/x"]
)
def test_an_address_that_no_mock_knows_is_not_asked(mocked: None, url: str) -> None:
    """The mock library's own words: a request let through would fail in other ones."""
    with pytest.raises(requests.ConnectionError, match="Connection refused by Responses"):
        post(url, {})


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, {"Authorization": "Bearer k"}])
def test_a_request_without_key_or_content_type_is_refused(mocked: None, headers: dict[str, str]) -> None:
    with pytest.raises(InfrastructureError, match=r"bearer key|Content-Type"):
        post(CHAT, REQUEST, headers)


@pytest.mark.parametrize(("most", "scored"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_a_preview_scores_max_samples_rows_and_no_more(mocked: None, most: int, scored: int) -> None:
    samples = [
        {**SAMPLE, "id": name, "ground_truth": truth} for name, truth in (("a", "4"), ("b", "5"), ("c", "4"))
    ]
    body = {**preview_request(math_reward, "math_example", samples), "maxSamples": most}
    answer = post(PREVIEW, body).json()
    assert answer["totalSamples"] == len(answer["results"]) == scored
    assert [row["score"] for row in answer["results"]] == [1.0, 0.0, 1.0][:scored]


def test_a_posted_evaluator_sees_no_variable_of_this_process(
    mocked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf-secret")
    body = preview_request(math_reward, "math_example", [{**SAMPLE, "ground_truth": "4"}])
    told = 'import os\n\ndef evaluate(messages, **row):\n    told = " ".join(os.environ.values())\n'
    told += '    return {"score": 1.0, "reason": told, "metrics": {}}\n'
    body["evaluator"]["criteria"][0]["codeSnippets"]["fileContents"]["main.py"] = told
    (row,) = post(PREVIEW, body).json()["results"]
    assert row["success"] == "true" and "hf-secret" not in row["reason"]
