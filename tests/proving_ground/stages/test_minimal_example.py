"""An example of one file: what it does, what it says it cannot, and what own rows change in it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from proving_ground.config import DataConfig
from proving_ground.errors import CannotRunError
from proving_ground.stages.task import Task, write_rows
from tests.conftest import ROOT
from tests.support.documented_runs import OWN_ROWS, with_own_rows

TEMPLATE = ROOT / "examples" / "trl_integration" / "minimal"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "examples" / "tiny"
    shutil.copytree(TEMPLATE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy.parent / "__init__.py").touch()
    return copy


def run(folder: Path, *words: str, **switches: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "task.py"), *words]
    env = {**os.environ, **switches}
    return subprocess.run(command, cwd="/", env=env, capture_output=True, text=True, check=False, timeout=300)


def test_it_is_one_short_file() -> None:
    assert {path.name for path in TEMPLATE.glob("*.*")} == {"__init__.py", "task.py", "config.json"}
    assert len((TEMPLATE / "task.py").read_text().splitlines()) <= 60


def test_without_a_stage_it_lists_them(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0 and "  local_eval " in done.stdout and "  prepare " not in done.stdout
    done = run(folder, "trian")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "did you mean train?" in done.stderr


def test_a_forgotten_environment_is_one_line() -> None:
    command = [sys.executable, "-S", "-I", str(TEMPLATE / "task.py")]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "`make dev`" in done.stderr


def test_rows_and_a_reward_are_enough_for_step_1(folder: Path) -> None:
    done = run(folder, "local_eval")
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert (ended["references_at_1"], ended["wrong_answers_at_0"]) == (100, 100)


@pytest.mark.parametrize(
    ("stage", "switch", "words"),
    [
        ("prepare", "TEST_MODE_TRL", "task.py declares no preparation; its rows need no step 0"),
        ("regenerate", "TEST_MOCK_FIREWORKS_REGEN", "chat.jsonl: no recordings"),
    ],
)
def test_what_it_lacks_is_one_line(folder: Path, stage: str, switch: str, words: str) -> None:
    done = run(folder, stage, **{switch: "1"})
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("MOCKED")]
    assert done.returncode == 2 and line.startswith("error: ") and words in line


def test_rows_of_another_schema_are_a_few_lines(folder: Path) -> None:
    """Those of the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (rows,) = re.findall(r"^```python\n(def rows.*?)^```", readme, re.MULTILINE | re.DOTALL)
    (folder / "rows.jsonl").write_text(OWN_ROWS)
    (folder / "task.py").write_text(with_own_rows((folder / "task.py").read_text(), rows))
    done = run(folder, "local_eval")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["references_at_1"] == 18, "half of 36 are held out"


def sample(question: str, answer: str) -> dict[str, object]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, "ground_truth": answer}


def task(folder: Path, rows: list[dict[str, object]]) -> Task:
    return Task(folder=folder, reward=lambda completions, **columns: [], rows=lambda: rows)


@pytest.mark.parametrize(
    ("limit", "held_out", "trained_on", "held"),
    [(4, 3, range(4), range(7, 10)), (10, 0, range(10), []), (10, 8, range(5), range(5, 10))],
)
def test_no_prompt_is_trained_on_and_held_out(
    limit: int, held_out: int, trained_on: Iterable[int], held: Iterable[int], tmp_path: Path
) -> None:
    mine = task(tmp_path / "examples" / "x", [sample(str(index % 10), str(index)) for index in range(40)])
    folder = write_rows(mine, DataConfig(limit=limit, held_out=held_out))
    files = [(folder / name).read_text().splitlines() for name in ("dataset.jsonl", "held_out.jsonl")]
    ids = [[json.loads(line)["id"] for line in lines] for lines in files]
    assert ids == [[f"x-{index}" for index in part] for part in (trained_on, held)]


def test_without_wrong_answers_those_of_other_rows_are_wrong(tmp_path: Path) -> None:
    mine = task(tmp_path, [sample("a", "1"), sample("b", "2"), sample("c", "1")])
    wrong = mine.wrong_answers_among(mine.samples())
    assert [wrong(row) for row in mine.samples()] == [["2"], ["1"], ["2"]]
    same = task(tmp_path, [sample("a", "1"), sample("b", "1")])
    with pytest.raises(CannotRunError, match="one and the same ground truth"):
        same.wrong_answers_among(same.samples())


def test_a_row_that_is_no_sample_is_named(tmp_path: Path) -> None:
    broken = task(tmp_path, [sample("a", "1"), {"messages": [], "ground_truth": "x"}])
    with pytest.raises(CannotRunError, match=r"task\.py: row 1 of its rows: messages must be"):
        broken.samples()


def test_a_reward_that_raises_on_an_answer_without_form_fails_step_1(folder: Path) -> None:
    """References are well formed, and so are those of other rows: a policy's first answers are not."""
    task = folder / "task.py"
    before = "    return [float("
    raises = "    assert all('<' in each[0]['content'] for each in completions)\n"
    text = task.read_text()
    assert text.count(before) == 1
    task.write_text(text.replace(before, raises + before))
    done = run(folder, "local_eval")
    assert done.returncode == 1 and "AssertionError" in done.stderr, done.stderr
