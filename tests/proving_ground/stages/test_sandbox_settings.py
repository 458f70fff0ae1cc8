"""What the configuration says of the sandbox holds wherever the reward runs, and goes where it goes."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from proving_ground.dataset import write_jsonl
from proving_ground.errors import CannotRunError
from proving_ground.fireworks.bundle import bundle
from proving_ground.mocks.fireworks_preview import run_evaluator
from proving_ground.rewards import code_reward, composite_reward, math_reward
from proving_ground.rewards.contract import checked, with_sandbox
from proving_ground.sandbox_settings import SandboxSettings
from proving_ground.stages import local_eval, preview
from proving_ground.stages.run import Stage
from proving_ground.stages.task import Task

PROGRAM = """```python
import time
while time.process_time() < 1.0:
    pass
print(3)
```"""
SHORT, LONG = 0.3, 20.0


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return slow_task(tmp_path)


def slow_task(tmp_path: Path) -> Task:
    """One row whose reference computes for a second."""
    folder = tmp_path / "examples" / "slow"
    (folder / "recordings").mkdir(parents=True)
    truth = json.dumps([{"kind": "stdio", "stdin": "", "stdout": "3"}])
    messages = [{"role": "user", "content": "Print 3."}, {"role": "assistant", "content": PROGRAM}]
    write_jsonl(
        folder / "dataset.jsonl", [{"id": "a", "messages": messages, "ground_truth": truth, "metadata": {}}]
    )
    (folder / "config.json").write_text('{"training": {"prove": false}}')
    return Task(
        folder=folder, reward=code_reward, wrong_answers=lambda row: [""], demonstrations=lambda row: []
    )


def ended(stage: Stage, task: Task, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as exit_code:
        stage.main(task, "", options)
    return exit_code.value.code, capsys.readouterr().err


def test_step_1(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    for seconds, code in ((SHORT, 1), (LONG, 0)):
        assert ended(local_eval.STAGE, task, capsys, "--sandbox.timeout_seconds", str(seconds))[0] == code


def test_step_2_where_the_evaluator_runs(
    task: Task, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_MOCK_FIREWORKS_PREVIEW", "1")
    for seconds, score in ((SHORT, 0.0), (LONG, 1.0)):
        assert ended(preview.STAGE, task, capsys, "--sandbox.timeout_seconds", str(seconds))[0] == 0
        results = task.folder.parent.parent / "outputs" / "slow" / "preview" / "results.jsonl"
        first = json.loads(results.read_text().splitlines()[0])
        assert (first["score"], first["local_score"]) == (score, score)


def test_a_plain_trainer_and_a_guard(task: Task) -> None:
    truth = [json.dumps([{"kind": "stdio", "stdin": "", "stdout": "3"}])]
    for seconds, score in ((SHORT, 0.0), (LONG, 1.0)):
        settings = SandboxSettings(timeout_seconds=seconds)
        plain = partial(code_reward, sandbox=settings)
        assert plain(completions=[PROGRAM], ground_truth=truth, id=["a"]) == [score]
        bound = task.with_sandbox(settings)
        for name, reward in bound.rewards.items():
            assert name == "code_reward"
            assert checked(name, reward)(completions=[PROGRAM], ground_truth=truth) == [score]


def test_the_parts_of_a_composite(task: Task) -> None:
    truth = [json.dumps({"code": [{"kind": "stdio", "stdin": "", "stdout": "3"}]})]
    both = replace(task, reward=composite_reward, training_rewards=composite_reward.parts)
    for seconds, score in ((SHORT, 0.0), (LONG, 1.0)):
        bound = both.with_sandbox(SandboxSettings(timeout_seconds=seconds))
        for reward in (bound.reward, bound.rewards["code"]):
            assert checked("code", reward)(completions=[PROGRAM], ground_truth=truth) == [score]


def test_a_bundle_holds_what_its_reward_imports() -> None:
    math, coding = files(bundle(math_reward)), bundle(with_sandbox(code_reward, SandboxSettings(memory_mb=7)))
    assert {name.split("/")[1] for name in math} == {"__init__.py", "errors.py", "messages.py", "rewards"}
    assert not {name for name in math if "code" in name or "composite" in name or "function" in name}
    assert "'memory_mb': 7" in coding and "proving_ground/sandbox/local.py" in files(coding)
    assert not {name for name in files(coding) if "math" in name or "function_calls" in name}


def test_what_a_partial_binds_goes_along() -> None:
    bound = with_sandbox(partial(code_reward, all_or_nothing=True), SandboxSettings(memory_mb=600))
    assert bound.__name__ == "code_reward", "TRL and the stages log it by name"
    tests = [{"kind": "stdio", "stdin": "", "stdout": out} for out in ("3", "4")]
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "```python\nprint(3)\n```"}]
    row = json.dumps({"messages": turns, "ground_truth": json.dumps(tests)})
    scores = [run_evaluator({"main.py": bundle(reward)}, [row])["results"] for reward in (bound, code_reward)]
    assert [results[0]["score"] for results in scores] == [0.0, 0.5]
    with pytest.raises(CannotRunError, match="bound to sandbox_pool=<object"):
        bundle(partial(code_reward, sandbox_pool=object()))


def files(text: str) -> set[str]:
    """The names of the files in a bundle."""
    return set(re.findall(r"^ *\{?'(proving_ground/[\w/]+\.py)': ", text, re.MULTILINE)) | set(
        re.findall(r"^SOURCES = \{'([\w/.]+)'", text, re.MULTILINE)
    )


def test_a_reward_that_imports_from_a_package_takes_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brief_task.py").write_text(
        "from proving_ground.rewards import math_reward\n"
        "def brief(completions, ground_truth, prompts, id, **columns):\n"
        "    assert prompts == [[{'role': 'user', 'content': '?'}]] and id == ['x']\n"
        "    assert columns.keys() >= {'completion_ids', 'trainer_state', 'log_extra', 'log_metric'}\n"
        "    return math_reward(completions, ground_truth)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import brief_task  # type: ignore[import-not-found]

    text = bundle(brief_task.brief)
    assert "proving_ground/rewards/math/judge.py" in files(text) and "sandbox" not in str(files(text))
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": r"\boxed{4}"}]
    answer = run_evaluator(
        {"main.py": text}, [json.dumps({"messages": turns, "ground_truth": "4", "id": "x"})]
    )
    assert [row["score"] for row in answer["results"]] == [1.0], answer
