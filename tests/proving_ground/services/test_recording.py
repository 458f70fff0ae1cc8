"""What ``--record`` leaves behind: real answers in the place of made-up ones, and the mock replays them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proving_ground.services.servers import serve_gateway
from proving_ground.stages.task import Task
from tests.proving_ground.services.conftest import ACCOUNT, KEY, Outcome
from tests.support.api_server import Reply, completion, serve

Step = Callable[..., Outcome]


def recordings(task: Task) -> dict[str, dict[str, Any]]:
    text = (task.folder / "recordings" / "chat.jsonl").read_text()
    return {row["id"]: row for row in map(json.loads, text.splitlines())}


@pytest.fixture
def made_up(task: Task) -> Task:
    """The task with demonstrations, which made-up answers need."""
    object.__setattr__(task, "demonstrations", lambda sample: ["", sample["ground_truth"]])
    return task


def test_real_answers_replace_made_up_ones_of_the_same_rows(
    made_up: Task, run_step: Step, start_gateway: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    assert run_step("http://127.0.0.1:9", output, "--record-synthetic", "--limit", "4").code == 0
    with start_gateway() as gateway:
        ended = run_step(gateway.url, output, "--record", "--limit", "3")
    assert ended.code == 0, ended.stderr
    found = recordings(made_up)
    assert [(name, row["synthetic"], row["expected_score"]) for name, row in found.items()] == [
        ("q0", False, 1.0),
        ("q1", False, 1.0),
        ("q2", False, 0.0),
        ("q3", True, 1.0),
    ]
    monkeypatch.setenv("TEST_MOCK_FIREWORKS_REGEN", "1")
    replayed = run_step("http://127.0.0.1:9", tmp_path / "replayed", "--limit", "4")
    assert replayed.code == 0, replayed.stderr
    rows = (tmp_path / "replayed" / "results.jsonl").read_text().splitlines()
    assert {row["id"]: row["score"] for row in map(json.loads, rows)} == {
        name: row["expected_score"] for name, row in found.items()
    }


def test_recordings_that_no_row_asks_for_go(made_up: Task, run_step: Step, tmp_path: Path) -> None:
    def record(*options: str) -> dict[str, Any]:
        ended = run_step("http://127.0.0.1:9", tmp_path / "out", "--record-synthetic", *options)
        return dict(json.loads(ended.stdout.splitlines()[-1]))

    assert record("--limit", "3")["of_other_rows"] == 0
    assert record("--indices", "5")["of_other_rows"] == 3
    assert list(recordings(made_up)) == ["q0", "q1", "q2", "q5"]
    assert record("--indices", "1", "--prompt.system", "Other words.")["of_other_rows"] == 0
    assert list(recordings(made_up)) == ["q1"]


def test_held_out_rows_are_asked_but_not_recorded(
    task: Task, run_step: Step, start_gateway: Any, tmp_path: Path
) -> None:
    (task.folder / "dataset.jsonl").rename(task.folder / "held_out.jsonl")
    with start_gateway() as gateway:
        assert run_step(gateway.url, tmp_path / "a", "--limit", "2").code == 2
        ended = run_step(gateway.url, tmp_path / "b", "--limit", "2", "--split", "held_out")
        refused = run_step(gateway.url, tmp_path / "c", "--split", "held_out", "--record")
    assert ended.code == 0 and json.loads(ended.stdout.splitlines()[-1])["passed"] == 2
    assert refused.code == 2 and "--split held_out" in refused.stderr
    assert len(gateway.posts) == 2


def test_neither_key_nor_account_is_in_a_recording(task: Task, run_step: Step, tmp_path: Path) -> None:
    """Also where an answer that is right otherwise tells whose it is."""
    told = completion(rf"\boxed{{0}} for {ACCOUNT} with {KEY}")
    with serve(lambda request, number: Reply({**told, "model": f"accounts/{ACCOUNT}/models/m"})) as server:
        ended = run_step(server.url, tmp_path / "out", "--record", "--limit", "2")
    assert ended.code == 0, ended.stderr
    text = (task.folder / "recordings" / "chat.jsonl").read_text()
    assert text.count("<FIREWORKS_ACCOUNT_ID>") == 4 and ACCOUNT not in text and KEY not in text


def test_answers_of_another_server_or_of_a_mock_are_not_kept(
    made_up: Task, run_step: Step, start_gateway: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    assert run_step("http://127.0.0.1:9", output, "--record-synthetic", "--limit", "2").code == 0
    with monkeypatch.context() as patch:
        patch.setenv("TEST_MOCK_FIREWORKS_REGEN", "1")
        assert run_step("http://127.0.0.1:9", output, "--limit", "2").code == 0
    with start_gateway() as one, serve_gateway(one.url, journal=tmp_path / "other.jsonl", key=KEY) as other:
        assert run_step(one.url, output, "--limit", "2").code == 0
        assert len(one.posts) == 2, "the mock's answers are no real ones"
        assert run_step(one.url, output, "--limit", "2").code == 0
        assert len(one.posts) == 2, "its own are kept"
        run_step(other.url, output, "--limit", "2", "--fireworks.max_attempts", "1")
    assert (tmp_path / "other.jsonl").read_text().count("\n") > 0, "another server is asked itself"


def test_real_or_made_up(task: Task, run_step: Step, tmp_path: Path) -> None:
    ended = run_step("http://127.0.0.1:9", tmp_path / "out", "--record", "--record-synthetic")
    assert ended.code == 2 and "not both" in ended.stderr
