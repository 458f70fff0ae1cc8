"""No documented command rots: each one in the READMEs, docs, docstrings and configurations is executed.

Commands run in a clone of the project, as they stand, with what makes them short or harmless around them:
trainings do one step (``TEST_MODE_TRL``), the hub is offline, a real key asks a gateway on this machine. How
a command is run and how it must end is found in ``HOW``; a command that nothing there fits is an error.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proving_ground.services.servers import serve_code_sandbox, serve_gateway
from tests.conftest import EXAMPLES, ROOT
from tests.support.api_server import Reply, completion, serve
from tests.support.clone import Clone
from tests.support.documentation import Command, documented
from tests.support.documented_runs import HOW, KEY, Place

READ = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "common/proving_ground/*/README.md",
    "examples/*.md",
    "examples/*/*.md",
    "examples/*/*.py",
)
READ += ("examples/*/config*.json", "common/proving_ground/services/*.py", ".github/*.py")
FILES = sorted({str(path.relative_to(ROOT)) for pattern in READ for path in ROOT.glob(pattern)})


def essence(command: Command) -> str:
    """What two spellings of one command share: words, without variables that only switch a mock on."""
    return re.sub(r"\bTEST_\w+=1 ", "", " ".join(command.text.split())) + "".join(command.state)


def unique(commands: list[Command]) -> list[Command]:
    """One of several equal commands; of a step's, the one with the most variables, which can run here."""
    found: dict[str, Command] = {}
    for command in commands:
        known = found.get(essence(command))
        if known is None or len(command.text) > len(known.text):
            found[essence(command)] = command
    return list(found.values())


COMMANDS = unique(list(documented(ROOT, FILES)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    clone = Clone(tmp_path_factory.mktemp("clone"), "math_example")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIREWORKS_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{clone.root / 'common'}:{clone.root}",
        "HF_HUB_OFFLINE": "1",
        "TEST_MODE_TRL": "1",
    }
    journal = tmp_path_factory.mktemp("gateway") / "journal.jsonl"
    with (
        serve(lambda request, number: Reply(completion("I do not know."))) as upstream,
        serve_gateway(upstream.url, journal=journal, key=KEY, evaluator_network=True) as gateway,
        serve_code_sandbox() as code_sandbox,
    ):
        environment["PROVING_GROUND_FIREWORKS__BASE_URL"] = gateway.url
        sandbox = {"BACKEND": "api", "BASE_URL": code_sandbox}
        programs = {f"PROVING_GROUND_SANDBOX__{name}": value for name, value in sandbox.items()}
        yield Place(clone, environment, programs)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Commands of the chosen examples' files, and those of the project, which ``-m project`` picks."""
    if "command" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--example") or EXAMPLES
        groups = [None if command.file == "README.md" else command.example for command in COMMANDS]
        metafunc.parametrize(
            "command",
            [
                pytest.param(
                    command,
                    id=f"{command.file}:{command.line} {command.text[:60]}",
                    marks=() if group else pytest.mark.project,
                )
                for command, group in zip(COMMANDS, groups, strict=True)
                if group is None or group in chosen
            ],
        )


def test_a_documented_command_does_what_is_said(command: Command, place: Place) -> None:
    matching = [how for pattern, how in HOW.items() if re.search(pattern, command.text)]
    assert matching, f"{command.file}:{command.line}: say in HOW how this command is run: {command.text}"
    before = place.clone.git("status", "--porcelain")
    matching[0](command, place)
    assert place.clone.git("status", "--porcelain") == before, "it left files that git does not ignore"


@pytest.mark.project
def test_commands_are_found_where_they_stand() -> None:
    """A reader that finds nothing would check nothing."""
    found = {file: [c.text for c in documented(ROOT, [file])] for file in FILES}
    assert all(found[f"examples/{name}/README.md"] for name in EXAMPLES)
    assert all(found[f"examples/{name}/config.json"] for name in EXAMPLES)
    assert "make e2e" in found["README.md"] and len(COMMANDS) > 60
    assert {"make dev", "make smoke"} <= {text.partition(" EXAMPLE")[0] for text in found["README.md"]}
