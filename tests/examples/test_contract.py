"""What every example promises, checked for each folder: the files, the scripts, and how they refuse."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proving_ground.dataset import read_samples
from proving_ground.messages import reference_of
from proving_ground.rewards.contract import call_reward, training_rows

STEPS = (
    "prepare_data.py",
    "local_eval.py",
    "fireworks_preview.py",
    "fireworks_regenerate.py",
    "trl_grpo_integration.py",
)
MOCKED = {"TEST_MOCK_FIREWORKS_PREVIEW": "1", "TEST_MOCK_FIREWORKS_REGEN": "1"}


@pytest.fixture(autouse=True)
def whole_example(example: Path) -> None:
    """The template, or an example of one file, has not the five stages; their own tests are elsewhere."""
    if not (example / "prepare_data.py").is_file():
        pytest.skip(f"{example.name} has no step scripts")


def run(script: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environ}
    command = [sys.executable, str(script), *options]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def refused(completed: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, one line on stderr that holds ``words``, and no traceback."""
    assert completed.returncode == 2, completed.stdout + completed.stderr
    lines = [line for line in completed.stderr.splitlines() if not line.startswith("MOCKED")]
    assert len(lines) == 1 and lines[0].startswith("error: "), completed.stderr
    for word in words:
        assert word in lines[0]
    assert json.loads(completed.stdout.splitlines()[-1])["ok"] is False


@pytest.fixture(scope="session")
def data_dir(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (example / "prepare_data.py").is_file():
        pytest.skip(f"{example.name} has no step 0")
    folder = tmp_path_factory.mktemp("data")
    assert run(example / "prepare_data.py", "--output-dir", str(folder)).returncode == 0
    return folder


def test_the_folder_has_every_file(example: Path) -> None:
    wanted = ("README.md", "config.json", "config.gpu.json", "task.py", "dataset.manifest.json", *STEPS)
    assert [name for name in (*wanted, "recordings/chat.jsonl") if not (example / name).is_file()] == []


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_a_docstring_the_task_and_a_call(example: Path, step: str) -> None:
    """Logic in a step script is logic that the other examples do not have."""
    tree = ast.parse((example / step).read_text())
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Expr", "Import", "Try", "If"]
    assert len(ast.get_docstring(tree) or "") > 100, "say what the step proves"


@pytest.mark.parametrize("step", STEPS)
def test_help_shows_what_the_step_proves(example: Path, step: str) -> None:
    shown = run(example / step, "--help")
    assert shown.returncode == 0
    docstring = ast.get_docstring(ast.parse((example / step).read_text())) or ""
    assert docstring.splitlines()[0] in shown.stdout
    assert "Exit codes" in shown.stdout


@pytest.mark.parametrize("step", STEPS)
def test_a_misspelt_switch_is_refused(example: Path, step: str, tmp_path: Path) -> None:
    completed = run(example / step, "--output-dir", str(tmp_path / "out"), TEST_MODE_TRL="maybe")
    refused(completed, "TEST_MODE_TRL='maybe'", "1, true, yes, on")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("step", STEPS)
def test_an_unknown_key_is_refused(example: Path, step: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"fireworks": {"temprature": 1}}')
    refused(
        run(example / step, "--config", str(config)),
        str(config),
        "fireworks.temprature",
        "fireworks.temperature",
    )


@pytest.mark.parametrize("step", ["local_eval.py", "fireworks_preview.py", "fireworks_regenerate.py"])
@pytest.mark.parametrize(
    ("content", "words"), [(None, "no such file"), (b"", "empty"), (b'{"id": "a"}\n', "dataset.jsonl:1:")]
)
def test_bad_data_is_refused(
    example: Path, step: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "dataset.jsonl").write_bytes(content)
    options = ["--data.dir", str(tmp_path), "--output-dir", str(tmp_path / "out")]
    refused(run(example / step, *options, **MOCKED), "dataset.jsonl", words, "prepare_data.py")


@pytest.mark.parametrize("step", ["fireworks_preview.py", "fireworks_regenerate.py"])
def test_without_key_and_mock_nothing_runs(example: Path, step: str, data_dir: Path, tmp_path: Path) -> None:
    options = ["--data.dir", str(data_dir), "--output-dir", str(tmp_path)]
    refused(run(example / step, *options), "FIREWORKS_API_KEY is not set")


def test_a_request_that_was_not_recorded_is_refused(example: Path, data_dir: Path, tmp_path: Path) -> None:
    options = ["--data.dir", str(data_dir), "--output-dir", str(tmp_path), "--limit", "2"]
    completed = run(
        example / "fireworks_regenerate.py", *options, "--prompt.system", "Other words.", **MOCKED
    )
    refused(completed, "no recording for request", "--record")


def copied(example: Path, folder: Path) -> Path:
    """The example's code and configuration, elsewhere."""
    copy = folder / "examples" / example.name
    copy.mkdir(parents=True)
    (copy.parent / "__init__.py").touch()
    for path in [*example.rglob("*.py"), example / "config.json"]:
        target = copy / path.relative_to(example)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    return copy


def recordings(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "recordings" / "chat.jsonl").read_text().splitlines()]


def test_an_edited_recording_is_refused(example: Path, data_dir: Path, tmp_path: Path) -> None:
    """One character of one recorded request: the mock must not go on replaying its answer."""
    copy = copied(example, tmp_path)
    (copy / "recordings").mkdir()
    lines = (example / "recordings" / "chat.jsonl").read_text().splitlines(keepends=True)
    row = json.loads(lines[1])
    row["request"]["messages"][-1]["content"] += "."
    lines[1] = json.dumps(row, ensure_ascii=False) + "\n"
    (copy / "recordings" / "chat.jsonl").write_text("".join(lines))
    completed = run(copy / "fireworks_regenerate.py", "--data.dir", str(data_dir), "--limit", "2", **MOCKED)
    refused(completed, "chat.jsonl:2:", "does not fit its request_sha256")


def test_recordings_say_whether_they_are_made_up(example: Path) -> None:
    rows = recordings(example)
    assert len(rows) >= 10
    for row in rows:
        made_up = row["response"]["id"].startswith("synthetic-")
        assert (row["synthetic"], bool(row["kind"])) == (made_up, made_up), row["id"]


def test_made_up_recordings_are_what_the_code_makes(example: Path, data_dir: Path, tmp_path: Path) -> None:
    """A prompt, setting or phrasing that has changed since leaves recordings of another project."""
    copy = copied(example, tmp_path)
    committed = {row["id"]: row for row in recordings(example) if row["synthetic"]}
    options = ["--data.dir", str(data_dir), "--record-synthetic", "--limit", str(len(recordings(example)))]
    assert run(copy / "fireworks_regenerate.py", *options).returncode == 0
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


def test_step_0_and_1_import_no_trainer(example: Path, data_dir: Path) -> None:
    """Data preparation and reward tests must run where torch is not installed."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'trl', 'datasets']))\n"
    for step, options in [
        ("prepare_data.py", ["--check"]),
        (
            "local_eval.py",
            ["--data.dir", str(data_dir), "--limit", "5", "--output-dir", str(data_dir / "out")],
        ),
    ]:
        program = f"{blocked}import runpy; sys.argv = {[step, *options]!r}\n"
        program += f"runpy.run_path({str(example / step)!r}, run_name='__main__')"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


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
