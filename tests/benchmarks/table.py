"""One table of all benchmarks: ``python -m tests.benchmarks.table [words] [--write]``, or ``make bench``.

A benchmark compares something of this project with a peer by ``row``: paired measurements, taken in turns in
one process, so that both see the same machine. The table holds the ratio ours / peer (less is better) and the
interval of its median. It goes to ``outputs/bench/``, where the report finds it, and is compared with the
committed ``docs/benchmarks.md``: *slower* means that the interval lies above the committed one as a whole.
"""

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from proving_ground.events import emit, say

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
VERSIONS = ("torch", "transformers", "trl", "math-verify")
HEAD = """# Benchmarks

A ratio is ours / peer of paired measurements, the median over the pairs with its 95 % interval (not the
quotient of the two columns before it, which are medians of their own); below 1 ours is faster.
Seconds are one machine's, and say little about another. `make bench` measures again and says what lies above
its interval here as a whole; with `ARGS="sandbox --write"` what it has measured takes its place here.

| what | peer | unit | peer's | ours | ratio | interval | measured |
| --- | --- | --- | ---: | ---: | ---: | --- | --- |
"""
LINE = re.compile(r"^\| ([^|]+) \| ([^|]+) \|.*\| [\d.]+ to ([\d.]+) \| [^|]+ \|$", re.MULTILINE)


def row(what: str, peer: str, theirs: Sequence[float], ours: Sequence[float], unit: str) -> None:
    """Emit one line of the table from paired costs: the same length, the same unit, less is better."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(1000))
    emit(
        "bench_row",
        what=what,
        peer=peer,
        unit=unit,
        theirs=statistics.median(theirs),
        ours=statistics.median(ours),
        ratio=statistics.median(ratios),
        low=medians[25],
        high=medians[-26],
        pairs=len(ratios),
    )
    say(f"{what}: {statistics.median(ratios):.3f} times {peer} ({medians[25]:.3f} to {medians[-26]:.3f})")


def markdown(rows: Sequence[dict[str, Any]], measured: str, committed: str = "") -> str:
    """The page: a line for each row, ``measured`` when and on what; lines of others stay as they are."""
    lines = {(found[1], found[2]): found[0] for found in LINE.finditer(committed)}
    lines |= {
        (each["what"], each["peer"]): f"| {each['what']} | {each['peer']} | {each['unit']}"
        f" | {each['theirs']:.4g} | {each['ours']:.4g} | {each['ratio']:.3f}"
        f" | {each['low']:.3f} to {each['high']:.3f} | {measured} |"
        for each in rows
    }
    return HEAD + "\n".join(lines.values()) + "\n"


def slower(rows: Sequence[dict[str, Any]], committed: str) -> list[str]:
    """What lies above its committed interval as a whole."""
    before = {(what, peer): float(high) for what, peer, high in LINE.findall(committed)}
    return [
        f"{each['what']}: {each['ratio']:.3f} times {each['peer']} ({each['low']:.3f} to {each['high']:.3f}),"
        f" was at most {before[key]:.3f}"
        for each in rows
        if (key := (each["what"], each["peer"])) in before and each["low"] > before[key]
    ]


def measured(script: Path) -> list[dict[str, Any]]:
    """The rows that a benchmark emits."""
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, check=True, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [event for event in events if event["event"] == "bench_row"]


def main() -> int:
    """Measure, write, compare; 1 where something got slower."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="only benchmarks whose file has one of these in its name")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}, too")
    options = parser.parse_args()
    scripts = sorted(Path(__file__).parent.glob("bench_*.py"))
    chosen = [
        each for each in scripts if not options.words or any(word in each.stem for word in options.words)
    ]
    if not chosen:
        parser.error("no benchmark has such a name")
    rows = [row for script in chosen for row in measured(script)]
    committed = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    packages = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {len(os.sched_getaffinity(0))} cores, Python"
    page = markdown(rows, f"{machine} {platform.python_version()}, {packages}", committed)
    worse = slower(rows, committed)
    folder = ROOT / "outputs" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps({"rows": rows, "slower": worse}), encoding="utf-8")
    if options.write:
        PAGE.write_text(page, encoding="utf-8")
    for line in worse:
        say(f"slower: {line}")
    sys.stdout.write(page)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
