"""The Makefile: it lists what it has, knows the examples, and hands nothing to a make inside it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the Makefile, with an environment that is ready and a nox that prints what it is told."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("one", "two"):
        (tmp_path / "examples" / name).mkdir(parents=True)
        (tmp_path / "examples" / name / "config.json").touch()
    nox = tmp_path / ".venv" / "bin" / "nox"
    nox.parent.mkdir(parents=True)
    nox.write_text('#!/bin/sh\necho "nox $*"; env\n')
    nox.chmod(0o755)
    (tmp_path / "constraints.txt").touch()
    (tmp_path / ".venv" / "ready").touch()
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-C", str(folder), *words]
    environment = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_it_lists_all_its_targets(folder: Path) -> None:
    targets = {
        name
        for line in re.findall(r"^([a-z][^:=\n]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for name in line.split()
    }
    assert {"e2e", "lint", "types", "bench", "sandbox"} <= targets
    shown = make(folder)
    assert shown.returncode == 0
    assert set(re.findall(r"^  ([\w-]+) +\S", shown.stdout, re.MULTILINE)) == targets
    assert "EXAMPLE: one two\n" in shown.stdout


@pytest.mark.parametrize("target", ["e2e", "prep", "tests", "docs", "smoke"])
def test_an_unknown_example_is_2_and_the_known_ones_are_listed(folder: Path, target: str) -> None:
    ended = make(folder, target, "EXAMPLE=nope")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "EXAMPLE=nope: there are one two" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["test"], "nox -s lint types tests\n"),
        (["e2e"], "nox --parallel auto -s e2e\n"),
        (["e2e", "EXAMPLE=one"], "nox -s e2e(one)\n"),
        (["docs", "EXAMPLE=project"], "nox -s docs(project)\n"),
        (["tests", "EXAMPLE=common", "ARGS=-k journal"], "nox -s tests(common) -- -k journal\n"),
    ],
)
def test_what_nox_is_told(folder: Path, words: list[str], said: str) -> None:
    ended = make(folder, *words)
    assert ended.returncode == 0 and ended.stdout.startswith(said)


def test_new_constraints_renew_the_environment(folder: Path) -> None:
    assert make(folder, "lint", "PYTHON=false").returncode == 0, "the environment is made already"
    later = (folder / ".venv" / "ready").stat().st_mtime + 1
    os.utime(folder / "constraints.txt", (later, later))
    ended = make(folder, "lint", "PYTHON=false")
    assert ended.returncode == 2 and "nox" not in ended.stdout


def test_a_smoke_run_that_failed_fails_whatever_the_table_says(folder: Path) -> None:
    for program, code in (("nox", 3), ("python", 0)):
        path = folder / ".venv" / "bin" / program
        path.write_text(f"#!/bin/sh\necho {program} $*\nexit {code}\n")
        path.chmod(0o755)
    ended = make(folder, "smoke")
    assert ended.returncode == 2 and "python -m tests.support.smoke_table" in ended.stdout


def test_a_make_inside_inherits_nothing(folder: Path) -> None:
    """The documented commands run `make` inside `make docs EXAMPLE=project`."""
    said = make(folder, "docs", "EXAMPLE=project", "ARGS=-k something").stdout
    assert "MAKELEVEL=1" in said
    environment = said.partition("\n")[2]
    assert "EXAMPLE" not in environment and "something" not in environment
