"""Worker processes for computer algebra: started when first needed, reused, killed and replaced.

Why processes: a hostile answer can hold the interpreter for good or take all memory, timeouts by
signal work only in a main thread, and a trainer calls rewards from wherever it likes. A pool may be
used from many threads at once; after ``os.fork`` the child starts workers of its own. Workers get
no environment but paths, so that no key reaches code that reads model output.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from functools import lru_cache
from pathlib import Path
from signal import SIGXCPU
from typing import Any

from proving_ground.errors import InfrastructureError

START_SECONDS = 120.0
"""Wall time a worker may take to import sympy and pass its self-test."""

WALL_SECONDS = 120.0
"""Wall time for one comparison: a backstop behind the worker's own CPU limits, even on a busy core."""

COMPLETION_SECONDS = 3.0
"""CPU time for all comparisons of one completion; none starts after it is used up."""

ATTEMPTS = 3
"""Fresh workers that a question is put to, one after another, while they die without an answer."""

MAX_WORKERS = 4
_WORKER_MODULE = "proving_ground.rewards.math.worker"
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


class BadGoldError(Exception):
    """The ground truth cannot be verified; ``str(error)`` says why."""


class TooCostlyError(Exception):
    """The answer cannot be compared within the limits: the answer's own fault, so it is wrong."""


class WorkerLostError(Exception):
    """Workers died or did not answer, through no fault of the answer: no verdict, and none is kept."""


class _Worker:
    """One process, one request at a time."""

    def __init__(self) -> None:
        environment = {
            "PYTHONPATH": os.pathsep.join(
                map(os.path.abspath, [str(_PACKAGE_ROOT), *filter(None, sys.path)])
            ),
            **{name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ},
        }
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _WORKER_MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=environment,
                cwd=tempfile.gettempdir(),
                bufsize=0,
            )
        except OSError as error:
            self._stderr.close()
            raise InfrastructureError(f"cannot start the math verifier: {error}") from error
        self.pid = self._process.pid
        try:
            self._read_reply(START_SECONDS)
        except WorkerLostError as error:
            self._stderr.seek(0)
            last = self._stderr.read().decode(errors="replace").strip().splitlines()[-1:] or ["no output"]
            self.kill()
            raise InfrastructureError(
                f"the math verifier did not start ({error}): {last[0][:300]}; is math-verify installed?"
            ) from error

    def ask(self, gold: str, answer: str | None) -> dict[str, Any]:
        """One request; raises ``WorkerLostError``, after which the worker must be dropped."""
        request = json.dumps({"gold": gold, "answer": answer}).encode() + b"\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request)
        except BrokenPipeError as error:
            raise WorkerLostError("died") from error
        return self._read_reply(WALL_SECONDS)

    def _read_reply(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        descriptor, reply, end = self._process.stdout.fileno(), b"", time.monotonic() + seconds
        waiting = select.poll()  # unlike select.select it takes descriptors above 1023
        waiting.register(descriptor, select.POLLIN)
        while not reply.endswith(b"\n"):
            if not waiting.poll(max(0.0, end - time.monotonic()) * 1000):
                raise WorkerLostError("no answer before the deadline")
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise WorkerLostError("died")
            reply += chunk
        parsed: dict[str, Any] = json.loads(reply)
        return parsed

    def kill(self) -> int:
        """End the process and collect it; its exit status tells what it died of."""
        self._process.kill()
        status = self._process.wait()
        self.forget()
        return status

    def forget(self) -> None:
        """Close this process's ends of the pipes; the worker exits once nobody holds its stdin."""
        # In a forked child the worker is not ours to wait for; after ``kill`` this changes nothing.
        if self._process.returncode is None:
            self._process.returncode = 0
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Pool:
    """Up to ``size`` workers; an ``Allowance`` asks them for one completion."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or max(1, min(len(os.sched_getaffinity(0)), MAX_WORKERS))
        self._free = threading.Semaphore(self.size)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        # Ground truths repeat over a group and over epochs; verdicts repeat within a group. What is
        # kept is an answer from a worker, limits included; a worker's death raises and is not kept.
        self.reply = lru_cache(maxsize=16384)(self._ask)

    def pids(self) -> list[int]:
        """Process ids of the live workers."""
        with self._lock:
            return sorted(worker.pid for worker in self._all)

    def close(self) -> None:
        """Kill all workers."""
        with self._lock:
            workers, self._all, self._idle = list(self._all), set(), []
        for worker in workers:
            worker.kill()

    def forget(self) -> None:
        """In a forked child: let go of the parent's workers without touching them."""
        for worker in self._all:
            worker.forget()

    def _ask(self, gold: str, answer: str | None) -> dict[str, Any]:
        """A worker's reply, from a fresh one if the first is lost. Raises ``WorkerLostError``."""
        lost: WorkerLostError | None = None
        for _ in range(ATTEMPTS):
            with self._free:
                worker = self._take()
                try:
                    reply = worker.ask(gold, answer)
                except BaseException as error:
                    # Also on KeyboardInterrupt: a worker with a reply still to come must not be reused.
                    with self._lock:
                        self._all.discard(worker)
                    status = worker.kill()
                    if not isinstance(error, WorkerLostError):
                        raise
                    self._give_back(self._start())
                    if status == -SIGXCPU:
                        return {"status": "timeout", "why": "out of CPU time", "cpu": COMPLETION_SECONDS}
                    lost = error
                else:
                    self._give_back(worker)
                    return reply
        raise WorkerLostError(f"{ATTEMPTS} workers in a row: {lost}") from lost

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._start()

    def _start(self) -> _Worker:
        worker = _Worker()
        with self._lock:
            self._all.add(worker)
        return worker

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)


class Allowance:
    """``judge.Algebra`` for one completion or one ground truth: its questions share ``COMPLETION_SECONDS``.

    The time of a reply from the cache counts too, so that a verdict does not depend on what ran before.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._left = COMPLETION_SECONDS

    def check(self, gold: str) -> None:
        """Raise ``BadGoldError`` unless a worker can parse and evaluate ``gold`` within the limits."""
        if self._left <= 0:
            raise BadGoldError("too costly to verify")
        reply = self._reply(gold, None)
        if reply["status"] != "equal":
            raise BadGoldError(str(reply.get("why") or reply["status"]))

    def equal(self, gold: str, answer: str) -> bool:
        """Whether the answer equals ``gold``, which has passed ``check``. Raises ``TooCostlyError``."""
        if self._left <= 0:
            raise TooCostlyError("the completion's CPU time is used up")
        reply = self._reply(gold, answer)
        if reply["status"] == "timeout":
            raise TooCostlyError(str(reply.get("why")))
        return bool(reply["status"] == "equal")

    def _reply(self, gold: str, answer: str | None) -> dict[str, Any]:
        reply = self._pool.reply(gold, answer)
        self._left -= reply["cpu"]
        return reply


class _Shared:
    """Holds the process's one pool, so that a fork can exchange it."""

    pool = Pool()


def shared_pool() -> Pool:
    """This process's pool; workers start with the first question."""
    return _Shared.pool


def _renew_after_fork() -> None:
    _Shared.pool.forget()
    _Shared.pool = Pool()


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(lambda: shared_pool().close())
