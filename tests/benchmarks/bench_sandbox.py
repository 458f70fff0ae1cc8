"""What isolation costs: ``python tests/benchmarks/bench_sandbox.py [--programs 60]``.

Programs per second in the sandbox with one and two workers, beside the same programs as bare
interpreters (``python -I``, and ``-S`` without the site module) and inside this process (``exec``; these
programs are harmless), and the time of a program against its number of tests, also in bare interpreters.
A table on stderr, one JSON line on stdout. Read the ratios: the absolute numbers are the machine's.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from proving_ground.events import emit, say
from proving_ground.rewards.code import make_code_reward
from proving_ground.sandbox import Job
from proving_ground.sandbox.local import LocalSandbox

# A launch and little else, and some work: what isolation costs depends on what is isolated.
PROGRAMS = {
    "short": "print(sum(range(1000)))",
    "work": "n = 0\nwhile n < 1_500_000: n += 1\nprint(n)",
}
TEST_COUNTS = (1, 4, 16)
ROUNDS = 3


def bare(program: str, times: int, *options: str) -> None:
    command = [sys.executable, "-I", *options, "-c", program]
    for _ in range(times):
        subprocess.run(command, check=True, capture_output=True)


def in_process(program: str, times: int) -> None:
    for _ in range(times):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(program, {})


def isolated(program: str, times: int, sandbox: LocalSandbox) -> None:
    results = sandbox.run_many([Job(program)] * times)
    if any(result.status != "finished" for result in results):
        raise SystemExit(f"a benchmark program failed: {results[0].reason}")


def rates(program: str, times: int) -> dict[str, float]:
    """Programs per second in each way, the median of rounds that take turns, so that noise hits all alike."""
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
            measured[name].append(times / (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in measured.items()}


def seconds_by_tests() -> dict[str, dict[int, float]]:
    """Seconds to score one right program, by kind and number of its tests."""
    reward = make_code_reward(LocalSandbox())
    completion = "```python\ndef f(x): return x\nif __name__ == '__main__': print(input())\n```"
    kinds = {
        "stdio": {"kind": "stdio", "stdin": "1\n", "stdout": "1\n"},
        "call": {"kind": "call", "function": "f", "args": [1], "expected": 1},
    }
    seconds: dict[str, dict[int, float]] = {kind: {} for kind in kinds}
    for kind, test in kinds.items():
        for count in TEST_COUNTS:
            measured = []
            for _ in range(ROUNDS):
                started = time.perf_counter()
                if reward([completion], [json.dumps([test] * count)]) != [1.0]:
                    raise SystemExit("a right program was not scored 1.0")
                measured.append(time.perf_counter() - started)
            seconds[kind][count] = statistics.median(measured)
    seconds["python -I"] = {}
    for count in TEST_COUNTS:
        started = time.perf_counter()
        bare("print(1)", count)
        seconds["python -I"][count] = time.perf_counter() - started
    return seconds


def main() -> None:
    """Measure, show, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--programs", type=int, default=60, help="runs of each program in each way")
    times = parser.parse_args().programs

    say(f"{'program':8}  {'way':22}  {'per second':>10}  {'cost':>6}")
    report: dict[str, dict[str, float]] = {}
    ratios: dict[str, dict[str, float]] = {}
    for name, program in PROGRAMS.items():
        report[name] = rates(program, times if name == "short" else max(1, times // 4))
        one, two = report[name]["sandbox, 1 worker"], report[name]["sandbox, 2 workers"]
        ratios[name] = {
            "isolation_cost": report[name]["python -I"] / one,
            "two_workers_speedup": two / one,
        }
        for way, rate in report[name].items():
            say(f"{name:8}  {way:22}  {rate:10.1f}  {report[name]['python -I'] / rate:5.2f}x")
    seconds = seconds_by_tests()
    for kind, by_count in seconds.items():
        say(
            f"{kind:8}  "
            + "  ".join(f"{count} tests: {1000 * value:.0f} ms" for count, value in by_count.items())
        )
    emit(
        "bench_sandbox",
        programs_per_second=report,
        ratios=ratios,
        seconds_by_tests=seconds,
        cores=len(os.sched_getaffinity(0)),
    )


if __name__ == "__main__":
    main()
