"""What isolation costs: ``python tests/benchmarks/bench_sandbox.py [--programs 60]``.

A program's cost in the sandbox with one and two workers, beside the same programs as bare
interpreters (``python -I``, and ``-S`` without the site module) and inside this process (``exec``; these
programs are harmless), and the time of a program against its number of tests, also in bare interpreters.
Everything on stderr, rows of the table of benchmarks on stdout. Read the ratios.
"""

import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from proving_ground.events import say
from proving_ground.rewards.code import code_reward
from proving_ground.sandbox.local import LocalSandbox
from tests.benchmarks import table

# A launch and little else, and some work: what isolation costs depends on what is isolated.
PROGRAMS = {
    "short": "print(sum(range(1000)))",
    "work": "n = 0\nwhile n < 1_500_000: n += 1\nprint(n)",
}
TEST_COUNTS = (1, 16)
ROUNDS = 7


def bare(program: str, times: int, *options: str) -> None:
    command = [sys.executable, "-I", *options, "-c", program]
    for _ in range(times):
        subprocess.run(command, check=True, capture_output=True)


def in_process(program: str, times: int) -> None:
    for _ in range(times):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(program, {})


def isolated(program: str, times: int, sandbox: LocalSandbox) -> None:
    with ThreadPoolExecutor(max_workers=sandbox.workers) as pool:
        results = list(pool.map(sandbox.run, [program] * times))
    if any(result.status != "finished" for result in results):
        raise SystemExit(f"a benchmark program failed: {results[0].reason}")


def costs(program: str, times: int) -> dict[str, list[float]]:
    """Milliseconds for a program in each way, in rounds that take turns, so that noise hits all alike."""
    one, two = LocalSandbox(workers=1), LocalSandbox(workers=2)
    isolated(program, 2, one)
    isolated(program, 2, two)  # from now on spares are kept, as in a training
    ways: dict[str, Callable[[], None]] = {
        "exec in this process": lambda: in_process(program, times),
        "python -I -S": lambda: bare(program, times, "-S"),
        "python -I": lambda: bare(program, times),
        "sandbox, 1 worker": lambda: isolated(program, times, one),
        "sandbox, 2 workers": lambda: isolated(program, times, two),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            measured[name].append(1000 * (time.perf_counter() - started) / times)
    return measured


def costs_by_tests(count: int) -> dict[str, list[float]]:
    """Milliseconds to score one right program with so many tests, by their kind, and of bare interpreters."""
    reward = partial(code_reward, sandbox=LocalSandbox())
    completion = "```python\ndef f(x): return x\nif __name__ == '__main__': print(input())\n```"
    kinds = {
        "stdio": {"kind": "stdio", "stdin": "1\n", "stdout": "1\n"},
        "call": {"kind": "call", "function": "f", "args": [1], "expected": 1},
    }
    measured: dict[str, list[float]] = {name: [] for name in (*kinds, "python -I")}
    for _ in range(ROUNDS):
        for kind, test in kinds.items():
            started = time.perf_counter()
            if reward([completion], [json.dumps([test] * count)]) != [1.0]:
                raise SystemExit("a right program was not scored 1.0")
            measured[kind].append(1000 * (time.perf_counter() - started))
        started = time.perf_counter()
        bare("print(1)", count)
        measured["python -I"].append(1000 * (time.perf_counter() - started))
    return measured


def main() -> None:
    """Measure, show, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--programs", type=int, default=20, help="runs of each program in each way")
    times = parser.parse_args().programs
    for name, program in PROGRAMS.items():
        ways = costs(program, times if name == "short" else max(1, times // 4))
        for way, values in ways.items():
            say(f"{name:8}  {way:22}  {statistics.median(values):8.1f} ms")
        bare_ones = ways["python -I"]
        table.row(
            f"sandbox, {name} program", "python -I", bare_ones, ways["sandbox, 1 worker"], "ms a program"
        )
        one, two = ways["sandbox, 1 worker"], ways["sandbox, 2 workers"]
        table.row(f"sandbox, {name} program, two workers", "one worker", one, two, "ms a program")
    for count in TEST_COUNTS:
        ways = costs_by_tests(count)
        for kind in ("stdio", "call"):
            what = f"{count} {kind} tests of one program"
            table.row(what, f"{count} times python -I", ways["python -I"], ways[kind], "ms")


if __name__ == "__main__":
    main()
