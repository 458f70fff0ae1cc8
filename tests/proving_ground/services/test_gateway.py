"""The gateway by itself: who it lets in, what it refuses and in which words, what it passes on."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from proving_ground.dataset import Sample
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.bundle import bundle
from proving_ground.fireworks.preview import parse_preview, preview_request
from proving_ground.rewards import math_reward
from proving_ground.services import packages
from proving_ground.services.faults import read_faults
from proving_ground.services.gateway import ask_upstream, create_app, run_preview
from proving_ground.services.loopback import listen
from proving_ground.services.packages import RequirementError, place_requirements
from proving_ground.services.schema import ChatRequest, PreviewRequest, completion_of
from tests.conftest import ROOT
from tests.proving_ground.services.conftest import ACCOUNT, KEY
from tests.support.api_server import Reply, Server, completion, serve

ASKED: dict[str, Any] = {
    "model": "accounts/fireworks/models/qwen3-8b",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1 + 0 = ?"}],
    "temperature": 0.0,
    "max_tokens": 5,
    "reasoning_effort": "none",
    "context_length_exceeded_behavior": "error",
}


def post(url: str, body: Any, key: str = KEY) -> requests.Response:
    return requests.post(
        url,
        data=body if isinstance(body, bytes) else json.dumps(body),
        headers={"Authorization": f"Bearer {key}"},
    )


def chat_url(gateway: Any) -> str:
    return f"{gateway.url}/inference/v1/chat/completions"


def preview_url(gateway: Any) -> str:
    return f"{gateway.url}/v1/accounts/{ACCOUNT}/evaluators:previewEvaluator"


def test_a_chat_request_is_passed_on_without_what_the_upstream_refuses(
    start_gateway: Any, upstream: Server
) -> None:
    with start_gateway() as gateway:
        answer = post(chat_url(gateway), ASKED)
    assert answer.status_code == 200
    (asked,) = upstream.requests
    assert asked["path"] == "/v1/chat/completions"
    assert asked["body"] == {name: ASKED[name] for name in ("model", "messages", "temperature", "max_tokens")}
    assert "Authorization" not in asked["headers"], "the key is not the policy's business"
    assert set(answer.json()) == {"id", "object", "created", "model", "choices", "usage"}
    assert answer.json()["model"] == ASKED["model"]
    assert answer.json()["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": r"\boxed{1}"},
        "finish_reason": "stop",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"top_kk": 3}, "Extra inputs are not permitted, field: 'top_kk'"),
        ({"top_k": 3}, "cannot honour it"),
        ({"stream": "yes"}, "field: 'stream'"),
        ({"stream": True, "stream_options": {}}, "cannot honour it"),
        ({"temperature": "0"}, "field: 'temperature'"),
        ({"temperature": 2.5}, "field: 'temperature'"),
        ({"max_tokens": 0}, "field: 'max_tokens'"),
        ({"messages": []}, "field: 'messages'"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "field: 'messages.0.role'"),
        ({"messages": [{"role": "user", "content": "x", "mood": "good"}]}, "field: 'messages.0.mood'"),
        ({"model": None}, "field: 'model'"),
    ],
)
def test_a_request_the_api_would_refuse_is_refused_in_its_words(
    change: dict[str, Any], words: str, start_gateway: Any, upstream: Server
) -> None:
    with start_gateway() as gateway:
        answer = post(chat_url(gateway), {**ASKED, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["object"], error["type"]) == (400, "error", "invalid_request_error")
    assert words in error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 50_000])
def test_what_is_no_json_object_is_refused(body: bytes, start_gateway: Any) -> None:
    with start_gateway() as gateway:
        answers = [post(url(gateway), body) for url in (chat_url, preview_url)]
    assert [answer.status_code for answer in answers] == [400, 400]


def test_only_its_own_key_is_let_in(start_gateway: Any, upstream: Server) -> None:
    with start_gateway() as gateway:
        answers = [post(chat_url(gateway), ASKED, key) for key in ("", "fw-other", KEY + "x")]
        account = post(preview_url(gateway), {}, "fw-other")
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (401, {"error": "unauthorized"})
    ] * 3
    assert (account.status_code, account.json()["code"]) == (401, 16)
    assert upstream.requests == []
    assert gateway.journal == [], "what is not let in has asked nothing"


@pytest.mark.parametrize("fault", ["slow_first_byte", "slow_body", "stalled_body"])
def test_what_nobody_waited_for_is_not_journaled_as_answered(fault: str, start_gateway: Any) -> None:
    with start_gateway([{"path": "chat", "request": 0, "fault": fault, "seconds": 0.8}]) as gateway:
        with pytest.raises(requests.RequestException), requests.Session() as session:
            answer = session.post(
                chat_url(gateway),
                json=ASKED,
                headers={"Authorization": f"Bearer {KEY}"},
                stream=True,
                timeout=0.3 if fault == "slow_first_byte" else 5,
            )
            answer.close()
            raise requests.RequestException  # the head came at once; the client has left in the body
        end = time.monotonic() + 10
        while not gateway.journal and time.monotonic() < end:
            time.sleep(0.02)
    (line,) = gateway.journal
    assert (line["status"], line["fault"], line["answered"]) == (None, fault, False)


def test_health_is_the_upstreams(start_gateway: Any, tmp_path: Path) -> None:
    with start_gateway() as gateway:
        assert requests.get(f"{gateway.url}/health").status_code == 200
    app = create_app("http://127.0.0.1:9", KEY)  # where nobody listens
    (health,) = [route for route in app.routes if getattr(route, "path", "") == "/health"]
    assert asyncio.run(health.endpoint()).status_code == 503  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("reply", "status", "words"),
    [
        (Reply(status=500), 503, "upstream"),
        (Reply({"detail": "too long"}, status=400), 400, "too long"),
        (Reply({"choices": []}), 500, "without a completion"),
        (Reply(b"<html>"), 500, "without a completion"),
        (Reply(reset_after=0), 503, "does not answer"),
    ],
)
def test_an_upstream_that_fails_is_an_error_of_the_api(reply: Reply, status: int, words: str) -> None:
    with serve(lambda request, number: reply) as broken:
        answered, body = ask_upstream(broken.url, ChatRequest.model_validate(ASKED))
    assert answered == status and words in body["error"]["message"]


def test_a_completion_is_reduced_to_what_the_api_documents() -> None:
    assert completion_of({"choices": []}, "m") is None
    assert completion_of({**completion("x"), "choices": [{"index": 0}]}, "m") is None
    extra = completion_of({**completion("x"), "system_fingerprint": "f"}, "m")
    assert extra is not None and "system_fingerprint" not in extra


def sample(truth: str, answer: str) -> Sample:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]
    return {"id": "a", "messages": messages, "ground_truth": truth, "metadata": {}}


def test_a_preview_really_runs_the_evaluator_with_its_requirements(start_gateway: Any) -> None:
    rows = [
        sample("4", r"\boxed{4}"),
        sample("4", r"\boxed{5}"),
        sample(r"\frac{\sqrt{2}}{2}", r"\boxed{\frac{1}{2}\sqrt{2}}"),  # needs math-verify
    ]
    asked = preview_request(math_reward, "math", rows, ["math-verify"])
    with start_gateway() as gateway:
        answer = post(preview_url(gateway), asked)
    assert answer.status_code == 200, answer.text
    assert [result["success"] for result in answer.json()["results"]] == ["true"] * 3, answer.text
    assert [row.score for row in parse_preview(answer.json(), 3).rows] == [1.0, 0.0, 1.0]


def test_an_evaluator_cannot_reach_this_machine() -> None:
    with listen(0) as listener:
        port = listener.getsockname()[1]
        source = f"import socket\nsocket.create_connection(('127.0.0.1', {port}))\n"
        answer = run_preview(PreviewRequest.model_validate(evaluator(source)))
    (result,) = answer["results"]
    assert result["success"] == "false" and "[Errno" in result["reason"], result


def evaluator(source: str, rows: int = 1, **changes: Any) -> dict[str, Any]:
    asked = preview_request(math_reward, "x", [sample("4", "4")] * rows)
    asked["evaluator"]["criteria"][0]["codeSnippets"]["fileContents"]["main.py"] = source
    return {**asked, **changes}


SCORE = '{"score": 0.5, "reason": "r", "metrics": {"m": {"score": 1, "reason": "s"}}}'


@pytest.mark.parametrize(
    ("source", "success", "reason"),
    [
        (f"print('out')\ndef evaluate(messages, **kw):\n    return {SCORE}\n", "true", "r"),
        ("def evaluate(messages, **kw):\n    raise ValueError('no')\n", "false", "ValueError: no"),
        ("def evaluate(messages, **kw):\n    return 1.0\n", "false", "evaluate returned no score"),
        ("def evaluate(messages, **kw):\n    return {'score': float('nan')}\n", "false", "no score"),
        (
            "def evaluate(messages, **kw):\n    return {'score': 10**400, 'reason': '', 'metrics': {}}\n",
            "false",
            "no score",
        ),
        (
            'import os\nos.write(3, b\'{"stdout": "", "results": [1]}\')\n'
            "def evaluate(messages, **kw):\n    os._exit(0)\n",
            "false",
            "the evaluator left 1 results for 2 rows",
        ),
        ("import os\ndef evaluate(messages, **kw):\n    os._exit(0)\n", "false", "exit code 0"),
        ("import math_verify\n", "false", "No module named 'math_verify'"),  # not among the requirements
        ("import proving_ground\n", "false", "No module named 'proving_ground'"),
        ("open('/etc/passwd')\n", "false", "/etc/passwd"),
        ("syntax error", "false", "SyntaxError"),
    ],
)
def test_evaluators_good_and_bad_answer_in_wire_types(source: str, success: str, reason: str) -> None:
    answer = run_preview(PreviewRequest.model_validate(evaluator(source, rows=2)))
    assert answer["totalSamples"] == 2 and answer["totalRuntimeMs"].isdigit()
    assert [result["success"] for result in answer["results"]] == [success] * 2
    assert all(reason in result["reason"] for result in answer["results"]), answer
    if success == "true":
        assert answer["stdout"] == ["out"]
        assert answer["results"][0]["perMetricEvals"] == {"m": {"score": 1, "reason": "s"}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (evaluator("x", maxSamples=0), "maxSamples"),
        (evaluator("x", sampleData=[]), "sampleData"),
        (evaluator("x", sampleData=[{}]), "sampleData.0"),
        (evaluator("x", extra=1), "Extra inputs are not permitted, field: 'extra'"),
        (evaluator("x", evaluator={"criteria": []}), "evaluator.criteria"),
        (
            evaluator("x", evaluator={**evaluator("x")["evaluator"], "requirements": "no-such-package-here"}),
            "no package 'no-such-package-here'",
        ),
    ],
)
def test_a_preview_the_api_would_refuse_is_refused(
    body: dict[str, Any], words: str, start_gateway: Any
) -> None:
    with start_gateway() as gateway:
        answer = post(preview_url(gateway), body)
    assert (answer.status_code, answer.json()["code"], answer.json()["details"]) == (400, 3, [])
    assert words in answer.json()["message"]


def test_ten_rows_are_scored_unless_more_are_asked_for() -> None:
    asked = evaluator("x", rows=12)
    del asked["maxSamples"]
    assert len(PreviewRequest.model_validate(asked).rows) == 10


def test_requirements_bring_what_they_need_and_no_more(tmp_path: Path) -> None:
    place_requirements("math-verify>=0.9  # symbolic\n", tmp_path)
    assert {"math_verify", "latex2sympy2_extended", "sympy", "mpmath"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert not {"requests", "pytest", "proving_ground"} & {path.name for path in tmp_path.iterdir()}
    for bad in ("math-verify>=99", "???"):
        with pytest.raises(RequirementError, match="0.9" if "99" in bad else "not a requirement"):
            place_requirements(bad, tmp_path)


@pytest.mark.parametrize(("asked", "brought"), [("a", ["a", "c"]), ("a[x]", ["a", "b", "c"])])
def test_a_requirement_brings_what_its_extras_need(
    asked: str, brought: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {"a": ["b>=1; extra == 'x'", "c"], "b": [], "c": ["d; python_version < '3'"]}
    monkeypatch.setattr(
        packages.metadata,
        "distribution",
        lambda name: SimpleNamespace(name=name, version="1.0", requires=needs[name]),
    )
    assert sorted(each.name for each in packages._with_dependencies([asked])) == brought


def test_without_links_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(18, "another file system")

    monkeypatch.setattr(packages.os, "link", refuse)
    place_requirements("mpmath", tmp_path)
    assert (tmp_path / "mpmath" / "__init__.py").stat().st_nlink == 1


def run_cli(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    words = [
        sys.executable,
        "-m",
        "proving_ground.services.gateway",
        "--upstream",
        "http://127.0.0.1:9",
        *options,
    ]
    return subprocess.run(
        words,
        env={**os.environ, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot read it"),
        ("{", "Invalid JSON"),
        ("{}", "valid array"),
        ('[{"path": "chat", "request": 0, "fault": "explode"}]', "explode"),
        ('[{"path": "chat", "fault": "reset_before"}]', "either request or every"),
        ('[{"path": "chat", "request": 0, "every": 1, "fault": "reset_before"}]', "either request or every"),
        ('[{"path": "mail", "request": 0, "fault": "reset_before"}]', "path"),
        ('[{"path": "chat", "request": -1, "fault": "reset_before"}]', "greater than or equal to 0"),
        ('[{"path": "chat", "request": 0, "fault": "status", "status": 200}]', "status"),
        ('[{"path": "chat", "request": 0, "fault": "slow_body"}]', "seconds"),
        ('[{"path": "chat", "request": 0, "fault": "reset_before", "seconds": 1}]', "seconds"),
    ],
)
def test_a_bad_script_of_faults_is_refused(text: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CannotRunError, match=words) as caught:
        read_faults(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text("{}")
    bad_faults = run_cli("--faults", str(tmp_path / "faults.json"), FIREWORKS_API_KEY=KEY)
    no_key = run_cli("--key-env", "OTHER_KEY", FIREWORKS_API_KEY=KEY)
    for ended, words in ((bad_faults, "faults.json"), (no_key, "OTHER_KEY is not set")):
        assert ended.returncode == 2
        assert words in ended.stderr and len(ended.stderr.splitlines()) == 1


def test_the_bundle_of_the_reward_is_what_is_sent() -> None:
    asked = preview_request(math_reward, "math", [sample("4", "4")])
    assert PreviewRequest.model_validate(asked).files == {"main.py": bundle(math_reward)}
