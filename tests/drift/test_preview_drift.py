"""Evaluator preview: requests and mock answers against the types of the official SDK.

Runs in ``nox -s "drift(preview)"``: only this release of the SDK carries the preview's types.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fireworks.types.evaluator_preview_response", reason="installed by nox -s drift alone")

from fireworks.types.evaluator_preview_params import EvaluatorPreviewParams
from fireworks.types.evaluator_preview_response import EvaluatorPreviewResponse, Result

from proving_ground.config import FireworksConfig
from proving_ground.fireworks.client import FireworksClient, credentials
from proving_ground.fireworks.preview import parse_preview, preview_answer, preview_request
from proving_ground.mocks import activate
from proving_ground.rewards import math_reward
from proving_ground.switches import SWITCHES
from tests.drift.checker import request_problems, response_problems
from tests.drift.mutations import DROP, changed, shown

SWITCH = "TEST_MOCK_FIREWORKS_PREVIEW"

# The SDK declares all of them optional; our client reads them, so a mock that leaves one out tests less.
ALWAYS = {model: tuple(model.model_fields) for model in (EvaluatorPreviewResponse, Result)}

Count = Callable[[str, int], None]


def sample(answer: str, ground_truth: str = "2") -> dict[str, Any]:
    messages = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": answer}]
    return {"id": "a", "messages": messages, "ground_truth": ground_truth, "metadata": {}}


RIGHT, WRONG = sample(r"\boxed{2}"), sample(r"\boxed{3}")
BROKEN = sample(r"\boxed{2}", ground_truth="")  # raises inside the evaluator, which is not a score of 0


def problems(payload: Any) -> list[str]:
    return response_problems(EvaluatorPreviewResponse, payload, ALWAYS)


def request_with(main: str) -> dict[str, Any]:
    request = preview_request(math_reward, "drift", [RIGHT, WRONG])
    request["evaluator"]["criteria"][0]["codeSnippets"]["fileContents"]["main.py"] = main
    return request


TALKATIVE = """
import sys
def evaluate(messages, ground_truth=None, **kwargs):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return {"score": 1, "reason": "", "metrics": {}}
"""


@pytest.mark.parametrize(
    ("make", "successes"),
    [
        (lambda: preview_request(math_reward, "drift", [RIGHT, WRONG, BROKEN]), ["true", "true", "false"]),
        (lambda: request_with(TALKATIVE), ["true", "true"]),
        (lambda: request_with("def evaluate(:"), ["false", "false"]),
    ],
    ids=["a packed reward", "whole-number scores and prints", "an evaluator that cannot start"],
)
def test_requests_and_answers_of_the_mock(
    make: Callable[[], Mapping[str, Any]], successes: list[str], tmp_path: Path, checked: Count
) -> None:
    request = make()
    assert request_problems(EvaluatorPreviewParams, request) == []
    client = FireworksClient(FireworksConfig(), credentials(mocked=True, needs_account=True))
    with activate([SWITCHES[SWITCH]], tmp_path, tmp_path):
        payload = client.post(client.preview_url, request)
    assert problems(payload) == []
    # Each way to answer was really taken, and our own client reads it.
    assert [result["success"] for result in payload["results"]] == successes
    assert [row.failed for row in parse_preview(payload, len(successes)).rows] == [
        success == "false" for success in successes
    ]
    checked("preview requests", 1)
    checked("preview answers of the mock", 1)


@pytest.mark.parametrize(
    "result",
    [
        {"score": 1, "reason": "", "metrics": {"m": {"score": 0.5, "reason": "", "is_score_valid": True}}},
        {"score": True, "reason": "", "metrics": {}},
        {"score": float("nan"), "reason": "", "metrics": {}},
        {"score": 1.0, "reason": None, "metrics": {}},
        {"score": 1.0},
        {"raised": "Traceback ...\nValueError: no"},
        1.0,
        None,
    ],
    ids=json.dumps,
)
def test_answers_of_the_mock_and_the_gateway_whatever_an_evaluator_returns(
    result: Any, checked: Count
) -> None:
    """Both build their answers with ``preview_answer``, from what the evaluator's driver printed."""
    printed = json.dumps({"stdout": "a\nb", "results": [result]})
    assert problems(preview_answer(1, stdout=printed, stderr="", seconds=0.1, died="")) == []
    checked("preview answers of the mock and the gateway", 1)


def test_the_answer_for_an_evaluator_that_died() -> None:
    payload = preview_answer(2, stdout="no results", stderr="killed", seconds=0.1, died="out of memory")
    assert problems(payload) == []
    assert [result["success"] for result in payload["results"]] == ["false", "false"]


def test_every_mock_of_this_api_is_checked() -> None:
    """A mock that is added without types to check it against has to be thought about here."""
    checked_elsewhere = {"TEST_MOCK_FIREWORKS_REGEN"}
    without_an_sdk = {"TEST_MOCK_CODE_SANDBOX"}
    mocks = {name for name, switch in SWITCHES.items() if switch.mock}
    assert mocks == {SWITCH} | checked_elsewhere | without_an_sdk


GOOD: dict[str, Any] = {
    "totalSamples": 1,
    "totalRuntimeMs": "12",
    "stdout": ["a"],
    "stderr": [],
    "results": [
        {
            "success": "true",
            "score": 1.0,
            "reason": "right",
            "perMetricEvals": {"math": {"score": 1.0, "reason": "right"}},
        }
    ],
}
RESULT = ("results", 0)


def test_the_checker_accepts_a_right_answer() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*RESULT, "success"), True),
        ((*RESULT, "success"), DROP),
        ((*RESULT, "sucess"), "true"),
        ((*RESULT, "score"), "1.0"),
        ((*RESULT, "score"), True),
        ((*RESULT, "score"), DROP),
        ((*RESULT, "perMetricEvals"), []),
        ((*RESULT, "perMetricEvals"), DROP),
        ((*RESULT, "metrics"), {}),
        (("results",), DROP),
        (("totalRuntimeMs",), 12),
        (("totalRuntimeMs",), DROP),
        (("totalRuntimeMS",), "12"),
        (("total_runtime_ms",), "12"),
        (("totalSamples",), "1"),
        (("totalSamples",), True),
        (("stdout",), "a"),
        (("stderr",), DROP),
    ],
    ids=shown,
)
def test_the_checker_finds_what_has_drifted(path: tuple[Any, ...], value: Any) -> None:
    found = problems(changed(GOOD, path, value))
    assert found and path[-1] in found[0]


def test_the_checker_finds_a_request_the_sdk_would_not_send() -> None:
    def found(**fields: Any) -> list[str]:
        return request_problems(EvaluatorPreviewParams, {**request_with(TALKATIVE), **fields})

    assert found() == []
    assert found(sample_data=[]) == ["request.sample_data: the SDK knows no such field"]
    assert found(maxSamples="2") == ["request.maxSamples: str instead of int"]
    assert found(sampleData=[{"id": "a"}]) == ["request.sampleData[0]: dict instead of str"]
    assert found(evaluator={"criteria": [{"type": "PYTHON"}]})[0].startswith(
        "request.evaluator.criteria[0].type"
    )
