"""The local backend as its callers see it: results, files, packages, order."""

import contextlib
import errno
import os
import random
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from observing import at_once

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import Limits, RunFailedError, local
from proving_ground.sandbox.launch import Launched, Pipe
from proving_ground.sandbox.local import LocalSandbox


def test_a_result_tells_all_there_is_to_tell(sandbox: LocalSandbox) -> None:
    result = sandbox.run("import sys; print(input()); sys.stderr.write('to stderr'); sys.exit(3)", "ünï\n")
    assert (result.status, result.exit_code) == ("error", 3)
    assert (result.stdout, result.stderr) == ("ünï\n", "to stderr")
    assert result.seconds > 0
    assert "3" in result.reason


def test_a_program_that_cannot_start_is_no_result(sandbox: LocalSandbox) -> None:
    with pytest.raises(InfrastructureError, match="did not start"):
        sandbox.run("print(1)", packages=[Path("/no/such/folder")])


def test_launches_that_fail_at_random_cost_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of all launches die before the program's first line, in one of the ways they can."""
    chances = {kind: random.Random(kind) for kind in ("launch", "waiting", "descriptors")}
    ready, run_in = Launched.ready, local.watch
    failed: list[str] = []

    def die_at_launch(launched: Launched) -> None:
        if chances["launch"].random() < 0.3:
            failed.append("launch")
            launched.kill()
            launched.close()
            raise RunFailedError("launch", "the sandbox did not start: planted")
        ready(launched)
        if chances["waiting"].random() < 0.3:
            failed.append("waiting")
            launched.kill()
            assert launched.first_fd is not None
            select.select([launched.first_fd], [], [])  # until it is dead

    def no_descriptors(*args: Any, **options: Any) -> Any:
        if chances["descriptors"].random() < 0.3:
            failed.append("descriptors")
            raise OSError(errno.EMFILE, "planted")
        return run_in(*args, **options)

    sandbox = LocalSandbox(workers=2)
    monkeypatch.setattr(Launched, "ready", die_at_launch)
    monkeypatch.setattr(local, "watch", no_descriptors)
    monkeypatch.setattr(local, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(local, "_LAUNCH_TRIES", 12)
    for number in range(10):
        inputs = [str(number), str(number + 1)]
        with contextlib.closing(sandbox.run_each("print(int(input()) * 2)", inputs)) as results:
            assert [result.stdout for result in results] == [f"{2 * number}\n", f"{2 * number + 2}\n"]
    assert set(failed) == set(chances)


def test_a_run_that_was_lost_is_run_again_once(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may take it when the machine is out of memory; a program may also end its own sandbox."""
    run_in = local.watch
    lost: list[int] = []

    def take_the_first(launched: Launched, *args: Any, **options: Any) -> Any:
        if not lost:
            threading.Timer(0.3, launched.kill).start()
        lost.append(1)
        return run_in(launched, *args, **options)

    monkeypatch.setattr(local, "watch", take_the_first)
    assert sandbox.run("import time; time.sleep(1); print(1)").stdout == "1\n"
    lost.clear()
    assert sandbox.run("import os; os.kill(os.getppid(), 9)").reason == "it ended the sandbox itself"
    assert len(lost) == 2


def test_a_launch_that_never_works_is_a_failed_run(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = LocalSandbox()

    def no_descriptors(*args: Any, **options: Any) -> Any:
        raise OSError(errno.EMFILE, "planted")

    monkeypatch.setattr(local, "_FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(subprocess, "Popen", no_descriptors)
    with pytest.raises(RunFailedError) as failed:
        sandbox.run("print(1)")
    assert failed.value.kind == "too_many_files"


def test_a_process_without_descriptors_left_fails_a_run_and_no_more(tmp_path: Path) -> None:
    """The real thing: every descriptor of a process is taken, then they are there again."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, resource\n"
        "from proving_ground.sandbox import RunFailedError, local\n"
        "local._FIRST_PAUSE_SECONDS = 0.001\n"
        "sandbox = local.LocalSandbox()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "taken = []\n"
        "try:\n"
        "    while True: taken.append(os.open('/dev/null', 0))\n"
        "except OSError: pass\n"
        "try: print(sandbox.run('print(1)').stdout)\n"
        "except RunFailedError as error: print(error.kind)\n"
        "for fd in taken: os.close(fd)\n"
        "print(sandbox.run('print(1)').stdout)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == "too_many_files\n1\n\n", done.stderr


def test_a_fork_of_the_caller_launches_its_own(sandbox: LocalSandbox) -> None:
    """Both at once; with one sandbox for the two of them they would run each other's programs."""
    sandbox.run("pass")
    while not sandbox._spares._ready:
        time.sleep(0.01)

    def right(number: int) -> bool:
        return sandbox.run(f"import time; time.sleep(0.3); print({number})").stdout == f"{number}\n"

    pid = os.fork()
    if pid == 0:
        os._exit(0 if right(1) and right(2) else 1)
    assert right(3) and right(4)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_sandbox_that_is_gone_leaves_no_spares() -> None:
    mine = LocalSandbox(workers=2)
    mine.run("print(1)")
    assert mine._spares._thread is not None
    thread, ready = mine._spares._thread, mine._spares._ready
    del mine
    assert not thread.is_alive() and not ready


def test_each_input_meets_an_untouched_sandbox(sandbox: LocalSandbox) -> None:
    """Files, processes, memory and time of one input are gone for the next; a trace costs a new launch."""
    program = """
import os, sys, time, tempfile
before = sorted(os.listdir("/tmp")), sorted(n for n in os.listdir("/proc") if n.isdigit() and n not in "123")
kind = input()
if kind == "file": open("/tmp/left", "w").write("x")
if kind == "folder": os.makedirs("/tmp/a/b")
if kind == "child" and os.fork() == 0: time.sleep(60)
if kind == "mode":
    try: os.chmod("/tmp", 0o700)
    except OSError: pass
if kind == "killer": os.kill(os.getppid(), 9)
if kind == "stopper": os.kill(os.getppid(), 19)
if kind == "time": time.sleep(1.2)
print(*before[0], len(before[1]) <= 1, os.stat("/tmp").st_mode & 0o777 if kind == "last" else "")
"""
    kinds = ["file", "folder", "child", "mode", "killer", "time", "time", "last"]
    limits = Limits(timeout_seconds=0.5)  # two seconds of wall clock: for each input, not for all
    with contextlib.closing(sandbox.run_each(program, kinds, limits=limits)) as results:
        seen = dict(zip(kinds, results, strict=True))
    assert seen.pop("killer").status == "error"
    assert seen.pop("last").stdout.split() == ["True", "511"]
    assert {(result.status, *result.stdout.split()) for result in seen.values()} == {("finished", "True")}


def test_a_program_that_stops_its_sandbox_runs_out_of_time(sandbox: LocalSandbox) -> None:
    program = "import os\nif input() == '1': os.kill(os.getppid(), 19)\nprint(1)"
    with contextlib.closing(sandbox.run_each(program, "123", limits=Limits(timeout_seconds=0.2))) as results:
        assert [result.status for result in results] == ["timeout", "finished", "finished"]


def test_one_input_cannot_change_the_next_through_the_first_process(sandbox: LocalSandbox) -> None:
    """It is the same user's, and forks the program for each input: its memory and descriptors are closed."""
    program = """
import os
opened = []
for name in ("mem", "environ", "fd/3", "maps"):
    try: os.close(os.open(f"/proc/{os.getppid()}/{name}", os.O_RDONLY)); opened.append(name)
    except OSError: pass
print(*opened)
"""
    with contextlib.closing(sandbox.run_each(program, ["", ""])) as results:
        assert [result.stdout for result in results] == ["\n", "\n"]


ENDINGS = {
    "a text": ("raise SystemExit('no')", 1, "", "no\n"),
    "an exception": ("print(1)\n1 / 0", 1, "1\n", None),
    "a number": ("import sys; sys.exit(300)", 300 & 0xFF, "", ""),
    "a thread goes on": (
        "import threading, time\ndef f(): time.sleep(0.1); print(2)\n"
        "threading.Thread(target=f).start(); print(1)",
        0, "1\n2\n", "",
    ),
    "a pool at exit": (
        "from concurrent.futures import ThreadPoolExecutor as P\npool = P()\npool.submit(print, 1)",
        0, "1\n", "",
    ),
    "a process pool": (
        "import multiprocessing as m\nif __name__ == '__main__':\n"
        "    p = m.Process(target=print, args=(1,)); p.start(); p.join()",
        0, "1\n", "",
    ),
    "an object that goes": ("class A:\n    def __del__(self): print('gone')\na = A()", 0, "gone\n", ""),
    "a closed stdout": ("import sys; sys.stdout.close()", 0, "", ""),
    "no stdout": ("import sys; sys.stdout = None", 0, "", ""),
    "asyncio": ("import asyncio\nasync def f(): return 1\nprint(asyncio.run(f()))", 0, "1\n", ""),
}  # fmt: skip


@pytest.mark.parametrize(("program", "code", "stdout", "stderr"), ENDINGS.values(), ids=ENDINGS)
def test_a_program_ends_as_it_would_elsewhere(
    sandbox: LocalSandbox, program: str, code: int, stdout: str, stderr: str | None
) -> None:
    result = sandbox.run(program)
    assert (result.exit_code, result.stdout) == (code, stdout), result.stderr
    assert stderr is None or result.stderr == stderr
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (elsewhere.returncode, elsewhere.stdout) == (code, stdout)


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


def test_two_threads_get_each_their_own_results(sandbox: LocalSandbox) -> None:
    programs = [f"import time; time.sleep({0.3 if n % 2 == 0 else 0}); print({n})" for n in range(6)]
    assert [result.stdout for result in at_once(sandbox, programs)] == [f"{n}\n" for n in range(6)]


def test_every_run_of_a_program_is_alike(sandbox: LocalSandbox) -> None:
    programs = ["print({str(n) for n in range(50)}, hash('x'))"] * 4
    assert len({result.stdout for result in at_once(sandbox, programs)}) == 1


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
    close = Pipe.close_write

    def copy_and_close(pipe: Pipe) -> None:
        copies.append(os.dup(pipe.write))
        close(pipe)

    monkeypatch.setattr(Pipe, "close_write", copy_and_close)
    outputs: list[str] = []
    runner = threading.Thread(target=lambda: outputs.append(sandbox.run("print(1)").stdout))
    runner.start()
    runner.join(timeout=20)
    on_time = list(outputs)
    for copy in copies:
        os.close(copy)  # so that the thread ends in any case
    runner.join()
    assert copies and on_time == ["1\n"]
