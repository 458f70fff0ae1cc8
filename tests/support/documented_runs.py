"""How a documented command is run, and how it must end, by what it looks like."""

import difflib
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.support.clone import Clone
from tests.support.documentation import Command

KEY = f"fw-documented-{secrets.token_hex(8)}"
"""Made up for each run: no file of the project may hold what the search for secrets looks for."""
ACCOUNT = "account-of-the-reader"
SECONDS = 600
ACTIVATE = "source .venv-dev/bin/activate"


@dataclass
class Place:
    """Where commands run: a clone, and servers on this machine that stand for the real ones."""

    clone: Clone
    environment: dict[str, str]
    programs: dict[str, str]

    def bash(
        self, command: Command, text: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command (or ``text`` in its place) after the lines that prepare its shell."""
        if ACTIVATE in command.state and not (self.clone.root / ".venv-dev").is_dir():
            subprocess.run(["make", "dev"], cwd=self.clone.root, check=True, capture_output=True)
        lines = "\n".join(["set -e", *command.state, text or command.text])
        return subprocess.run(
            ["bash", "-c", lines],
            cwd=self.clone.root,
            env={**self.environment, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )


def ends_well(command: Command, place: Place, **environ: str) -> None:
    completed = place.bash(command, **environ)
    assert completed.returncode == 0, completed.stdout[-2000:] + completed.stderr[-2000:]


def prepared(command: Command, place: Place) -> None:
    """The example's data, without which no later step can run."""
    example = command.example
    assert example is not None
    folder = place.clone.root / "examples" / example
    script = folder / "prepare_data.py"
    if script.is_file() and not (folder / "dataset.jsonl").is_file():
        ends_well(Command(command.file, command.line, f"python {script}"), place)


def runs_after_preparation(command: Command, place: Place) -> None:
    prepared(command, place)
    # No hub here, so a configuration that asks for it has no data of its own.
    text = command.text + (f" --data.dir examples/{command.example}" if "config.gpu" in command.text else "")
    ends_well(Command(command.file, command.line, text, command.state), place)


def asks_with_a_key(command: Command, place: Place) -> None:
    """``KEY=...`` in the documentation is the reader's own; here it is the one that the gateway lets in."""
    prepared(command, place)
    text = command.text.replace("FIREWORKS_API_KEY=...", f"FIREWORKS_API_KEY={KEY}")
    text = text.replace("FIREWORKS_ACCOUNT_ID=...", "FIREWORKS_ACCOUNT_ID=local")
    preview = place.programs if "fireworks_preview" in text else {}
    completed = place.bash(command, text, **preview)
    assert completed.returncode == 0, completed.stderr


def trains(command: Command, place: Place) -> None:
    """One real step, on a fresh output folder."""
    prepared(command, place)
    text = command.text if "grpo_example" in command.text else f"{command.text} --overwrite"
    completed = place.bash(command, text)
    assert completed.returncode == 0, completed.stderr
    assert '"steps": 1' in completed.stdout.splitlines()[-1]


def launches(command: Command, place: Place) -> None:
    """What the launcher is given exists, and what it launches trains; the launcher needs hardware."""
    words = place.bash(command, f"echo {command.text}").stdout.split()
    script = next(index for index, word in enumerate(words) if word.endswith(".py"))
    for word in words[:script]:
        if word.endswith((".yaml", ".sbatch")):
            assert (place.clone.root / word).is_file(), word
    text = f"python {' '.join(words[script:])}"
    if "trl_grpo_integration" in text:
        # No hub here, so the data is not what the configuration asks for: naming it says that it is meant.
        text += f" --data.dir {words[script].rpartition('/')[0]}"
    trains(Command(command.file, command.line, text, command.state), place)


def asks_the_hub(command: Command, place: Place) -> None:
    """No hub here: the step must get as far as asking for it, and say that in one line."""
    completed = place.bash(command)
    assert completed.returncode == 2, completed.stdout + completed.stderr
    assert "hub" in completed.stderr and completed.stderr.count("\n") == 1, completed.stderr


def reads_rows(command: Command, place: Place) -> None:
    """A file of raw rows, as the reader would have one: here from the example's own generator."""
    assert command.example is not None
    name = re.search(r"--source (\S+)", command.text)
    assert name is not None
    path = place.clone.root / name[1]
    rows = raw_rows(command.example, place)
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        ends_well(command, place)
    finally:
        path.unlink()


RAW_ROWS = """
import importlib, itertools, json, sys
rows = importlib.import_module(f"examples.{sys.argv[1]}.builtin_rows").builtin_rows(1)
print(*map(json.dumps, itertools.islice(rows, 4000)), sep="\\n")
"""


def raw_rows(example: str, place: Place) -> list[dict[str, Any]]:
    """The first rows of the example's generator: the clone's, which may be a new example."""
    ended = subprocess.run(
        [sys.executable, "-c", RAW_ROWS, example],
        cwd=place.clone.root,
        env=place.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def runs_from_the_first_environment(command: Command, place: Place) -> None:
    """``.venv`` is there after any target; here it may be the first."""
    ends_well(Command(command.file, command.line, "make .venv/ready"), place)
    ends_well(command, place)


def keeps_a_recording(command: Command, place: Place) -> None:
    """What a run has just left replaces a file of the project; the clone gets the project's own back."""
    ends_well(command, place)
    place.clone.git("checkout", "--quiet", ".")


def installs_nothing_twice(command: Command, place: Place) -> None:
    """Where bubblewrap is, the command says so; tests install nothing into a system."""
    assert shutil.which("bwrap"), "the isolation session comes first"
    ends_well(command, place)


def is_listed(command: Command, place: Place) -> None:
    """These ask a registry: here only that nox has such a session."""
    shown = place.bash(command, "make .venv/ready >&2 && .venv/bin/nox --list-sessions").stdout
    assert re.search(rf"^[-*] {command.text.split()[1]}\b", shown, re.MULTILINE), shown


def has_hooks(command: Command, place: Place) -> None:
    """What the hooks run is compared with what `lint` runs in tests/test_workflow.py."""
    assert (place.clone.root / ".pre-commit-config.yaml").is_file()


def is_in_ci(command: Command, place: Place) -> None:
    """Nothing to run once more: these are CI itself."""
    assert command.text in (ROOT / ".ci" / "run").read_text().splitlines()


def asks_for_live(command: Command, place: Place) -> None:
    """The live run against the gateway in the real API's place; what it records stands in the clone alone."""
    text = command.text.replace("=... ", "=x ")
    environ = {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": ACCOUNT, "TEST_MODE_TRL": ""}
    completed = place.bash(command, re.sub(r"\bFIREWORKS_\w+=x ", "", text), **place.programs, **environ)
    assert completed.returncode == 0, completed.stdout[-3000:]
    example = re.search(r"EXAMPLE=(\w+)", text)
    assert example is not None
    path = place.clone.root / "examples" / example[1] / "recordings" / "chat.jsonl"
    real = [row for row in map(json.loads, path.read_text().splitlines()) if not row["synthetic"]]
    assert len(real) == (10 if "--record" in text else 0)
    assert ACCOUNT not in path.read_text() and KEY not in path.read_text()
    place.clone.git("checkout", "--quiet", ".")


def collects(command: Command, place: Place) -> None:
    """Minutes long, and run by their own sessions: here the environment is made and the tests are found."""
    completed = place.bash(command, f'{command.text} ARGS="--collect-only --quiet"')
    assert completed.returncode == 0, completed.stdout[-3000:]
    assert re.search(r"\b\d+ tests? collected", completed.stdout), completed.stdout[-3000:]


def makes_an_environment(command: Command, place: Place) -> None:
    ends_well(command, place, PYTHONPATH="")
    python = place.clone.root / ".venv-dev" / "bin" / "python"
    probe = "import proving_ground, trl, fastapi; print(proving_ground.__file__)"
    environ = {**os.environ, "PYTHONPATH": ""}
    shown = subprocess.run(
        [python, "-c", probe], capture_output=True, text=True, check=True, cwd="/", env=environ
    )
    assert shown.stdout.startswith(str(place.clone.root))


def runs_end_to_end(command: Command, place: Place) -> None:
    """The whole suite of one example, in an environment of its own."""
    ends_well(command, place, TEST_MODE_TRL="")


READER_EDITS = {
    "from proving_ground.rewards import math_reward\n": "",
    "from examples.my_example.builtin_rows import builtin_rows\n": (
        "from examples.my_example.builtin_rows import builtin_rows\n"
        "from examples.my_example.reward import brief_reward\n"
    ),
    "    reward=math_reward,\n": "    reward=brief_reward,\n",
}


OWN_ROWS = "".join(
    json.dumps({"problem": f"Which word is last? {a} {b} {c}", "final": c}) + "\n"
    for a, b, c in itertools.product(
        ["ant", "bee", "cat", "dog"], ["eel", "fox", "gnu"], ["hen", "ibis", "jay"]
    )
)


def with_own_rows(task: str, rows: str) -> str:
    """``task.py`` of a minimal example with the README's ``rows`` for its own: at most ten lines change."""
    own = re.search(r"^def rows\(\).*?(?=\n\n\n)", task, re.MULTILINE | re.DOTALL)
    assert own is not None
    edited = task.replace(own[0], rows.strip()).replace("import random\n", "import json\n")
    lines = [*difflib.unified_diff(task.splitlines(), edited.splitlines(), lineterm="", n=0)][2:]
    assert 0 < sum(line.startswith("+") for line in lines) <= 10
    assert sum(line.startswith("-") for line in lines) <= 10
    return edited


def makes_an_example(command: Command, place: Place) -> None:
    """The new example passes its end-to-end suite at once; then its reward or rows become the README's."""
    ends_well(command, place)
    name = re.search(r"NAME=(\w+)", command.text)
    assert name is not None
    runs_end_to_end(Command(command.file, command.line, f"make e2e EXAMPLE={name[1]}"), place)
    folder = place.clone.root / "examples" / name[1]
    readme = (ROOT / command.file).read_text(encoding="utf-8")
    reward, own_rows = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    task = (folder / "task.py").read_text(encoding="utf-8")
    if "FROM=minimal" in command.text:
        (folder / "rows.jsonl").write_text(OWN_ROWS)
        edited = with_own_rows(task, own_rows)
    else:
        (folder / "reward.py").write_text(reward)
        edited = task
        for before, after in READER_EDITS.items():
            assert task.count(before) == 1, before
            edited = edited.replace(before, after)
    (folder / "task.py").write_text(edited)
    place.clone.git("add", "--all")
    place.clone.git("commit", "--quiet", "--message", "a new example")


def serves(command: Command, place: Place) -> None:
    """Started, ready, stopped by Ctrl-C."""
    policy = re.search(r"(?:POLICY=|--policy )(\S+)", command.text)
    if policy and not (place.clone.root / policy[1]).is_dir():
        trains(Command(command.file, 0, "python examples/math_example/trl_grpo_integration.py"), place)
    if "faults.json" in command.text:
        fault = {"path": "chat", "request": 3, "fault": "status", "status": 429}
        (place.clone.root / "faults.json").write_text(json.dumps([fault]))
    text = command.text.replace("--port 8371", "--port 0").replace("--port 8372", "--port 0")
    process = subprocess.Popen(
        # Checks that run in the background ignore Ctrl-C, and what they start would inherit that.
        ["env", "--default-signal=INT", "bash", "-c", f"exec {text}"],
        cwd=place.clone.root,
        env={**place.environment, "FIREWORKS_API_KEY": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    started, lines = time.monotonic(), []
    try:
        for line in process.stdout:
            lines.append(line)
            if '"event": "ready"' in line or '"event": "listening"' in line:
                break
            assert time.monotonic() - started < SECONDS
        else:
            pytest.fail("".join(lines))
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)  # until the last server has let go of the output
        (place.clone.root / "faults.json").unlink(missing_ok=True)


def knows_the_commit(command: Command, place: Place) -> None:
    """``origin/main`` is the reader's; the clone has one commit."""
    completed = place.bash(command, command.text.replace("origin/main", "HEAD"))
    assert completed.returncode == 0 and json.loads(completed.stdout)


HOW: dict[str, Callable[[Command, Place], None]] = {
    r"^make( help)?$": ends_well,
    r"^make (test|e2e|docs)$": is_in_ci,
    r"^make e2e EXAMPLE=my_example$": runs_end_to_end,
    r"^make (e2e|smoke|real)( EXAMPLE=\w+)?$": collects,
    r"--live": asks_for_live,
    r"^make dev$": makes_an_environment,
    r"^make sandbox$": installs_nothing_twice,
    r"^make (constraints|audit)$": is_listed,
    r"^python -m hatchling build": ends_well,
    r"^pre-commit install$": has_hooks,
    r"^proving-ground$": ends_well,
    r"^proving-ground local_eval ": runs_after_preparation,
    r"^make new-example": makes_an_example,
    r"^make services|-m proving_ground\.services": serves,
    r"^make (prep|drift|report|bench|tests|lint|types)\b": ends_well,
    r"^cp \S+ \S+$": keeps_a_recording,
    r"^\.venv/bin/nox --list$": runs_from_the_first_environment,
    r"--base origin/main": knows_the_commit,
    r"^python \.github/matrix\.py": ends_well,
    r"^(accelerate|sbatch|torchrun) ": launches,
    r"--source hub|prepare_data\.py --config \S+gpu": asks_the_hub,
    r"--source \S+\.(jsonl|parquet)": reads_rows,
    r"(trl_grpo_integration|grpo_example)\.py": trains,
    r"FIREWORKS_API_KEY=": asks_with_a_key,
    r"python \S+\.py": runs_after_preparation,
}
"""How a command is run, by what it looks like; the first pattern that fits counts."""
