"""Step 0 at the size of the real dataset: 220,000 generated OpenR1-shaped rows through the whole chain.

Each measurement is a process of its own, so that its peak memory is its own. The yardstick is the loop
that suggests itself: every row's box against its answer with math-verify, and the same pattern filters
after it; it runs on a sample, since all rows would take too long, and its time is scaled up.

    python tests/benchmarks/bench_preparation.py 220000     # 22,000 without a number
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks import table

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "math_example_openr1"
SAMPLE = 1500


def write_rows(path: Path, count: int) -> None:
    """Rows that differ as real ones do: no two problems alike but the intended duplicates."""
    from examples.math_example_openr1.builtin_rows import builtin_rows

    with path.open("w", encoding="utf-8") as stream:
        for number, row in enumerate(islice(builtin_rows(1), count)):
            if row["problem"] and number % 20:
                row["problem"] += f" Case {number} of a long list, seen by reader {number * 7919 % 9973}."
            stream.write(json.dumps(row) + "\n")


def whole_chain(path: Path) -> dict[str, Any]:
    """Prepare from ``path``: seconds, and peak memory (MB) of this process."""
    import resource

    from examples.math_example_openr1.task import PREPARATION
    from proving_ground.config import DataConfig
    from proving_ground.preparation import prepare

    data = DataConfig(source=str(path), limit=1000, held_out=1000)
    start = time.perf_counter()
    result = prepare("openr1", PREPARATION, data)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kept = result.manifest["files"]["dataset.jsonl"]["sha256"][:12]
    rows = result.manifest["rows_read"]
    return {"rows": rows, "seconds": seconds, "peak_mb": peak, "dataset": kept}


def plain_loop(path: Path) -> dict[str, Any]:
    """math-verify on every row, then the same pattern filters; how many decisions differ from the chain's."""
    from math_verify import parse, verify

    from examples.math_example_openr1.task import PREPARATION
    from proving_ground.preparation.filtering import RowFilter

    with path.open(encoding="utf-8") as stream:
        rows = [json.loads(line) for line in islice(stream, SAMPLE)]
    patterns = [
        each.keep for each in PREPARATION.filters if each.name not in ("unparseable_answer", "box_disagrees")
    ]
    start = time.perf_counter()
    verdicts = []
    for row in rows:
        gold = parse(f"\\boxed{{{row['answer']}}}")
        right = bool(gold) and verify(gold, parse(row["solution"]))
        verdicts.append(right and all(keep(row) for keep in patterns))
    seconds = time.perf_counter() - start
    chain = RowFilter(PREPARATION, 0)
    different = [
        row["answer"]
        for row, kept in zip(rows, verdicts, strict=True)
        if kept == bool(chain.reason_to_drop(row))
    ]
    return {"rows": len(rows), "seconds": seconds, "different": len(different), "examples": different[:5]}


WORK: dict[str, Callable[[Path], dict[str, Any]]] = {"chain": whole_chain, "loop": plain_loop}


def measured(work: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--work", work, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main(count: int) -> None:
    out = sys.stderr.write
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.jsonl", Path(folder) / "large.jsonl"
        write_rows(small, count // 10)
        write_rows(large, count)
        out(f"{'what':<34}{'rows':>9}{'rows/s':>9}{'peak MB':>9}\n")
        for path in (small, large):
            done = measured("chain", path)
            rate = done["rows"] / done["seconds"]
            out(f"{'chain':<34}{done['rows']:>9,}{rate:>9,.0f}{done['peak_mb']:>9.0f}")
            out(f"   dataset.jsonl {done['dataset']}\n")
        pairs = [(measured("loop", large), measured("chain", small)) for _ in range(3)]
        loop = pairs[-1][0]
        plain = loop["rows"] / loop["seconds"]
        out(f"{'math-verify on every row, sample':<34}{loop['rows']:>9,}{plain:>9,.0f}\n")
        out(f"chain / loop: {rate / plain:.1f} times the rows per second;")
        out(f" {loop['different']} of {loop['rows']} decisions differ {loop['examples'] or ''}\n")
        out(f"the loop on {count:,} rows, scaled up: ")
        out(f"{count / plain:,.0f} s\n")
        ways = zip(*([1000 * each["seconds"] / each["rows"] for each in pair] for pair in pairs), strict=True)
        table.row("step 0, OpenR1 rows", "a loop with math-verify", *map(list, ways), unit="ms a row")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        sys.stdout.write(json.dumps(WORK[sys.argv[2]](Path(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 22_000)
