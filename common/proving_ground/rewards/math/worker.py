r"""The process that runs computer algebra: ``python -m proving_ground.rewards.math.worker``.

One JSON object a line on stdin, one on stdout; end of input ends the process.
Request ``{"gold": str, "answer": str | null}``; reply ``{"status": ...}``:

- ``equal`` or ``different``; with ``answer`` null, ``equal`` says that the ground truth can be used;
- ``bad_gold``: the ground truth cannot be parsed; ``why`` says more;
- ``cpu``, beside the status: the seconds of processor time that it took;
- ``timeout``: more than ``CPU_SECONDS`` of processor time. CPU time, not wall time, so that a
  verdict does not depend on how busy the machine is.

Two limits stand behind each other: a timer that interrupts Python code, and the kernel's CPU limit,
which also ends a computation stuck inside one C call, even after the parent is gone.
"""

import json
import os
import resource
import signal
import sys
import time
from importlib import import_module
from types import FrameType
from typing import Any

CPU_SECONDS = 3.0
MEMORY_BYTES = 2 * 1024**3
_FILE_BYTES = 16 * 1024**2


class _OutOfTimeError(BaseException):
    """Not an Exception: libraries swallow those."""


def _out_of_time(signum: int, frame: FrameType | None) -> None:
    raise _OutOfTimeError


def _allow_cpu(seconds: float) -> None:
    """Let the process use that much more CPU time before the kernel ends it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, hard))


def _limit_process() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, _out_of_time)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    # The CPU and memory limits bound what long numerals can cost here.
    sys.set_int_max_str_digits(0)


def _compare(gold: str, answer: str | None) -> dict[str, Any]:
    """Parse and compare one pair."""
    from proving_ground.rewards.math import symbolic

    # The ways in which sympy gives up on what lies outside its domain. Anything else is a bug and
    # ends the worker, which the parent notices.
    gives_up = (ArithmeticError, ValueError, TypeError, AttributeError, NotImplementedError, LookupError)
    try:
        expected = symbolic.parse(gold)
        if answer is None:
            symbolic.examine(expected)
            return {"status": "equal"}
    except gives_up as error:
        return {"status": "bad_gold", "why": _why(error)}
    try:
        right = symbolic.equal(expected, symbolic.parse(answer))
    except gives_up as error:
        # The ground truth was examined and the machinery passed its self-test, so it is this answer
        # that cannot be shown to be right.
        return {"status": "different", "why": _why(error)}
    return {"status": "equal" if right else "different"}


def _why(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def answer_request(gold: str, answer: str | None) -> dict[str, Any]:
    """``_compare`` within the time, recursion and memory limits."""
    _allow_cpu(2 * CPU_SECONDS)
    try:
        # The interval repeats the signal in case the first lands where exceptions are discarded.
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, 0.5)
        try:
            return _compare(gold, answer)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except (_OutOfTimeError, RecursionError, MemoryError) as error:
        return {"status": "timeout", "why": type(error).__name__}


def self_test() -> None:
    """Raise ``RuntimeError`` unless parsing and comparing work at all."""
    for answer, status in ((r"1/\sqrt{2}", "equal"), (r"\sqrt{3}", "different")):
        reply = answer_request(r"\frac{\sqrt{2}}{2}", answer)
        if reply["status"] != status:
            raise RuntimeError(f"math verifier self-test: {answer} gave {reply}, expected {status}")


def main() -> None:
    """Serve requests until end of input."""
    # Replies get a descriptor of their own: whatever a library prints must not end up among them.
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    _limit_process()
    import_module(
        "proving_ground.rewards.math.symbolic"
    )  # seconds that no comparison's time limit should pay for
    self_test()
    # From here on stderr could only fill up; what start-up had to say has been said.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    reply: dict[str, Any] = {"status": "ready"}
    while True:
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
        line = sys.stdin.buffer.readline()
        if not line:
            return
        request = json.loads(line)
        start = time.process_time()
        reply = answer_request(request["gold"], request["answer"])
        reply["cpu"] = time.process_time() - start


if __name__ == "__main__":
    main()
