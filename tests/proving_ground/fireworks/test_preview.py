import json
from pathlib import Path
from typing import Any

import pytest

from proving_ground.fireworks.errors import ServiceError
from proving_ground.fireworks.preview import parse_preview, preview_request
from proving_ground.rewards import math_reward
from proving_ground.stages import preview
from proving_ground.stages.task import Task
from tests.support.api_server import Reply, serve

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


def test_a_row_on_which_the_evaluator_failed_agrees_with_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its score is 0.0, which is also what a wrong answer gets."""
    folder = tmp_path / "examples" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"data": {"held_out": 0}}')
    rows = [
        {
            "messages": [{"role": "user", "content": f"{n} + 0?"}, {"role": "assistant", "content": text}],
            "ground_truth": str(n),
        }
        for n, text in enumerate(("\\boxed{0}", "\\boxed{1}"))
    ]

    def fails_on_wrong_answers(request: dict[str, Any], number: int) -> Reply:
        wrong = [json.loads(row)["id"].endswith("-wrong") for row in request["body"]["sampleData"]]
        results = [result(success="false", score=0.0) if each else result() for each in wrong]
        return Reply(answer(totalSamples=4, results=[each["results"][0] for each in results]))

    monkeypatch.setenv("FIREWORKS_API_KEY", "fw-key")
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "acct")
    task = Task(folder=folder, reward=math_reward, rows=lambda: rows)
    with serve(fails_on_wrong_answers) as server, pytest.raises(SystemExit) as ended:
        preview.STAGE.main(task, "", ["--fireworks.base_url", server.url])
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (ended.value.code, summary["agree"], summary["failed"], summary["pass_rate"]) == (1, 2, 2, 0.5)
