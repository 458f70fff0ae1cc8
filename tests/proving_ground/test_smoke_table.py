"""The table of a smoke run: it must not lose an example, nor call a failure ok."""

import json
from pathlib import Path

import pytest

from tests.support.smoke_table import table

GOOD = {"example": "a", "step": "4 GRPO", "ok": True, "seconds": 2.0, "shown": {"steps": 3}}


def write(kept: Path, example: str, content: str) -> None:
    (kept / example).mkdir(parents=True)
    (kept / example / "smoke.json").write_text(content)


@pytest.mark.parametrize("failed", [0, 1, 2])
def test_one_failed_step_fails_the_whole_wherever_it_stands(failed: int, tmp_path: Path) -> None:
    steps = [{**GOOD, "ok": number != failed} for number in range(3)]
    write(tmp_path, "a", json.dumps(steps))
    assert table(["a"], tmp_path).splitlines()[-1].split()[:4] == ["a", "in", "all", "FAILED"]


def test_steps_and_their_sum(tmp_path: Path) -> None:
    write(tmp_path, "a", json.dumps([GOOD, {**GOOD, "ok": False, "shown": {}}]))
    first, second, whole = table(["a"], tmp_path).splitlines()
    assert first.split() == ["a", "4", "GRPO", "ok", "2.0", "s", "steps", "3"]
    assert second.split() == ["a", "4", "GRPO", "FAILED", "2.0", "s"]
    assert whole.split() == ["a", "in", "all", "FAILED", "4.0", "s"]


@pytest.mark.parametrize("content", [None, "", "[", "null", "[1]", "[{}]", "[]"])
def test_an_example_without_a_whole_record_failed_and_hides_no_other(
    content: str | None, tmp_path: Path
) -> None:
    if content is not None:
        write(tmp_path, "broken", content)
    write(tmp_path, "a", json.dumps([GOOD]))
    lines = table(["broken", "a"], tmp_path).splitlines()
    assert lines[0].split() == ["broken", "did", "not", "get", "that", "far", "FAILED", "0.0", "s"]
    assert lines[-1].split() == ["a", "in", "all", "ok", "2.0", "s"]
