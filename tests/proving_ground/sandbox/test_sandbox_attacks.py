"""Hostile programs score 0, and leave the machine as it was."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from attack_programs import OUTPUT_ATTACKS, RIGHT, SOLVE, THIEF, VALUE_ATTACKS, answer
from observing import alive

from proving_ground.rewards.code import code_reward
from proving_ground.sandbox import Limits
from proving_ground.sandbox.local import LocalSandbox

LIMITS = Limits(timeout_seconds=0.6, memory_mb=256, processes=16)
INPUTS = ("one", "two")
STDIO = json.dumps(
    [{"kind": "stdio", "stdin": text + "\n", "stdout": answer(text) + "\n"} for text in INPUTS]
)
CALLS = json.dumps(
    [{"kind": "call", "function": "solve", "args": [text], "expected": answer(text)} for text in INPUTS]
)
CASES = [
    pytest.param(program, tests, id=f"{kind}-{name}")
    for kind, table, tests in (("stdio", OUTPUT_ATTACKS, STDIO), ("call", VALUE_ATTACKS, CALLS))
    for name, program in table.items()
]


@pytest.fixture(scope="module")
def sandbox() -> LocalSandbox:
    return LocalSandbox(limits=LIMITS)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / "canary"
    file.write_text("alive")
    for path in (file, *tmp_path.parents[:1], tmp_path):
        path.chmod(0o777)  # only the sandbox stands between a program and this file
    return file


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def score(sandbox: LocalSandbox, program: str, tests: str) -> float:
    (reward,) = partial(code_reward, sandbox=sandbox)([f"```python\n{program}\n```"], [tests])
    return reward


@pytest.mark.parametrize(("program", "tests"), CASES)
def test_attack_scores_zero_and_changes_nothing(
    program: str,
    tests: str,
    sandbox: LocalSandbox,
    canary: Path,
    listener: socket.socket,
    request: pytest.FixtureRequest,
) -> None:
    token = f"# {os.getpid()} {request.node.name}"
    program = program.replace("@CANARY@", str(canary)).replace("@PORT@", str(listener.getsockname()[1]))
    assert score(sandbox, f"{token}\n{program}", tests) == 0.0
    assert alive(token) == []
    assert canary.read_text() == "alive"
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_there_are_enough_attacks_of_both_kinds() -> None:
    assert len(OUTPUT_ATTACKS) >= 40
    assert len(VALUE_ATTACKS) >= 40


def test_the_task_of_the_attacks_can_be_solved() -> None:
    """Otherwise every attack would score 0 for the wrong reason."""
    sandbox = LocalSandbox()
    assert score(sandbox, RIGHT + "print(right)", STDIO) == 1.0
    assert score(sandbox, SOLVE, CALLS) == 1.0


def test_the_search_for_survivors_can_find_one() -> None:
    token = f"# survivor {os.getpid()}"
    program = f"{token}\nimport time\ntime.sleep(9)"
    runner = threading.Thread(target=LocalSandbox().run, args=(program,), kwargs={"limits": Limits(2.0)})
    runner.start()
    seen: list[int] = []
    while runner.is_alive() and not seen:
        seen = alive(token)
    runner.join()
    assert seen
    assert alive(token) == []


def test_the_thief_finds_what_is_there() -> None:
    """Its empty hands in the attacks mean something: here each place holds an answer."""
    sandbox = LocalSandbox()
    planted = {place: answer(place) for place in ("stdin", "file", "memory")}
    loot = f"memory = 'EXPECTED' + '{planted['memory'].removeprefix('EXPECTED')}'\n# {planted['file']}"
    program = THIEF + "import loot\nprint(*search(), sep='\\n')"
    result = sandbox.run(program, planted["stdin"], files={"loot.py": loot})
    assert set(result.stdout.split()) == set(planted.values())
