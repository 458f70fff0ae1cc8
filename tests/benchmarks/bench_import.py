r"""What one math reward costs in a fresh interpreter: import, and compare two integers.

    python tests/benchmarks/bench_import.py [--repeats 9]

Beside it an interpreter that does nothing and one that imports math-verify, all three taking turns.
PYTHONDONTWRITEBYTECODE is taken out of the children's environment and each is run once beforehand,
so the figures are with byte code cached; ``--no-bytecode`` measures without any, the standard
library's included.
stdout gets a row of the table of benchmarks, stderr all three.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from proving_ground.events import say
from tests.benchmarks import table

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "nothing": "pass",
    "math_reward": r"""
from proving_ground.rewards import math_reward
assert math_reward([r'\boxed{7}'], ['7']) == [1.0]
""",
    "math-verify": r"""
from math_verify import parse, verify
assert verify(parse('$7$'), parse(r'$\boxed{7}$'))
""",
}


def run(code: str, environment: dict[str, str]) -> float:
    """Wall seconds of ``python -c code``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=ROOT)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--no-bytecode", action="store_true", help="compile everything anew each time")
    arguments = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if arguments.no_bytecode:
        # No cache there to read either: what is installed with its byte code loses it too.
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": os.devnull}
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for repeat in range(arguments.repeats + 1):
        for name, code in PROGRAMS.items():
            seconds = run(code, environment)
            if repeat:
                times[name].append(seconds)
    medians = {name: round(statistics.median(values), 3) for name, values in times.items()}
    for name, seconds in medians.items():
        say(f"{name:12} {seconds:6.3f} s, {seconds / medians['nothing']:5.1f} times an empty interpreter")
    ways = {name: [1000 * each for each in times[name]] for name in ("math-verify", "math_reward")}
    table.row("import, and compare two integers", "math-verify", *ways.values(), unit="ms")


if __name__ == "__main__":
    main()
