import json
from typing import Any

import pytest

from proving_ground.fireworks.errors import ServiceError
from proving_ground.fireworks.preview import parse_preview, preview_request
from proving_ground.rewards import math_reward

SAMPLE = {"id": "a", "messages": [{"role": "user", "content": "é?"}], "ground_truth": "4", "metadata": {}}


def answer(**changes: Any) -> dict[str, Any]:
    result = {"success": "true", "score": 1, "reason": "ok", "perMetricEvals": {}}
    return {
        "totalSamples": 1,
        "totalRuntimeMs": "12",
        "stdout": ["x"],
        "stderr": [],
        "results": [result],
    } | changes


def result(**changes: Any) -> dict[str, Any]:
    return answer(results=[answer()["results"][0] | changes])


def test_the_request_is_the_apis() -> None:
    request = preview_request(math_reward, "math_example", [SAMPLE, SAMPLE], ["math-verify"])
    assert set(request) == {"evaluator", "sampleData", "maxSamples"}
    assert request["maxSamples"] == 2
    assert [json.loads(text) for text in request["sampleData"]] == [SAMPLE, SAMPLE]
    assert request["evaluator"]["requirements"] == "math-verify"
    (criterion,) = request["evaluator"]["criteria"]
    assert criterion["type"] == "CODE_SNIPPETS"
    assert (
        "def evaluate(messages, ground_truth=None, **kwargs):"
        in criterion["codeSnippets"]["fileContents"]["main.py"]
    )


def test_an_answer_is_read_in_its_wire_types() -> None:
    preview = parse_preview(answer(), 1)
    assert (preview.runtime_ms, preview.stdout) == (12, ["x"])
    assert (preview.rows[0].failed, preview.rows[0].score) == (False, 1.0)


@pytest.mark.parametrize(("success", "failed"), [("true", False), ("", False), ("false", True)])
def test_success_is_a_word(success: str, failed: bool) -> None:
    assert parse_preview(result(success=success), 1).rows[0].failed is failed


def test_a_row_without_a_score_has_failed() -> None:
    payload = answer(results=[{"success": "true"}])
    assert parse_preview(payload, 1).rows[0].failed is True


@pytest.mark.parametrize(
    "payload",
    [
        {},
        answer(results=None),
        answer(results=[]),
        answer(totalSamples=2),
        answer(totalRuntimeMs=12),
        answer(results=["true"]),
        result(success=True),
        result(success="yes"),
        result(score="1.0"),
        result(score=True),
    ],
)
def test_anything_else_is_no_preview(payload: dict[str, Any]) -> None:
    with pytest.raises(ServiceError):
        parse_preview(payload, 1)
