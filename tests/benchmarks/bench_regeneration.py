"""Regeneration throughput against a local server that answers after 50 ms, beside concurrency / latency.

The server runs in a process of its own and measures from the first request it gets to the last answer
it gives, so that the script's start is not counted. Aim: at least 90 % of concurrency / latency.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from proving_ground.dataset import write_jsonl
from proving_ground.events import say
from tests.benchmarks import table
from tests.support.api_server import Reply, completion, serve

SCRIPT = Path(__file__).parents[2] / "examples" / "math_example" / "fireworks_regenerate.py"
LATENCY_SECONDS = 0.05


def server(pipe: Connection) -> None:
    """Serve until told to stop; then send the seconds between the first request and the last answer."""
    times: list[float] = []

    def answer(request: dict[str, Any], number: int) -> Reply:
        times.append(time.perf_counter())
        return Reply(completion(r"\boxed{1}"), pause=LATENCY_SECONDS)

    with serve(answer) as running:
        pipe.send(running.url)
        pipe.recv()
        pipe.send(max(times) + LATENCY_SECONDS - min(times))


def throughput(rows: int, concurrency: int, folder: Path) -> float:
    """Requests per second of one run of the script."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=server, args=(there,))
    process.start()
    url = here.recv()
    places = ["--data.dir", str(folder), "--output-dir", str(folder / "out"), "--fireworks.base_url", url]
    command = [sys.executable, str(SCRIPT), *places, "--concurrency", str(concurrency), "--fresh"]
    env = {**os.environ, "FIREWORKS_API_KEY": "a-key"}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1])["asked"] == rows
    here.send("stop")
    seconds = float(here.recv())
    process.join()
    return rows / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long each run should take")
    options = parser.parse_args()
    say(f"{'concurrency':>11} {'requests/s':>11} {'ideal':>7} {'share':>6}")
    theirs, mine = [], []
    for concurrency in (1, 4, 8, 16):
        ideal = concurrency / LATENCY_SECONDS
        rows = int(ideal * options.seconds)
        with tempfile.TemporaryDirectory() as name:
            write_jsonl(Path(name) / "dataset.jsonl", (sample(index) for index in range(rows)))
            measured = throughput(rows, concurrency, Path(name))
        say(f"{concurrency:>11} {measured:>11.1f} {ideal:>7.0f} {measured / ideal:>6.0%}")
        theirs.append(1000 / ideal)
        mine.append(1000 / measured)
    table.row("step 3, requests at once", "concurrency / latency", theirs, mine, "ms a request")


def sample(index: int) -> dict[str, Any]:
    """A row of the shape that the math example's are."""
    messages = [{"role": "user", "content": f"{index} + 1?"}, {"role": "assistant", "content": r"\boxed{1}"}]
    return {"id": f"bench-{index}", "messages": messages, "ground_truth": "1", "metadata": {}}


if __name__ == "__main__":
    main()
