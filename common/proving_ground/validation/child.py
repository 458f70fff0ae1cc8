"""The other process of ``checks.Other``: it loads the reward afresh and scores what it is given."""

import pickle
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DENIED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind")
LARGEST, SHORTEST, LONG, PATIENCE, SPIN, CPU_SECONDS = 1_048_576, 0.05, 0.3, 3.0, 0.03, 180
"""Longest text in characters. Seconds of one call: that count as nothing; after which other processes' share
of the core counts; after which a pattern is not grown further. CPU seconds of the loop that tells that share,
and of this whole process, which ends there."""

PATTERNS = {
    "words": "word ",
    "letters": "a",
    "blanks": " ",
    "newlines": "\n",
    "digits": "7",
    "boxes": "\\boxed{1} ",
    "open boxes": "\\boxed{",
    "open braces": "{",
    "open brackets": "[",
    "open parentheses": "(",
    "answer tags": "<answer>1</answer>",
    "open answer tags": "<answer>",
    "open reasoning": "<think>",
    "open calls": "<tool_call>",
    "fences": "```python\n",
    "hashes": "#### ",
    "answers": "The answer is 1. ",
    "products": "(1+1)*",
}


def deny_network() -> None:
    """Every way out of this process raises from now on; sockets of the local file system are left alone."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in DENIED and not (len(arguments) > 1 and isinstance(arguments[1], str | bytes)):
            raise OSError("the network is denied: a reward must score without it")

    sys.addaudithook(audit)


def _seconds(e: Any, index: int, text: str) -> float:
    """Seconds of one call as on a core of its own: CPU time if that explains a long one, or beside a loop."""
    began, cpu = time.perf_counter(), time.process_time()
    e.score([(index, text)])
    taken, own = time.perf_counter() - began, time.process_time() - cpu
    if taken > LONG:
        began, cpu = time.perf_counter(), time.thread_time()
        while time.thread_time() - cpu < SPIN:
            pass
        taken *= min(1.0, SPIN / (time.perf_counter() - began))
    return own if own > taken / 2 else taken


def steep(times: Sequence[tuple[int, float]], growth: float) -> bool:
    """Whether four times the text took more than ``growth`` times as long."""
    return len(times) > 1 and times[-1][1] > growth * max(times[-2][1], SHORTEST)


def _keep(folder: Path, name: str, value: Any) -> None:
    (folder / "partial").write_bytes(pickle.dumps(value))
    (folder / "partial").replace(folder / name)


def main(folder: Path) -> None:
    """Read ``request``, write ``scores`` and then ``cost``, and on the way ``cost so far``."""
    request = pickle.loads((folder / "request").read_bytes())
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    if request["bare"]:
        deny_network()
    from proving_ground.validation.checks import Scorer
    from proving_ground.validation.inputs import Subject, load_reward

    reward = load_reward(request["spec"], texts=request["texts"])
    e = Scorer(Subject(name="", reward=reward, rows=request["rows"], references=[], wrong=[]))
    _keep(folder, "scores", e.score(request["pairs"]))
    if not request["growth"]:
        return
    index, right = request["pairs"][-1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, Any] = {"patterns": {}, "reference": round(_seconds(e, index, right), 4)}
    for name, piece in PATTERNS.items():
        times: list[tuple[int, float]] = found["patterns"].setdefault(name, [])
        size = 4096
        while size <= LARGEST and not (
            times and (times[-1][1] > PATIENCE or steep(times, request["growth"]))
        ):
            _keep(folder, "cost so far", {**found, "at": f"{name}, {size:,} characters"})
            # Something else at the end: what looks for an end must go back from there.
            text = f"{(piece * (size // len(piece) + 1))[: size - 1]}!"
            seconds = _seconds(e, index, text)
            if seconds < PATIENCE and steep([*times, (size, seconds)], request["growth"]):
                seconds = min(seconds, _seconds(e, index, text))  # another program may have had the core
            times.append((size, seconds))
            size *= 4
        found["memory_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    _keep(folder, "cost", found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
