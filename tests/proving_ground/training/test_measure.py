"""Measuring any policy: which prompts it is asked, what it answers, and how two of them differ."""

import dataclasses
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from proving_ground.dataset import write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.stages import measure, train
from proving_ground.stages.task import Task
from tests.proving_ground.training import words
from tests.proving_ground.training.conftest import SAMPLES, tiny_policy

HELD_OUT = SAMPLES[100:]


def harsh(completions: Any, ground_truth: Any, reference: list[str], **columns: Any) -> list[float | None]:
    """A second grader that trusts nobody, and knows the reference answer."""
    assert reference == [f"<answer>{truth}</answer>" for truth in ground_truth]
    return [0.0] * len(completions)


def boxed(text: str) -> str | None:
    return "answer" if "<answer>" in text else None


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "examples" / "tiny"
    write_jsonl(folder / "dataset.jsonl", SAMPLES[:100])
    write_jsonl(folder / "held_out.jsonl", HELD_OUT)
    grpo = {"max_completion_length": 12}
    config = {"model": {"embedded": {"grpo": grpo}}, "training": {"samples_per_prompt": 2}}
    (folder / "config.json").write_text(json.dumps(config))
    return Task(folder=folder, reward=words.reward, second_grader=harsh, find_answer=boxed)


def measured(task: Task, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as caught:
        measure.STAGE.main(task, "", words)
    return int(caught.value.code or 0), json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_folder_alone_and_against_another(
    task: Task, policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tiny_policy(policies)
    code, alone = measured(task, capsys, "--policy", policy)
    assert code == 0 and alone["prompts"] == len(HELD_OUT)
    low, high = alone["accuracy_interval"]
    assert 0.0 < low < alone["accuracy"] < high < 1.0
    assert alone["accuracy"] < alone["answered"] <= 1.0, "some answers are wrong"
    assert (alone["second_accuracy"], alone["second_accuracy_interval"]) == (0.0, [0.0, 0.0])
    _, surer = measured(task, capsys, "--policy", policy, "--training.confidence", "0.5")
    narrow_low, narrow_high = surer["accuracy_interval"]
    assert low < narrow_low < surer["accuracy"] == alone["accuracy"] < narrow_high < high
    _, cut_off = measured(task, capsys, "--policy", policy, "--max-tokens", "1")
    assert alone["cut_off"] < 0.5 < cut_off["cut_off"]

    code, same = measured(task, capsys, "--policy", policy, "--before", policy)
    assert code == 0 and same["accuracy_after"] == alone["accuracy"], "one seed, one answer"
    assert (same["improvement"], same["improvement_right"], same["interval"]) == (0.0, 0.0, [0.0, 0.0])


def test_a_measurement_has_its_own_batches_seed_type_and_time(
    task: Task, policies: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from proving_ground.training import proof

    batches: list[int] = []
    seen: list[tuple[list[str], str]] = []

    def generate(model: Any, tokenizer: Any, texts: Any, **settings: Any) -> Any:
        batches.append(len(texts))
        sampled = generated(model, tokenizer, texts, **settings)
        seen.append(([each.text for each in sampled], str(model.dtype)))
        return sampled

    generated = proof.generate
    monkeypatch.setattr(proof, "generate", generate)
    policy = ("--policy", tiny_policy(policies))
    options = ("--training.proof_batch_size", "24", "--model.dtype", "bfloat16")
    for seed in (42, 42, 43):
        config = json.loads((task.folder / "config.json").read_text())
        (task.folder / "config.json").write_text(json.dumps({**config, "grpo": {"seed": seed}}))
        measured(task, capsys, *policy, *options)
    assert batches == [24, 16] * 3
    assert seen[:2] == seen[2:4] != seen[4:]
    assert {dtype for _, dtype in seen} == {"torch.bfloat16"}

    def hangs(*asked: Any, **columns: Any) -> Any:
        time.sleep(30)

    hanging = dataclasses.replace(task, reward=hangs)
    code, summary = measured(hanging, capsys, *policy, "--training.health.reward_seconds", "0.3")
    assert code == 1 and "reward too slow" in summary["problem"]


def test_what_is_trained_has_the_revision_and_type_that_were_asked_for(
    task: Task, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from proving_ground.training import policy, session

    loads: list[tuple[str, str, str | None]] = []

    def load(name: str, dtype: str = "float32", revision: str | None = None) -> Any:
        loads.append((name, dtype, revision))
        raise CannotRunError("no hub here")

    monkeypatch.setattr(policy, "load_policy", load)
    monkeypatch.setattr(session, "load_policy", load)

    def said(stage: Any, *words: str) -> str:
        with pytest.raises(SystemExit) as caught:
            stage.STAGE.main(task, "", words)
        assert caught.value.code == 2
        shown.append(capsys.readouterr().err)
        return shown[-1].splitlines()[-1]

    shown: list[str] = []
    pinned, typed = ("--model.revision", "abc"), ("--model.dtype", "bfloat16")
    training = ("--grpo.use_cpu", "true", "--grpo.bf16", "false", "--model.name")
    assert said(train, *training, "owner/name", *pinned) == said(train, *training, "owner/name", *typed)
    assert "revision" in said(train, *training, str(task.folder), *pinned)
    assert said(train, *training, "owner/name@abc").endswith("for a revision say --model.revision abc")
    assert said(train, *pinned).startswith("error: model.revision: embedded has no revisions")
    assert loads == [("owner/name", "float32", "abc"), ("owner/name", "bfloat16", None)]
    assert "model owner/name: learning_rate 1e-06, lr_scheduler_type" in shown[0], "what nobody has set"
    said(train, *training, "owner/name", "--grpo.learning_rate", "1e-5")
    assert "the newest" in shown[-1] and "pins one): lr_scheduler_type" in shown[-1]


@pytest.mark.parametrize(
    ("configured", "words", "loaded"),
    [
        ("owner/name", ["--policy", "owner/name"], ("owner/name", "main-1")),
        ("owner/name", ["--policy", "owner/name", "--model.revision", "abc"], ("owner/name", "abc")),
        ("owner/name", ["--policy", "owner/name@v2", "--before", "owner/name"], ("owner/name", "main-1")),
        ("owner/name", ["--policy", "owner/name@v2"], ("owner/name", "v2")),
        ("owner/name", ["--policy", "owner/other"], ("owner/other", None)),
        ("owner/name", ["--policy", "other@refs/pr/7"], ("other", "refs/pr/7")),
        ("owner/name", ["--policy", "owner/other", "--model.revision", "abc"], None),
        ("embedded", ["--policy", "owner/other", "--model.revision", "abc"], None),
    ],
)
def test_a_revision_is_that_of_one_policy(
    configured: str, words: list[str], loaded: Any, task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    from proving_ground.training import policy

    model = {"name": configured, "revision": "main-1"}
    (task.folder / "config.json").write_text(json.dumps({"model": model}))
    loads: list[Any] = []

    def load(name: str, dtype: str = "float32", revision: str | None = None) -> Any:
        loads.append((name, revision))
        raise CannotRunError("no hub here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy, "load_policy", load)
        code, summary = measured(task, capsys, *words)
    assert code == 2 and loads == ([loaded] if loaded else [])
    assert ("OWNER/NAME@REVISION" in summary["error"]) == (loaded is None)


def test_worked_examples_are_not_trained_on(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    from proving_ground.training import session

    runs: list[session.TrainingRun] = []

    def no_training(run: session.TrainingRun) -> session.Outcome:
        runs.append(run)
        return session.Outcome({})

    monkeypatch.setattr(session, "train_policy", no_training)
    options = ["--model.name", "owner/name", "--prompt.few_shot", "2"]
    with pytest.raises(SystemExit) as caught:
        train.STAGE.main(task, "", options)
    ((run,), examples) = runs, [message for row in SAMPLES[:2] for message in row["messages"]]
    assert caught.value.code == 0
    assert [row["id"] for row in run.samples] == [row["id"] for row in SAMPLES[2:100]]
    assert [row["id"] for row in run.held_out] == [row["id"] for row in HELD_OUT]
    assert all(row["messages"][:-2] == examples for row in (*run.samples, *run.held_out))
    assert run.cache_dir.is_relative_to(os.environ["XDG_CACHE_HOME"])


@pytest.fixture
def api() -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """An API that knows every second answer, refuses its first request, and writes down what it is asked."""
    asked: list[Mapping[str, Any]] = []
    refused: list[bool] = []

    class Handler(BaseHTTPRequestHandler):
        def _send(self, status: int, body: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self) -> None:
            self._send(200, {"data": [{"id": "served"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not refused:
                refused.append(True)
                return self._send(503, {})
            asked.append(body)
            question = body["messages"][-1]["content"]
            number = [row["messages"][0]["content"] for row in HELD_OUT].index(question)
            word = question.split()[-1] if number % 2 else "nothing"
            message = {"role": "assistant", "content": f"<answer>{word}</answer>"}
            reason = ("length", "stop", "tool_calls", "stop")[number % 4]
            return self._send(200, {"choices": [{"message": message, "finish_reason": reason}]})

        def log_message(self, *arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()


def test_an_api_is_asked_the_held_out_prompts(
    task: Task, api: tuple[str, list[Mapping[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    address, asked = api
    config = json.loads((task.folder / "config.json").read_text())
    (task.folder / "config.json").write_text(json.dumps({**config, "grpo": {"top_p": 0.9}}))
    options = ["--max-tokens", "9", "--temperature", "0.5", "--training.held_out_prompts", "16"]
    options += ["--prompt.system", "Be brief."]
    code, summary = measured(task, capsys, "--policy", address, *options)
    assert code == 0 and summary["accuracy"] == 0.5
    assert summary["cut_off"] == 0.25, "a call of a tool is a whole answer"
    prompts = sorted(body["messages"][-1]["content"] for body in asked)
    assert prompts == sorted(row["messages"][0]["content"] for row in HELD_OUT[:16] for _ in range(2))
    assert {body["messages"][0]["content"] for body in asked} == {"Be brief."}
    sent = ("model", "max_tokens", "temperature", "top_p")
    assert {tuple(body[name] for name in sent) for body in asked} == {("served", 9, 0.5, 0.9)}


def test_an_address_without_an_api_is_one_line(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--policy", "http://127.0.0.1:9/v1", "--served-model", "x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("urllib3.util.Retry.sleep", lambda self, response=None: None)
        code, summary = measured(task, capsys, *words)
    assert code == 2 and "no answer of an OpenAI-compatible API" in summary["error"]


@pytest.mark.parametrize("policy", ["./nowhere", "/no/where", "one/two/three", "nowhere.gguf"])
def test_a_policy_that_is_not_there_is_named_at_once(
    policy: str, task: Task, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "proving_ground.training.proof", None)
    code, summary = measured(task, capsys, "--policy", policy)
    assert code == 2 and f"policy '{policy}': no such file or folder" in summary["error"]
