"""Step 0, step 3 and the training, killed (SIGKILL) at random moments and started again until they end.

    nox -s kills                      # 100 kills
    nox -s kills -- --kills 12 -s     # fewer; the line that begins with "kills:" says what they met

Each ends as a run that nobody killed: the same bytes, the same weights, each step trained once, and no
question asked again that an answer was kept for, by the log of the server that was asked.
"""

import json
import multiprocessing
import os
import random
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proving_ground.dataset import file_sha256, read_samples
from proving_ground.errors import CannotRunError
from proving_ground.preparation import FILES
from tests.conftest import ROOT
from tests.proving_ground.training.conftest import EMBEDDED, GRPO
from tests.proving_ground.training.tiny_example import write_example
from tests.support.api_server import Reply, completion, serve

MATH = ROOT / "examples" / "math_example"
CONCURRENCY = 3
ROWS = 40
STEPS = 8

# Each run is a process of its own, forked from one that has the slow imports behind it: what is killed is
# the work, and a hundred kills take minutes.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["torch", "trl.trainer.grpo_trainer", "datasets", "requests", __name__])


def run_script(script: Path, words: list[str], log: Path, environ: dict[str, str]) -> None:
    """In the child: what ``python script words`` does."""
    os.environ.update(environ)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.argv = [str(script), *words]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")


class Lives:
    """Runs of one script, killed at random moments until there have been enough kills."""

    def __init__(self, kills: int, script: Path, log: Path) -> None:
        self.left, self.script, self.log = kills, script, log
        self.kills = self.ended = self.started = 0
        self.random = random.Random(f"{script.name} {kills}")
        first = FORKS.Process(target=int)  # waits for the slow imports
        first.start()
        first.join()

    def start(self, *words: str) -> Any:
        self.started += 1
        # Its key tells the server which start it is that asks.
        environ = {**os.environ, "FIREWORKS_API_KEY": key(self.started)}
        process = FORKS.Process(target=run_script, args=(self.script, [*words], self.log, environ))
        process.start()
        return process

    def whole(self, *words: str) -> float:
        """Run to the end; how many seconds it took decides where the kills fall, and nothing else."""
        started = time.monotonic()
        process = self.start(*words)
        process.join()
        assert process.exitcode == 0, self.log.read_text()[-3000:]
        return time.monotonic() - started

    def live(self, longest: float, words: list[str]) -> Iterator[None]:
        """One life: started again after each kill, at which it yields, until it ends well."""
        while True:
            process = self.start(*words)
            process.join(self.random.uniform(0, longest) if self.left else None)
            if process.is_alive():
                process.kill()
            process.join()
            if process.exitcode == 0:
                self.ended += 1
                return
            assert process.exitcode == -9, self.log.read_text()[-3000:]
            self.left -= 1
            self.kills += 1
            yield

    def report(self, what: str) -> None:
        sys.stdout.write(f"\nkills: {self.kills} of {self.script.name}, {self.ended} ended well: {what}\n")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def share(request: pytest.FixtureRequest) -> Callable[[float], int]:
    """This part's share of ``--kills``."""
    total: int = request.config.getoption("--kills")
    return lambda part: max(1, round(part * total))


def test_prepare(share: Callable[[float], int], tmp_path: Path) -> None:
    lives = Lives(share(0.35), MATH / "prepare_data.py", tmp_path / "log")

    def words(folder: str, seed: int) -> list[str]:
        return ["--output-dir", str(tmp_path / folder), "--seed", str(seed), "--data.warm_start", "300"]

    longest = lives.whole(*words("first", 1))
    lives.whole(*words("second", 2))
    first, second = files_of(tmp_path / "first"), files_of(tmp_path / "second")
    folder = tmp_path / "killed"
    met = {"old": 0, "new": 0, "refused": 0}
    before, after = first, second

    lives.whole(*words("killed", 1))
    while lives.left:
        # In turns the first over the second and the second over the first.
        for _ in lives.live(longest, words("killed", 2 if after is second else 1)):
            found = {name: content for name, content in files_of(folder).items() if name in first}
            if found in (before, after):
                met["old" if found == before else "new"] += 1
                continue
            with pytest.raises(CannotRunError):
                for name in FILES:
                    read_samples(folder / name)
            met["refused"] += 1
        assert files_of(folder) == after  # and no partial file beside them
        before, after = after, before
    lives.report(f"data after a kill {met}, the same bytes in the end")


def test_regenerate(share: Callable[[float], int], tmp_path: Path) -> None:
    lives = Lives(share(0.35), MATH / "fireworks_regenerate.py", tmp_path / "log")
    Lives(0, MATH / "prepare_data.py", tmp_path / "log").whole("--output-dir", str(tmp_path / "data"))
    asked_again = 0

    def answer(request: dict[str, Any], number: int) -> Reply:
        return Reply(completion(rf"\boxed{{{len(question(request))}}}"), pause=0.15)

    with serve(answer) as server:

        def words(folder: Path) -> list[str]:
            return [
                *("--data.dir", str(tmp_path / "data"), "--output-dir", str(folder), "--limit", str(ROWS)),
                *("--fireworks.base_url", server.url, "--concurrency", str(CONCURRENCY)),
            ]

        longest = lives.whole(*words(tmp_path / "whole"))
        expected = (tmp_path / "whole" / "results.jsonl").read_bytes()
        prompts = {
            sample["id"]: sample["messages"][0]["content"]
            for sample in read_samples(tmp_path / "data" / "dataset.jsonl", ROWS)
        }
        while lives.left:
            folder = tmp_path / f"killed-{lives.ended}"
            server.requests.clear()
            known: set[str] = set()
            for _ in lives.live(longest, words(folder)):
                asked = [question(each) for each in server.requests if asked_by(each, lives.started)]
                kept, before = kept_answers(folder), known
                known = {prompts[name] for name in kept}
                assert not before & set(asked), "an answer that was kept is asked for"
                # At most CONCURRENCY questions are under way: every other answer is in the journal.
                assert len(asked) - len(known - before) <= CONCURRENCY
            last = {question(each) for each in server.requests if asked_by(each, lives.started)}
            assert not known & last, "an answer that was kept is asked for"
            assert (folder / "results.jsonl").read_bytes() == expected
            asked_again += len(server.requests) - ROWS
    lives.report(f"no kept answer asked for again, {asked_again} that were under way; the same bytes")


def key(start: int) -> str:
    return f"fw-{start}"


def asked_by(request: dict[str, Any], start: int) -> bool:
    return str(request["headers"]["Authorization"]) == f"Bearer {key(start)}"


def question(request: dict[str, Any]) -> str:
    return str(request["body"]["messages"][-1]["content"])


def kept_answers(folder: Path) -> set[str]:
    """The rows whose answers the journal holds; its last line may be half one."""
    journal = folder / "answers.jsonl"
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    return {json.loads(line)["id"] for line in lines}


def test_train_and_resume(share: Callable[[float], int], tmp_path: Path) -> None:
    grpo = {**GRPO, "max_steps": STEPS, "save_strategy": "steps", "save_steps": 2}
    training = {"prove": False, "reuse_warm_start": True}
    script = write_example(tmp_path, {"model": {"embedded": EMBEDDED}, "training": training, "grpo": grpo})
    lives = Lives(share(0.3), script, tmp_path / "log")
    lives.whole("--output-dir", str(tmp_path / "warm"))  # makes the policy that all others start from
    longest = lives.whole("--output-dir", str(tmp_path / "whole"))
    expected = weights(tmp_path / "whole")
    assert expected == weights(tmp_path / "warm")
    resumed = 0
    while lives.left:
        folder = tmp_path / f"killed-{lives.ended}"

        for _ in lives.live(longest, ["--output-dir", str(folder), "--resume"]):
            resumed += any(folder.glob("checkpoint-*/files.json"))
        assert weights(folder) == expected
        steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
        assert steps == [*range(1, STEPS + 1)]
        assert not [*folder.rglob("*.partial")]
    lives.report(f"{resumed} with a checkpoint to go on from; the same weights, each step once")


def weights(folder: Path) -> str:
    return file_sha256(folder / "policy" / "model.safetensors")
