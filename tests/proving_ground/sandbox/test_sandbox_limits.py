"""What the docstring of ``proving_ground.sandbox`` says a program cannot use up, limit by limit."""

import time
from contextlib import closing
from dataclasses import replace

import pytest
from observing import SMALL, report

from proving_ground.sandbox import Limits, watch
from proving_ground.sandbox.local import LocalSandbox


def test_wall_clock(sandbox: LocalSandbox) -> None:
    started = time.monotonic()
    result = sandbox.run("print('begun', flush=True)\nwhile True: pass", limits=Limits(timeout_seconds=0.5))
    assert (result.status, result.stdout) == ("timeout", "begun\n")
    assert 0.5 <= result.seconds <= time.monotonic() - started


def test_memory_of_one_process(sandbox: LocalSandbox) -> None:
    """Refused as it is asked for: the next sample may come too late."""
    result = sandbox.run("x = bytearray(300 << 20)")
    assert (result.status, result.reason) == ("memory", "asked for more than 256 MiB")
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


def test_memory_that_processes_share_is_counted_once_and_is_counted(sandbox: LocalSandbox) -> None:
    shared = """
import mmap, os, time
block = mmap.mmap(-1, {size} << 20)
block.write(b"1" * ({size} << 20))
for _ in range(3):
    if os.fork() == 0:
        touched = sum(block[::4096])
        {own}
        time.sleep({seconds})
        os._exit(0)
time.sleep({seconds})
"""
    roomy = replace(SMALL, memory_mb=512, wall_factor=10)
    # Each process stays below the limit of address space; together they hold 600 MB that statm calls shared.
    own = "mine = mmap.mmap(-1, 150 << 20); mine.write(b'1' * (150 << 20))"
    assert sandbox.run(shared.format(size=150, own=own, seconds=30), limits=roomy).status == "memory"
    assert sandbox.run(shared.format(size=200, own="", seconds=0.5), limits=roomy).status == "finished"


def test_each_input_has_the_cpu_time_for_itself(sandbox: LocalSandbox) -> None:
    busy = "import time\nwhile time.process_time() < 0.4: pass\nprint(input())"
    with closing(sandbox.run_each(busy, "1234", limits=replace(SMALL, timeout_seconds=0.8))) as results:
        assert [(result.status, result.stdout) for result in results] == [
            ("finished", f"{n}\n") for n in "1234"
        ]


def test_cpu_time_of_all_processes_together(sandbox: LocalSandbox) -> None:
    """Children, each for less than the limit, and reaped or not: what counts is the sum."""
    program = """
import os, sys, time
def burn(seconds):
    while time.process_time() < seconds: pass
for _ in range(8):
    if os.fork() == 0:
        burn(0.3)
        os._exit(0)
    if {wait}: os.wait()
time.sleep(30)
"""
    limits = replace(SMALL, timeout_seconds=1.0, processes=16, wall_factor=60)
    for wait in (True, False):
        result = sandbox.run(program.format(wait=wait), limits=limits)
        assert (result.status, result.reason) == ("timeout", "used more than 1 s of CPU time")


def test_what_only_waits_has_more_time_than_what_computes(sandbox: LocalSandbox) -> None:
    limits = replace(SMALL, timeout_seconds=0.4)
    assert sandbox.run("import time; time.sleep(0.8)", limits=limits).status == "finished"
    result = sandbox.run("import time; time.sleep(9)", limits=limits)
    assert (result.status, result.reason) == ("timeout", "took longer than 1.6 s")


def test_time_without_a_core_stays_uncounted_when_the_program_has_just_ended(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine it is gone from /proc before its end is heard of, and what it waited for with it."""
    queued = iter([60.0])
    monkeypatch.setattr(watch, "_used_by", lambda first: watch._Used(0, 0.0, next(queued, 0.0)))
    limits = replace(SMALL, timeout_seconds=0.5, wall_factor=1)
    assert sandbox.run("import time; time.sleep(0.9)", limits=limits).status == "finished"


def test_a_short_burst_over_the_limit_is_over_it(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two samples: the CPU time of the end counts, too."""
    monkeypatch.setattr(watch, "_SAMPLE_SECONDS", 30.0)
    burst = "import time\nwhile time.process_time() < 0.1: pass"
    in_child = f"import os\nif os.fork() == 0:\n exec({burst!r}); os._exit(0)\nos.wait()"
    for program in (burst, in_child):
        assert sandbox.run(program, limits=replace(SMALL, timeout_seconds=0.05)).status == "timeout"
    assert sandbox.run("pass", limits=replace(SMALL, timeout_seconds=1)).status == "finished"


def test_the_program_goes_first_when_memory_runs_out_and_cannot_change_that(sandbox: LocalSandbox) -> None:
    assert report(sandbox, "open('/proc/self/oom_score_adj').read()") == "1000\n"
    for process in ("self", "1"):
        assert sandbox.run(f"open('/proc/{process}/oom_score_adj', 'w').write('0')").status == "error"
    many = """
def write(value):
    try: open("/proc/self/oom_score_adj", "w").write(value); return True
    except OSError: return False
wrote = [write(value) for value in ("-1000", "0", "999")]
"""
    assert report(sandbox, "wrote", many) == [False] * 3


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
    smaller = replace(SMALL, tmp_mb=4)
    assert report(sandbox, "written", fill, smaller) == [4 << 20, 28], "what waits has another size"
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
    setup = """
count = 0
try:
    while count < 40:
        if os.fork() == 0: time.sleep(60)
        count += 1
except BlockingIOError: pass
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
