"""`rescore` of many completions by each engine: completions per second, memory, and whether the bytes agree.

    python tests/benchmarks/bench_rescore.py [COMPLETIONS]    (100,000)

Ray is left out where it is not installed. Seconds include the start of the processes, which is most of Ray's.
"""

import importlib.util
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet

from proving_ground.dataset import read_samples

ROOT = Path(__file__).parents[2]
ENGINES = {"1 process": ["--workers", "1"], "2 processes": ["--workers", "2"], "Ray": ["--engine", "ray"]}
FILE = 10_000
"""Completions of one file: what a step of a large training keeps."""


def write_rollouts(folder: Path, data: Path, count: int) -> None:
    rows, chance = read_samples(data), random.Random(0)
    for start in range(0, count, FILE):
        chosen = [chance.choice(rows) for _ in range(start, min(start + FILE, count))]
        answers = [
            row["ground_truth"] if chance.random() < 0.5 else f"{chance.random():.4f}" for row in chosen
        ]
        kept = {
            "step": [start // FILE + 1] * len(chosen),
            "id": [row["id"] for row in chosen],
            "completion": [
                [
                    {
                        "role": "assistant",
                        "content": f"{row['messages'][-1]['content'][:80]} \\boxed{{{answer}}}",
                    }
                ]
                for row, answer in zip(chosen, answers, strict=True)
            ],
            "math_reward": [0.0] * len(chosen),
        }
        file = folder / "completions" / f"completions_{start // FILE + 1:05d}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pyarrow.table(kept), file)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        script = str(ROOT / "examples" / "math_example" / "prepare_data.py")
        subprocess.run([sys.executable, script, "--output-dir", place], check=True, capture_output=True)
        data = folder / "dataset.jsonl"
        write_rollouts(folder, data, count)
        first = b""
        for name, options in ENGINES.items():
            if name == "Ray" and not importlib.util.find_spec("ray"):
                continue
            output = folder / f"{name}.parquet"
            words = ["rescore", place, "math_example", "--data", str(data), "--output", str(output), *options]
            started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-m", "proving_ground", *words], check=True, capture_output=True, cwd=ROOT
            )
            seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            first = first or output.read_bytes()
            sys.stderr.write(
                f"{name}: {count / seconds:,.0f} completions/s, {seconds:.0f} s, {cpu:.0f} s of CPU in its"
                f" processes (not Ray's), largest so far {after.ru_maxrss // 1024} MB,"
                f" same bytes: {output.read_bytes() == first}\n"
            )
            sys.stderr.flush()


if __name__ == "__main__":
    main()
