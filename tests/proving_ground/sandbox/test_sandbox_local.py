"""The local backend as its callers see it: results, files, packages, order."""

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import Job
from proving_ground.sandbox.local import LocalSandbox


def test_a_result_tells_all_there_is_to_tell(sandbox: LocalSandbox) -> None:
    result = sandbox.run("import sys; print(input()); sys.stderr.write('to stderr'); sys.exit(3)", "ünï\n")
    assert (result.status, result.exit_code) == ("error", 3)
    assert (result.stdout, result.stderr) == ("ünï\n", "to stderr")
    assert 0 < result.seconds < 5
    assert "3" in result.reason


def test_a_program_that_cannot_start_is_no_result(sandbox: LocalSandbox) -> None:
    with pytest.raises(InfrastructureError, match="did not start"):
        sandbox.run("print(1)", packages=[Path("/no/such/folder")])


def test_files_and_packages(sandbox: LocalSandbox, tmp_path: Path) -> None:
    (tmp_path / "installed.py").write_text("NAME = 'package'")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    result = sandbox.run(
        "import helper, installed, sub.deep\n"
        "print(helper.NAME, installed.NAME, sub.deep.NAME)\n"
        "open('/packages/0/x', 'w')",
        files={"helper.py": "NAME = 'helper'", "sub/deep.py": "NAME = 'deep'"},
        packages=[tmp_path],
    )
    assert result.stdout == "helper package deep\n"
    assert "Read-only file system" in result.stderr


@pytest.mark.parametrize("name", ["../x.py", "/x.py", "", "a/../../x", "main.py", "x\0"])
def test_files_stay_beside_the_program(sandbox: LocalSandbox, name: str) -> None:
    with pytest.raises(ValueError, match="beside the program"):
        sandbox.run("pass", files={name: ""})


def test_run_many_keeps_the_order_and_runs_two_at_a_time(sandbox: LocalSandbox) -> None:
    jobs = [Job(f"import time; time.sleep({0.3 if n % 2 == 0 else 0}); print({n})") for n in range(6)]
    assert [result.stdout for result in sandbox.run_many(jobs)] == [f"{n}\n" for n in range(6)]


def test_every_run_of_a_program_is_alike(sandbox: LocalSandbox) -> None:
    jobs = [Job("print({str(n) for n in range(50)}, hash('x'))")] * 4
    assert len({result.stdout for result in sandbox.run_many(jobs)}) == 1


def test_the_devices_that_programs_use(sandbox: LocalSandbox) -> None:
    program = """
import os
print(open("/dev/stdin").read(), flush=True)
open("/dev/stdout", "w").write(str(len(os.urandom(4))))
open("/dev/null", "w").write("x")
open("/dev/stderr", "w").write("e")
"""
    result = sandbox.run(program, "in")
    assert (result.status, result.stdout, result.stderr) == ("finished", "in\n4", "e")


def test_threads_of_the_caller_do_not_mix_results(sandbox: LocalSandbox) -> None:
    results: dict[int, str] = {}

    def run(number: int) -> None:
        results[number] = sandbox.run("print(input())", str(number)).stdout

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: f"{number}\n" for number in range(8)}


def test_a_copy_of_the_pipes_elsewhere_does_not_hold_up_a_run(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data loader that forks during a launch keeps the pipes open long after the program's end."""
    copies: list[int] = []
    launch = subprocess.Popen

    def copy_and_launch(*args: Any, **options: Any) -> Any:
        copies.append(os.dup(options["stdout"]))
        return launch(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", copy_and_launch)
    outputs: list[str] = []
    runner = threading.Thread(target=lambda: outputs.append(sandbox.run("print(1)").stdout))
    runner.start()
    runner.join(timeout=20)
    on_time = list(outputs)
    for copy in copies:
        os.close(copy)  # so that the thread ends in any case
    runner.join()
    assert copies and on_time == ["1\n"]
