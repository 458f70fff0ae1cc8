"""The other process of ``checks.start``: it loads the reward afresh and scores what it is given."""

import pickle
import resource
import sys
import time
from pathlib import Path
from typing import Any

DENIED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind")
LARGEST, PATIENCE, AGAIN = 1_048_576, 3.0, 0.3
"""Longest text in characters, and seconds of one call after which a pattern is not grown further, and after
which a call is timed a second time."""

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
    began = time.perf_counter()
    e.score([(index, text)])
    return time.perf_counter() - began


def main(folder: Path) -> None:
    """Read ``request``, write ``answer``."""
    request = pickle.loads((folder / "request").read_bytes())
    if request["mode"] == "elsewhere":
        deny_network()
    from proving_ground.validation.checks import Examination
    from proving_ground.validation.inputs import Subject, load_reward

    reward = load_reward(request["spec"])
    e = Examination.__new__(Examination)
    e.timeouts = 0
    e.subject = Subject(name="", reward=reward, rows=request["rows"], references=[], wrong=[])
    answer = folder / "answer"
    if request["mode"] != "cost":
        answer.write_bytes(pickle.dumps(e.score(request["pairs"])))
        return
    index, right = request["pairs"][0]
    e.score([(index, right)])
    began = time.perf_counter()
    e.score([(index, right)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, Any] = {"patterns": {}, "reference": round(time.perf_counter() - began, 4)}
    for name, piece in PATTERNS.items():
        times: list[tuple[int, float]] = found["patterns"].setdefault(name, [])
        size = 4096
        while size <= LARGEST and (not times or times[-1][1] < PATIENCE):
            found["at"] = f"{name}, {size:,} characters"
            answer.with_suffix(".partial").write_bytes(pickle.dumps(found))
            answer.with_suffix(".partial").replace(answer)
            # Something else at the end: what looks for an end must go back from there.
            text = f"{(piece * (size // len(piece) + 1))[: size - 1]}!"
            taken = _seconds(e, index, text)
            if taken > AGAIN:  # another process may have had the core
                taken = min(taken, _seconds(e, index, text))
            times.append((size, taken))
            size *= 4
        found["memory_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    answer.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
