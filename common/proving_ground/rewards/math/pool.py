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
from typing import Any

from proving_ground.errors import InfrastructureError

START_SECONDS = 120.0
"""Wall time a worker may take to import sympy and pass its self-test."""

WALL_SECONDS = 30.0
"""Wall time for one comparison: a backstop behind the worker's own CPU limits."""

MAX_WORKERS = 4
_WORKER_MODULE = "proving_ground.rewards.math.worker"
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


class BadGoldError(Exception):
    """The ground truth cannot be verified; ``str(error)`` says why."""


class TooCostlyError(Exception):
    """The answer cannot be compared within the worker's limits."""


class _WorkerLostError(Exception):
    """The worker died or had to be killed; ``deadline`` says which."""

    def __init__(self, deadline: bool) -> None:
        super().__init__("deadline" if deadline else "died")
        self.deadline = deadline


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
        except _WorkerLostError as error:
            self._stderr.seek(0)
            last = self._stderr.read().decode(errors="replace").strip().splitlines()[-1:] or ["no output"]
            self.kill()
            raise InfrastructureError(
                f"the math verifier did not start ({error}): {last[0][:300]}; is math-verify installed?"
            ) from error

    def ask(self, gold: str, answer: str | None) -> dict[str, Any]:
        """One request; raises ``_WorkerLostError``, after which the worker must be dropped."""
        request = json.dumps({"gold": gold, "answer": answer}).encode() + b"\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request)
        except BrokenPipeError as error:
            raise _WorkerLostError(deadline=False) from error
        return self._read_reply(WALL_SECONDS)

    def _read_reply(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        descriptor, reply, end = self._process.stdout.fileno(), b"", time.monotonic() + seconds
        waiting = select.poll()  # unlike select.select it takes descriptors above 1023
        waiting.register(descriptor, select.POLLIN)
        while not reply.endswith(b"\n"):
            if not waiting.poll(max(0.0, end - time.monotonic()) * 1000):
                raise _WorkerLostError(deadline=True)
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise _WorkerLostError(deadline=False)
            reply += chunk
        parsed: dict[str, Any] = json.loads(reply)
        return parsed

    def kill(self) -> None:
        """End the process and collect it."""
        self._process.kill()
        self._process.wait()
        self.forget()

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
    """Up to ``size`` workers behind the two questions of ``judge.Algebra``."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or max(1, min(len(os.sched_getaffinity(0)), MAX_WORKERS))
        self._free = threading.Semaphore(self.size)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        # Ground truths repeat over a group and over epochs; verdicts repeat within a group.
        self._checked = lru_cache(maxsize=8192)(self._check)
        self._status = lru_cache(maxsize=8192)(self._ask_status)

    def check(self, gold: str) -> None:
        """Raise ``BadGoldError`` unless the worker can parse ``gold`` within its limits."""
        why = self._checked(gold)
        if why is not None:
            raise BadGoldError(why)

    def equal(self, gold: str, answer: str) -> bool:
        """Whether the answer equals ``gold``, which has passed ``check``.

        Raises ``TooCostlyError`` for an answer that takes too long or takes the worker down with it.
        That the worker and not the answer is at fault shows when its replacement fails to start,
        which raises ``InfrastructureError``.
        """
        try:
            status = self._status(gold, answer)
        except _WorkerLostError as error:
            raise TooCostlyError(str(error)) from error
        if status == "timeout":
            raise TooCostlyError(status)
        return status == "equal"

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

    def _check(self, gold: str) -> str | None:
        """Why ``gold`` is bad, or ``None``."""
        try:
            reply = self._ask(gold, None)
        except _WorkerLostError as error:
            return f"verifying it took the verifier down ({error})"
        return None if reply["status"] == "equal" else str(reply.get("why") or reply["status"])

    def _ask_status(self, gold: str, answer: str) -> str:
        return str(self._ask(gold, answer)["status"])

    def _ask(self, gold: str, answer: str | None) -> dict[str, Any]:
        with self._free:
            worker = self._take()
            try:
                reply = worker.ask(gold, answer)
            except BaseException as error:
                # Also on KeyboardInterrupt: a worker with a reply still to come must not be reused.
                with self._lock:
                    self._all.discard(worker)
                worker.kill()
                if isinstance(error, _WorkerLostError) and not error.deadline:
                    self._give_back(self._start())
                raise
            self._give_back(worker)
            return reply

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
