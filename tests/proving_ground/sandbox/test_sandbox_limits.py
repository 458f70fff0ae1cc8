"""What the docstring of ``proving_ground.sandbox`` says a program cannot use up, limit by limit."""

import time

import pytest
from observing import SMALL, report

from proving_ground.sandbox import Limits
from proving_ground.sandbox.local import LocalSandbox


def test_wall_clock(sandbox: LocalSandbox) -> None:
    started = time.monotonic()
    result = sandbox.run("print('begun', flush=True)\nwhile True: pass", limits=Limits(timeout_seconds=0.5))
    assert (result.status, result.stdout) == ("timeout", "begun\n")
    assert 0.5 <= result.seconds <= time.monotonic() - started < 5


def test_memory_of_one_process(sandbox: LocalSandbox) -> None:
    assert sandbox.run("x = bytearray(300 << 20)").status == "memory"
    assert sandbox.run("x = b'1' * (100 << 20)").status == "finished"


def test_memory_of_all_processes_together(sandbox: LocalSandbox) -> None:
    many = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        x = b"1" * (100 << 20)
        time.sleep(9)
time.sleep(9)
"""
    result = sandbox.run(many)
    assert result.status == "memory"
    assert result.seconds < 4


def test_tmp_vanishes_and_has_a_size(sandbox: LocalSandbox) -> None:
    assert sandbox.run("open('/tmp/left', 'w').write('x')").status == "finished"
    assert report(sandbox, "os.listdir('/tmp')") == []
    fill = """
written = 0
try:
    for n in range(8):
        with open(f"/tmp/{n}", "wb", 0) as file:
            written += file.write(b"1" * (2 << 20))
except OSError as error: written = [written, error.errno]
"""
    assert report(sandbox, "written", fill) == [8 << 20, 28]  # ENOSPC
    too_long = "code = None\ntry: open('/tmp/x', 'wb', 0).seek(9 << 20); os.truncate('/tmp/x', 9 << 20)\n"
    assert report(sandbox, "code", too_long + "except OSError as error: code = error.errno") == 27  # EFBIG


def test_processes_and_threads(sandbox: LocalSandbox) -> None:
    setup = """
count = 0
try:
    while True: threading.Thread(target=time.sleep, args=(2,), daemon=True).start(); count += 1
except RuntimeError: pass
"""
    assert report(sandbox, "count", setup) == SMALL.processes - 1


def test_open_files_and_the_other_limits(sandbox: LocalSandbox) -> None:
    setup = """
files = []
try:
    while True: files.append(open("/dev/null"))
except OSError as error: code = error.errno
"""
    assert report(sandbox, "[len(files), code]", setup) == [SMALL.open_files - 3, 24]  # EMFILE
    limits = report(
        sandbox, "[resource.getrlimit(getattr(resource, 'RLIMIT_' + n)) for n in ('CPU', 'CORE', 'AS')]"
    )
    assert limits == [[6, 6], [0, 0], [256 << 20] * 2]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output(sandbox: LocalSandbox, stream: str) -> None:
    program = "import sys\nfor _ in range({}): sys.{}.write('x' * 1000)"
    fits = sandbox.run(program.format(100, stream))
    assert (fits.status, len(getattr(fits, stream))) == ("finished", 100_000)
    flood = sandbox.run(program.format(101, stream))
    assert (flood.status, len(getattr(flood, stream))) == ("output_limit", 100_000)
