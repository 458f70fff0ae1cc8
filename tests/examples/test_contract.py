"""What every example promises, checked for each folder: the files, the scripts, the recordings."""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proving_ground.dataset import read_samples
from proving_ground.messages import reference_of
from proving_ground.rewards.contract import call_reward, training_rows

STEPS = {
    "prepare_data.py": "prepare",
    "local_eval.py": "local_eval",
    "fireworks_preview.py": "preview",
    "fireworks_regenerate.py": "regenerate",
    "trl_grpo_integration.py": "train",
}
SCRIPT = """
import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {{error}}; `make dev` makes the environment: README.md\\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("{stage}", __file__, __doc__)
"""
"""A step script below its docstring, so that what one of them does with options and switches all do."""


@pytest.fixture(autouse=True)
def whole_example(example: Path) -> None:
    """The template, or an example of one file, has not the five stages; their own tests are elsewhere."""
    if not (example / "prepare_data.py").is_file():
        pytest.skip(f"{example.name} has no step scripts")


def test_the_folder_has_every_file(example: Path) -> None:
    wanted = ("README.md", "config.json", "config.gpu.json", "task.py", "dataset.manifest.json", *STEPS)
    assert [name for name in (*wanted, "recordings/chat.jsonl") if not (example / name).is_file()] == []


@pytest.mark.parametrize(("step", "stage"), STEPS.items())
def test_a_step_is_a_docstring_and_a_call(example: Path, step: str, stage: str) -> None:
    """Logic in a step script is logic that the other examples do not have."""
    tree = ast.parse((example / step).read_text())
    assert [ast.dump(node) for node in tree.body[1:]] == [
        ast.dump(node) for node in ast.parse(SCRIPT.format(stage=stage)).body
    ]
    assert len(ast.get_docstring(tree) or "") > 100, "say what the step proves"


def recordings(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "recordings" / "chat.jsonl").read_text().splitlines()]


def test_recordings_say_whether_they_are_made_up(example: Path) -> None:
    rows = recordings(example)
    assert len(rows) >= 10
    for row in rows:
        made_up = row["response"]["id"].startswith("synthetic-")
        assert (row["synthetic"], bool(row["kind"])) == (made_up, made_up), row["id"]


def test_made_up_recordings_are_what_the_code_makes(example: Path, data_dir: Path, tmp_path: Path) -> None:
    """A prompt, setting or phrasing that has changed since leaves recordings of another project."""
    shutil.copytree(example, copy := tmp_path / "examples" / example.name)
    (copy.parent / "__init__.py").touch()
    (copy / "recordings" / "chat.jsonl").unlink()
    committed = {row["id"]: row for row in recordings(example) if row["synthetic"]}
    options = ["--data.dir", str(data_dir), "--record-synthetic", "--limit", str(len(recordings(example)))]
    command = [sys.executable, str(copy / "fireworks_regenerate.py"), *options]
    subprocess.run(command, check=True, capture_output=True)
    made = {row["id"]: row for row in recordings(copy)}
    stale = [name for name, row in committed.items() if made.get(name) != row]
    assert not stale, f"make them anew with fireworks_regenerate.py {' '.join(options[2:])}: {stale}"


def test_the_second_grader_knows_right_from_wrong(example: Path, data_dir: Path) -> None:
    """It judges the proof, so it must pass what the reward must pass, and fail what the reward must fail."""
    task = importlib.import_module(f"examples.{example.name}.task").TASK
    samples = [*read_samples(data_dir / "dataset.jsonl", 70), *read_samples(data_dir / "held_out.jsonl", 20)]
    references = [reference_of(sample) for sample in samples]
    scores = graded(task, samples, references)
    assert set(scores) <= {1.0, None} and scores.count(None) <= 2, "what it cannot judge does not count"
    pairs = [(sample, text) for sample in samples[-5:] for text in task.wrong_answers(sample)]
    scores = graded(task, [sample for sample, _ in pairs], [text for _, text in pairs])
    assert [pair for pair, score in zip(pairs, scores, strict=True) if score != 0.0] == []


def graded(task: Any, samples: list[Any], completions: list[str]) -> list[float | None]:
    rows = training_rows(samples)
    known = [{**row, "reference": reference_of(each)} for row, each in zip(rows, samples, strict=True)]
    return call_reward(task.graders["second_accuracy"], known, completions)


RUN = 6
"""Equal lines in a row that are a copy, and belong into ``common``."""


def runs_of(folder: Path) -> dict[tuple[str, ...], str]:
    """Every ``RUN`` lines of code in a row, and where they stand.

    Without imports, comments and blanks, and without the ``TASK`` declaration: two tasks with one reward
    declare it in the same words, and that is all that an example consists of.
    """
    found: dict[tuple[str, ...], str] = {}
    for path in sorted(set(folder.rglob("*.py")) - {folder / step for step in STEPS}):
        text = path.read_text()
        declared = {
            number
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TASK"
            for number in range(node.lineno, (node.end_lineno or 0) + 1)
        }
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
        code = [
            (number, line)
            for number, line in lines
            if line and number not in declared and not line.startswith(("#", "import ", "from "))
        ]
        for start in range(len(code) - RUN + 1):
            window = code[start : start + RUN]
            found.setdefault(tuple(line for _, line in window), f"{path.name}:{window[0][0]}")
    return found


def test_no_code_is_copied_between_examples(example: Path) -> None:
    """Between those that examples/README.md names: one that a reader has just copied is a copy."""
    named = re.findall(r"^\| \[(\w+)\]", (example.parent / "README.md").read_text(), re.MULTILINE)
    assert len(named) >= 6 and {path.parent.name for path in example.parent.glob("*/config.json")} >= {*named}
    if example.name not in named:
        pytest.skip(f"{example.name} is not one of the project's own")
    mine = runs_of(example)
    for other in [example.parent / name for name in named if name != example.name]:
        theirs = runs_of(other)
        places = sorted((mine[run], theirs[run]) for run in mine.keys() & theirs.keys())
        assert not places, f"{example.name} and {other.name} share {RUN} lines: {places}"
