"""The bundle runs where this project is not installed: an isolated interpreter in an empty folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proving_ground.errors import CannotRunError
from proving_ground.fireworks.bundle import bundle
from proving_ground.mocks.fireworks_preview import run_evaluator
from proving_ground.rewards import math_reward


def row(text: str, truth: Any, **columns: Any) -> str:
    messages = [{"role": "user", "content": "?"}, {"role": "assistant", "content": text}]
    return json.dumps({"messages": messages, "ground_truth": truth, **columns})


def test_the_math_reward_scores_as_it_does_here() -> None:
    rows = [
        row(r"\boxed{4}", "4"),
        row(r"\boxed{5}", "4"),
        row(r"\boxed{\frac{1}{2}\sqrt{2}}", r"\frac{\sqrt{2}}{2}"),  # needs math-verify and its worker
        row("4", "4", id="x", metadata={"a": 1}),
    ]
    answer = run_evaluator({"main.py": bundle(math_reward)}, rows)
    assert [r["score"] for r in answer["results"]] == [1.0, 0.0, 1.0, 0.0], answer
    assert [r["success"] for r in answer["results"]] == ["true"] * 4
    assert answer["totalSamples"] == 4
    assert isinstance(answer["totalRuntimeMs"], str)


def test_a_broken_ground_truth_fails_its_row_and_no_other() -> None:
    rows = [row(r"\boxed{4}", ""), row(r"\boxed{4}", "4")]
    results = run_evaluator({"main.py": bundle(math_reward)}, rows)["results"]
    assert [r["success"] for r in results] == ["false", "true"]
    assert "InfrastructureError" in results[0]["reason"]


def test_a_bundle_that_lacks_a_module_fails(tmp_path: Path) -> None:
    whole = bundle(math_reward)
    assert "'proving_ground/messages.py'" in whole
    broken = whole.replace("'proving_ground/messages.py'", "'proving_ground/massages.py'")
    answer = run_evaluator({"main.py": broken}, [row(r"\boxed{4}", "4")])
    assert [r["success"] for r in answer["results"]] == ["false"]
    assert any("proving_ground.messages" in line for line in answer["stderr"])


def test_a_reward_beside_its_helper_module_is_bundled_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "length_helper.py").write_text("def length(text):\n    return len(text)\n")
    (tmp_path / "length_task.py").write_text(
        "from proving_ground.messages import completion_text\n"
        "from length_helper import length\n"
        "def length_reward(completions, ground_truth, **columns):\n"
        "    pairs = zip(completions, ground_truth)\n"
        "    return [float(length(completion_text(c)) == int(t)) for c, t in pairs]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import length_task  # type: ignore[import-not-found]

    results = run_evaluator(
        {"main.py": bundle(length_task.length_reward)}, [row("abc", "3"), row("abc", "4")]
    )
    assert [r["score"] for r in results["results"]] == [1.0, 0.0]


def test_a_closure_cannot_be_bundled() -> None:
    def make() -> Callable[..., list[float]]:
        def reward(completions: Any, ground_truth: Any) -> list[float]:
            return [1.0]

        return reward

    with pytest.raises(CannotRunError, match="has no name in its module"):
        bundle(make())


def test_the_evaluator_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw-recognisable-key")
    spy = "import os\ndef evaluate(messages, **kwargs):\n    raise RuntimeError(str(dict(os.environ)))\n"
    answer = run_evaluator({"main.py": spy}, [row("x", "y")])
    assert "PATH" in answer["results"][0]["reason"]
    assert "fw-recognisable-key" not in json.dumps(answer)
